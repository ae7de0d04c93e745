#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""dime's checkpoints load with strict=True in open_clip, and give the same vectors.

Use: strict_parity.py DIME   (in a venv with torch, open_clip_torch, safetensors, pillow, numpy)
"""
import base64
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import torch
import yaml
from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg
from open_clip.tokenizer import SimpleTokenizer
from open_clip.transformer import QuickGELU, VisionTransformer
from safetensors.torch import load_file

import program
from io_tool import Checks
from shards import Shard, decoded, encoded, photograph

MEAN, STD = np.float32([0.48145466, 0.4578275, 0.40821073]), np.float32([0.26862954, 0.26130258, 0.27577711])
ROWS, DIM, SIDE = 24, 20, 24
IMAGE = {"image_size": SIDE, "patch_size": 8, "width": 32, "layers": 2, "heads": 2}
TEXT = {"width": 24, "layers": 2, "heads": 2, "context": 16, "vocabulary": 49408}


def make_data(folder):
    rng = np.random.default_rng(4)
    image, vectors, text = Shard(folder, "image"), Shard(folder, "vectors"), Shard(folder, "text")
    pixels, captions = [], []
    for i in range(ROWS):
        data = encoded(photograph(rng, SIDE), jpeg=False)
        captions.append(f"a photo of thing {i}, {rng.integers(1000)} of them")
        image.add_base64(f"r{i}", data)
        text.add(f"r{i}", json.dumps(captions[-1]).encode())
        vectors.add_base64(f"r{i}", rng.normal(size=DIM).astype("<f4").tobytes())
        pixels.append((decoded(data) - MEAN) / STD)
    for shard in (image, vectors, text):
        shard.close()
    return torch.tensor(np.stack(pixels)).permute(0, 3, 1, 2).contiguous(), captions


def experiment(name, student, losses, data):
    return {"schema": 1, "name": name, "device": "cpu", "models": {"student": student}, "losses": losses, "data": data,
            "train": {"steps": 8, "optimizer": {"lr": 2e-3}, "log_every": 1}}


def stream(kind, batch, **more):
    return {"source": {"type": f"tsv_{kind}s", "list": f"{kind}.list"}, "batch_size": batch, **more}


def extract(program_file, folder, student, weights, of):
    """The student's own vectors of the rows, in their order, by `dime extract`."""
    job = {"model": "student", "of": f"data.{of}s", "to": {"type": "tsv_features", "stem": f"out/{of}", "overwrite": True}}
    data = {f"{of}s": stream(of, 4)}
    file = folder / f"extract_{of}.yaml"
    file.write_text(yaml.safe_dump({"schema": 1, "name": "extract", "device": "cpu", "data": data,
                                    "models": {"student": {**student, "init": str(weights)}}, "extract": {"job": job}}))
    done = subprocess.run([program_file, "extract", str(file), "job"], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"FAIL dime extract: {done.stderr}")
    rows = (folder / f"out/{of}-0.tsv").read_text().splitlines()
    return torch.tensor(np.stack([np.frombuffer(base64.b64decode(row.split("\t")[1]), "<f4") for row in rows]))


def far(a, b):
    return ((a - b).norm() / b.norm()).item()


def image_only(checks, dime, folder, pixels):
    student = {"type": "clip", "embed_dim": DIM, "image": {**IMAGE, "activation": "quick_gelu"}}
    features = {"type": "tsv_features", "list": "vectors.list"}
    run = program.train(dime, folder, experiment("image", student, {"pvl": {"type": "pvl"}}, {"images": stream("image", 8, features=features)}), "image")
    weights = program.last_checkpoint(run)
    tower = VisionTransformer(image_size=SIDE, patch_size=8, width=32, layers=2, heads=2, mlp_ratio=4.0, output_dim=DIM, act_layer=QuickGELU)
    state = load_file(weights)
    checks.check("image tower: every name begins with visual.", all(k.startswith("visual.") for k in state))
    tower.load_state_dict({k.removeprefix("visual."): v for k, v in state.items()}, strict=True)
    with torch.no_grad():
        distance = far(extract(dime, folder, student, weights, "image"), tower.eval()(pixels))
    checks.check("image tower: vectors", distance <= 1e-4, f"{distance:.1e}")


def both(checks, dime, folder, pixels, captions):
    student = {"type": "clip", "embed_dim": DIM, "image": {**IMAGE, "activation": "quick_gelu"}, "text": {**TEXT, "activation": "quick_gelu"}}
    features = {"type": "tsv_features", "list": "vectors.list"}
    data = {"images": stream("image", 8, features=features), "texts": stream("text", 8, features=features)}
    run = program.train(dime, folder, experiment("both", student, {"fd": {"type": "fd"}}, data), "both")
    weights = program.last_checkpoint(run)
    model = CLIP(DIM, CLIPVisionCfg(layers=2, width=32, head_width=16, patch_size=8, image_size=SIDE),
                 CLIPTextCfg(context_length=16, vocab_size=49408, width=24, heads=2, layers=2), quick_gelu=True).eval()
    state = load_file(weights)
    checks.check("both towers: names of open_clip", sorted(state) == sorted(model.state_dict()), str(set(state) ^ set(model.state_dict())))
    model.load_state_dict(state, strict=True)
    tokens = SimpleTokenizer()(captions, context_length=16)
    with torch.no_grad():
        distances = [far(extract(dime, folder, student, weights, "image"), model.encode_image(pixels)),
                     far(extract(dime, folder, student, weights, "text"), model.encode_text(tokens))]
    checks.check("both towers: vectors", max(distances) <= 1e-4, f"{distances[0]:.1e} {distances[1]:.1e}")


def main():
    checks = Checks()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        pixels, captions = make_data(folder)
        image_only(checks, sys.argv[1], folder, pixels)
        both(checks, sys.argv[1], folder, pixels, captions)
    checks.leave()


main()
