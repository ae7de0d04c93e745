#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Model `unicl` of dime against timm's SwinTransformer in open_clip's wrapper, and open_clip's text tower: vectors and
gradients at reduced widths, names and shapes at full size.

Use: unicl_parity.py MODEL_TOOL   (in a venv with torch, timm, open_clip_torch, safetensors)
"""
import json
import pathlib
import subprocess
import sys
import tempfile
from functools import partial

import timm
import torch
from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg
from timm.models.swin_transformer import SwinTransformer

from io_tool import Checks
from model_tool import Parity, draw

TOOL = sys.argv[1]
DIM = 20
PRESETS = {"swin_tiny": "swin_tiny_patch4_window7_224", "swin_small": "swin_small_patch4_window7_224",
           "swin_base": "swin_base_patch4_window7_224"}
TEXT = {"width": 32, "layers": 2, "heads": 2, "context": 12, "vocabulary": 64}
# Sizes where windows fit as they do at 224, are padded, shrink to what is left, or hold one position, and where merged
# patches are odd in number.
SMALL = {
    "224 in small: 56, 28, 14 and 7 positions": dict(image_size=112, patch_size=2, width=8, depths=[2, 2, 2, 2], heads=[1, 2, 4, 8], window=7),
    "15, 8, 4 and 2 positions in windows of 4": dict(image_size=60, patch_size=4, width=12, depths=[2, 3, 1, 2], heads=[3, 2, 4, 8], window=4),
    "29, 15 and 8 positions in windows of 7": dict(image_size=58, patch_size=2, width=8, depths=[2, 2, 2], heads=[2, 2, 4], window=7, mlp_ratio=2.5),
    "9, 5, 3, 2 and 1 positions in windows of 3": dict(image_size=27, patch_size=3, width=8, depths=[2, 2, 2, 2, 2], heads=[2, 2, 4, 4, 8], window=3),
    "6 and 3 positions in windows of 1": dict(image_size=24, patch_size=4, width=8, depths=[2, 2], heads=[2, 4], window=1),
    "another epsilon": dict(image_size=32, patch_size=4, width=8, depths=[2, 2], heads=[2, 4], window=4, layer_norm_eps=1e-3),
}  # fmt: skip


def ask(folder, request):
    path = folder / "request.json"
    path.write_text(json.dumps(request))
    done = subprocess.run([TOOL, str(path)], capture_output=True, text=True)
    return json.loads(done.stdout) if done.returncode == 0 else {"error": done.stderr.strip()}


def check_names(checks, folder, what, model, module):
    answer = ask(folder, {"model": model, "shapes": True})
    got, want = answer.get("shapes", {}), {name: list(tensor.shape) for name, tensor in module.state_dict().items()}
    wrong = {name: [got.get(name), want.get(name)] for name in got.keys() | want.keys() if got.get(name) != want.get(name)}
    checks.check(f"{what}: {len(want)} names and shapes", not wrong, answer.get("error") or json.dumps(wrong)[:400] * bool(wrong))


def clip_of(trunk, dim, text):
    """open_clip's CLIP with a Swin of timm, by the name of a full size."""
    vision = CLIPVisionCfg(timm_model_name=trunk, timm_pool="avg", timm_proj="linear", image_size=224)
    return CLIP(dim, vision, text, quick_gelu=True)


def presets(checks, folder):
    text = CLIPTextCfg(context_length=77, vocab_size=49408, width=512, heads=8, layers=12)
    for preset, trunk in PRESETS.items():
        with torch.device("meta"):
            module = clip_of(trunk, 768, text)
        check_names(checks, folder, f"{preset} of open_clip", {"type": "unicl", "preset": preset}, module)


def small_clip(sizes):
    """open_clip's wrapper and text tower around a reduced Swin."""
    text = CLIPTextCfg(context_length=TEXT["context"], vocab_size=TEXT["vocabulary"], width=TEXT["width"],
                       heads=TEXT["heads"], layers=TEXT["layers"])
    module = clip_of(PRESETS["swin_tiny"], DIM, text)
    trunk = SwinTransformer(img_size=sizes["image_size"], patch_size=sizes["patch_size"], num_classes=0, global_pool="avg",
                            embed_dim=sizes["width"], depths=sizes["depths"], num_heads=sizes["heads"],
                            window_size=sizes["window"], mlp_ratio=sizes.get("mlp_ratio", 4),
                            norm_layer=partial(torch.nn.LayerNorm, eps=sizes.get("layer_norm_eps", 1e-5)))
    module.visual.trunk = trunk
    module.visual.head.proj = torch.nn.Linear(trunk.num_features, DIM, bias=False)
    return module.eval()


def spread_tables(module, generator):
    """Biases that are seen in the scores."""
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if name.endswith("relative_position_bias_table"):
                parameter.normal_(0, 1, generator=generator)


def compare(checks, folder, what, sizes, seed):
    generator = torch.Generator().manual_seed(seed)
    module = small_clip(sizes)
    draw(module, seed, scale=1)
    spread_tables(module, generator)
    pixels = torch.randn(5, 3, sizes["image_size"], sizes["image_size"], generator=generator)
    tokens = torch.randint(1, TEXT["vocabulary"] - 1, (4, TEXT["context"]), generator=generator)
    for row, end in enumerate((3, 11, 6, 1)):
        tokens[row, end] = TEXT["vocabulary"] - 1
        tokens[row, end + 1 :] = 0
    model = {"type": "unicl", "embed_dim": DIM, "image": sizes, "text": TEXT}
    vectors = {"image": (pixels, module.encode_image(pixels)), "text": (tokens, module.encode_text(tokens))}
    check_names(checks, folder, what, model, module)
    del module.logit_scale  # not in the vectors: it has no gradient
    parity = Parity(TOOL, folder, model, module, vectors, init={"allow_missing": ["logit_scale"]})
    parity.check(checks, f"{what}: vectors and gradients")
    want = sum(parameter.grad is not None for parameter in module.parameters())
    checks.check(f"{what}: every gradient was compared", parity.answer.get("compared") == want, f"{want} gradients")


def main():
    checks = Checks()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        presets(checks, folder)
        for seed, (what, sizes) in enumerate(SMALL.items()):
            compare(checks, folder, what, sizes, seed)
    checks.leave()


if __name__ == "__main__":
    print(f"timm {timm.__version__}")
    main()
