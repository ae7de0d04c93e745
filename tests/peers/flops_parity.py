# SPDX-License-Identifier: Apache-2.0
"""flops_parity.py PROGRAM: the arithmetic that `dime check` prints, against torch.utils.flop_counter on open_clip's CLIP."""
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
import yaml
from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from io_tool import Checks

UNITS = {"FLOP": 1, "kFLOP": 1e3, "MFLOP": 1e6, "GFLOP": 1e9, "TFLOP": 1e12}
VISION = {"image_size": 64, "patch_size": 8, "width": 128, "layers": 3}
TEXT = {"width": 64, "layers": 2, "context": 24}
HEAD = 64
EMBED = 48


def unread(positions, width):
    """What open_clip computes in the last block for the positions that nothing reads: dime leaves it out."""
    others = positions - 1
    return 2 * others * width * (width + width + 8 * width) + 2 * others * positions * 2 * width


def counted(work):
    # Of the fused kernels the counter does not know the one for CPUs.
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        work()
    return counter.get_total_flops()


def printed(program, folder):
    student = {
        "type": "clip",
        "embed_dim": EMBED,
        "image": {**VISION, "heads": VISION["width"] // HEAD},
        "text": {**TEXT, "heads": TEXT["width"] // HEAD},
    }
    file = folder / "flops.yaml"
    file.write_text(yaml.safe_dump({"schema": 1, "name": "flops", "models": {"student": student}}))
    done = subprocess.run([program, "check", str(file)], capture_output=True, text=True)
    found = re.search(r"forward: +([0-9.]+) (\w+) an image, ([0-9.]+) (\w+) a text", done.stdout)
    if not found:
        raise SystemExit(f"FAIL dime check: {done.stdout}{done.stderr}")
    return float(found[1]) * UNITS[found[2]], float(found[3]) * UNITS[found[4]]


def main():
    checks = Checks()
    vision = CLIPVisionCfg(
        layers=VISION["layers"], width=VISION["width"], head_width=HEAD, patch_size=8, image_size=VISION["image_size"]
    )
    text = CLIPTextCfg(
        context_length=TEXT["context"], width=TEXT["width"], heads=TEXT["width"] // HEAD, layers=TEXT["layers"]
    )
    model = CLIP(EMBED, vision, text).train()
    pixels = torch.zeros(1, 3, VISION["image_size"], VISION["image_size"])
    tokens = torch.zeros(1, TEXT["context"], dtype=torch.long)
    positions = (VISION["image_size"] // VISION["patch_size"]) ** 2 + 1
    image = counted(lambda: model.encode_image(pixels)) - unread(positions, VISION["width"])
    words = counted(lambda: model.encode_text(tokens)) - unread(TEXT["context"], TEXT["width"])
    with tempfile.TemporaryDirectory() as folder:
        got_image, got_words = printed(sys.argv[1], Path(folder))
    # Three digits are printed.
    checks.check("image tower", abs(got_image / image - 1) < 3e-3, f"{got_image:.4g} against {image:.4g}")
    checks.check("text tower", abs(got_words / words - 1) < 3e-3, f"{got_words:.4g} against {words:.4g}")
    checks.leave()


if __name__ == "__main__":
    main()
