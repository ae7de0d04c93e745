#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trains the same student with dime and with PyTorch, on other data, seeds and sizes than the committed golden run.

Use: golden_parity.py DIME   (in a venv with torch, timm, open_clip_torch, safetensors, pillow, numpy)
"""
import json
import pathlib
import sys
import tempfile

import numpy as np
import torch
from open_clip.transformer import QuickGELU, VisionTransformer
from safetensors.torch import load_file, save_file

import objective
import program
from io_tool import Checks
from shards import Shard, decoded, encoded, photograph

MEAN, STD = np.float32([0.48145466, 0.4578275, 0.40821073]), np.float32([0.26862954, 0.26130258, 0.27577711])
SETTINGS = [
    dict(name="vit128", seed=11, width=128, heads=2, layers=3, dim=40, batch=24, texts=5, steps=30, lr=8e-4, image=32, patch=8,
         weights=dict(vl=0.7, pvl=0.3, udist=0.1), temperatures=dict(vl=1.0, pvl=3.0, udist=7.0), warmup=0),
    dict(name="vit64", seed=5, width=64, heads=1, layers=2, dim=64, batch=20, texts=3, steps=25, lr=1e-3, image=28, patch=7,
         weights=dict(vl=0.68, pvl=0.22, udist=0.1), temperatures=dict(vl=0.8, pvl=2.0, udist=5.0), warmup=6),
]


def make_data(folder, s, rng):
    """Shards of images, texts and their vectors, and the tensors that they stand for."""
    names = ("image", "image-feat", "text", "text-feat")
    image, image_feat, text, text_feat = (Shard(folder, name) for name in names)
    projection = rng.normal(size=(192, s["dim"]))
    pixels, teacher, words = [], [], []
    for i in range(s["batch"] * s["steps"]):
        photo = photograph(rng, s["image"])
        data = encoded(photo, jpeg=i % 3 == 0)
        image.add_base64(f"i{i}", data)
        pixels.append((decoded(data) - MEAN) / STD)
        small = np.asarray(photo.resize((8, 8)), np.float64).reshape(-1) / 255 - 0.5
        teacher.append((small @ projection + 0.3 * rng.normal(size=s["dim"])).astype("<f4"))
        image_feat.add_base64(f"i{i}", teacher[-1].tobytes())
    for i in range(s["texts"] * s["batch"]):
        text.add(f"t{i}", json.dumps({"caption": f"a photo of thing {i}"}).encode())
        words.append((0.3 * rng.normal(size=192) @ projection).astype("<f4"))
        text_feat.add_base64(f"t{i}", words[-1].tobytes())
    for shard in (image, image_feat, text, text_feat):
        shard.close()
    return torch.tensor(np.stack(pixels)).permute(0, 3, 1, 2).contiguous(), torch.tensor(np.stack(teacher)), torch.tensor(np.stack(words))


def experiment(s):
    return {
        "schema": 1, "name": s["name"], "seed": s["seed"], "device": "cpu",
        "data": {
            "images": {"source": {"type": "tsv_images", "list": "image.list"}, "features": {"type": "tsv_features", "list": "image-feat.list"},
                       "transform": [{"type": "normalize", "preset": "clip"}], "shuffle": False, "batch_size": s["batch"]},
            "texts": {"source": {"type": "tsv_texts", "list": "text.list"}, "features": {"type": "tsv_features", "list": "text-feat.list"},
                      "shuffle": False, "batch_size": s["batch"]}},
        "models": {"student": {"type": "clip", "embed_dim": s["dim"], "init": "init.safetensors",
                               "image": {"image_size": s["image"], "patch_size": s["patch"], "width": s["width"],
                                         "layers": s["layers"], "heads": s["heads"], "activation": "quick_gelu"}}},
        "losses": {n: {"type": n, "weight": s["weights"][n], "temperature": s["temperatures"][n]} for n in s["weights"]},
        "train": {"epochs": 1, "precision": "fp32", "optimizer": {"type": "adamw", "lr": s["lr"], "weight_decay": 0.05},
                  "schedule": {"type": "cosine", "warmup": f"{s['warmup']} steps", "warmup_lr": 4e-6, "min_lr": 4e-5}, "log_every": 1}}


def reference(s, folder, pixels, teacher, words):
    """PyTorch's run: each step's losses, and the last weights."""
    torch.manual_seed(s["seed"])
    model = VisionTransformer(image_size=s["image"], patch_size=s["patch"], width=s["width"], layers=s["layers"], heads=s["heads"],
                              mlp_ratio=4.0, output_dim=s["dim"], act_layer=QuickGELU)
    save_file({"visual." + k: v.contiguous() for k, v in model.state_dict().items()}, folder / "init.safetensors")
    optimizer = objective.adamw(model, s["lr"], 0.05)
    rows = []
    for step, lr in enumerate(objective.rates(s["steps"], s["warmup"], s["lr"], 4e-6, 4e-5)):
        for group in optimizer.param_groups:
            group["lr"] = lr
        part = slice(step * s["batch"], (step + 1) * s["batch"])
        first = step % s["texts"] * s["batch"]
        features = model(pixels[part])
        losses = {n: objective.LOSSES[n](features, teacher[part], words[first:first + s["batch"]], s["temperatures"][n]) for n in s["weights"]}
        total = sum(s["weights"][n] * value for n, value in losses.items())
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        rows.append({"lr": lr, "loss": total.item(), "losses": {n: value.item() for n, value in losses.items()}})
    return rows, {"visual." + k: v for k, v in model.state_dict().items()}


def determined(name, x):
    """The gradient of the keys' bias is zero in exact arithmetic: that third is noise."""
    return torch.cat([x.chunk(3)[0], x.chunk(3)[2]]) if name.endswith("in_proj_bias") else x


def compare(checks, s, lines, rows, weights, want):
    worst = {"loss": 0.0, "lr": 0.0}
    for line, row in zip(lines, rows, strict=True):
        for got, expected in [(line["loss"], row["loss"])] + [(line["losses"][n], row["losses"][n]) for n in row["losses"]]:
            worst["loss"] = max(worst["loss"], abs(got - expected) / abs(expected))
        worst["lr"] = max(worst["lr"], abs(line["lr"] - row["lr"]))
    checks.check(f"{s['name']}: losses of {len(rows)} steps", worst["loss"] <= 2e-5, f"worst {worst['loss']:.1e}")
    checks.check(f"{s['name']}: rates", worst["lr"] <= 1e-12, f"worst {worst['lr']:.1e}")
    checks.check(f"{s['name']}: names", sorted(weights) == sorted(want))
    far = max((((determined(n, weights[n]) - determined(n, w)).norm() / determined(n, w).norm()).item(), n) for n, w in want.items())
    checks.check(f"{s['name']}: last weights", far[0] <= 1e-4, f"worst {far[0]:.1e} ({far[1]})")


def main():
    checks = Checks()
    for s in SETTINGS:
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            data = make_data(folder, s, np.random.default_rng(s["seed"]))
            rows, want = reference(s, folder, *data)
            run = program.train(sys.argv[1], folder, experiment(s))
            compare(checks, s, program.metrics(run), rows, load_file(program.last_checkpoint(run)), want)
    checks.leave()


main()
