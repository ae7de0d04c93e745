#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The manual's recipe exports a transformers CLIP; model torchscript gives its vectors and teaches a run as `clip` does.

Use: torchscript_parity.py MODEL_TOOL MANUAL.md DIME   (in a venv with torch, transformers, safetensors, pyyaml)
"""
import base64
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy as np
import torch
import yaml
from safetensors.torch import save_file
from transformers import CLIPConfig, CLIPModel
from transformers.utils import logging

import program
from io_tool import Checks
from model_tool import draw
from shards import Shard, encoded, photograph

SMALL = {"hidden_size": 32, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 2, "projection_dim": 24}
BOUND = 1e-4


def block(manual, language, having):
    """The one fenced block of the manual in this language that holds `having`."""
    found = [b for b in re.findall(rf"^```{language}\n(.*?)^```", manual, re.M | re.S) if having in b]
    if len(found) != 1:
        raise SystemExit(f"FAIL the manual has {len(found)} blocks of {language} with {having!r}, not one")
    return found[0]


def data(folder):
    """Images and sentences without features, which the teacher encodes."""
    rng = np.random.default_rng(3)
    images, texts = Shard(folder, "images"), Shard(folder, "texts")
    for i in range(16):
        images.add_base64(f"r{i}", encoded(photograph(rng, 48), jpeg=True))
        texts.add(f"t{i}", json.dumps({"captions": [f"a photo of {i} birds"]}).encode())
    images.close()
    texts.close()
    transform = [{"type": "resize", "size": 224}, {"type": "center_crop", "size": 224}, {"type": "normalize"}]
    return {"images": {"source": {"type": "tsv_images", "list": "images.list"}, "transform": transform, "batch_size": 8},
            "texts": {"source": {"type": "tsv_texts", "list": "texts.list"}, "batch_size": 8}}


def teaches(checks, dime, model, name):
    """Two updates by the exported teacher, and by the same weights in dime's own CLIP."""
    folder = pathlib.Path.cwd()
    losses = {}
    student = {"type": "clip", "embed_dim": 24, "image": {"image_size": 224, "patch_size": 32, "width": 32, "layers": 1, "heads": 1}}
    for teacher in (model, own_clip(name)):
        run = program.train(dime, folder, {
            "schema": 1, "name": "run", "device": "cpu", "models": {"teacher": teacher, "student": student},
            "losses": {"vl": {"type": "vl"}, "pvl": {"type": "pvl"}, "udist": {"type": "udist"}},
            "data": data(folder), "train": {"steps": 2, "log_every": 1, "optimizer": {"lr": 1e-3}}}, f"by_{teacher['type']}")
        losses[teacher["type"]] = [line for line in program.metrics(run) if "loss" in line]
    ours, theirs = losses["torchscript"], losses["clip"]
    far = max((abs(a["loss"] / b["loss"] - 1) for a, b in zip(ours, theirs, strict=True)), default=1)
    checks.check("teaches as dime's own CLIP does", far <= BOUND, f"{far:.1e}")


def measured(checks, dime, model, name):
    """Zero-shot accuracy and extracted vectors of the exported teacher, which has no `init`, and of dime's own CLIP."""
    folder = pathlib.Path.cwd()
    rng = np.random.default_rng(5)
    for label in ("bird", "boat"):
        (folder / "held" / label).mkdir(parents=True)
        for i in range(20):
            photograph(rng, 48).save(folder / "held" / label / f"{i}.png")
    vectors, accuracy = {}, {}
    for teacher in (model, own_clip(name)):
        kind = teacher["type"]
        experiment = {
            "schema": 1, "name": "measured", "device": "cpu", "models": {"teacher": teacher}, "data": data(folder),
            "extract": {"images": {"of": "data.images", "model": "teacher", "to": {"stem": f"{kind}-vectors"}}},
            "evaluate": {"held": {"task": "zero_shot", "models": ["teacher"], "data": {"type": "image_folder", "root": "held"}}}}
        (folder / f"{kind}.yaml").write_text(yaml.safe_dump(experiment, sort_keys=False))
        for command in (["extract", f"{kind}.yaml"], ["eval", f"{kind}.yaml", "--json"]):
            done = subprocess.run([dime, *command], capture_output=True, text=True)
            if done.returncode != 0:
                return checks.check(f"dime {command[0]} with {kind}", False, done.stderr)
        accuracy[kind] = re.search(r'"accuracy": ([0-9.]+)', done.stdout)[1]
        rows = (folder / f"{kind}-vectors-0.tsv").read_text().splitlines()
        vectors[kind] = torch.tensor(np.stack([np.frombuffer(base64.b64decode(row.split("\t")[1]), "<f4") for row in rows]))
    far = ((vectors["clip"] - vectors["torchscript"]).norm() / vectors["clip"].norm()).item()
    checks.check("is extracted as dime's own CLIP is", far <= BOUND, f"{far:.1e}")
    checks.check("is measured as dime's own CLIP is", accuracy["clip"] == accuracy["torchscript"], str(accuracy))


def own_clip(name):
    """The same weights in dime's CLIP."""
    return {"type": "clip", "preset": "ViT-B-32", "embed_dim": 24, "init": name, "image": {"width": 32, "layers": 2, "heads": 2},
            "text": {"width": 32, "layers": 2, "heads": 2}}


def export(manual):
    """Runs the recipe in this folder, where the name that it loads is that of a small CLIP; gives its variables."""
    recipe = block(manual, "python", "torch.jit.save")
    name = re.search(r'name = "(.*)"', recipe)[1]
    clip = CLIPModel(CLIPConfig(text_config=SMALL, vision_config={**SMALL, "image_size": 224, "patch_size": 32}, projection_dim=24))
    draw(clip)
    clip.save_pretrained(name)
    variables = {}
    exec(compile(recipe, "recipe", "exec"), variables)
    return variables, len(recipe.strip().splitlines())


def ask(tool, model, tensors):
    save_file({k: v.contiguous() for k, v in tensors.items()}, "inputs.safetensors")
    pathlib.Path("request.json").write_text(json.dumps({"model": model, "inputs": "inputs.safetensors"}))
    done = subprocess.run([tool, "request.json"], capture_output=True, text=True)
    return (json.loads(done.stdout), "") if done.returncode == 0 else ({}, done.stderr.strip())


def tokens(rows, generator):
    ids = torch.randint(0, 49406, (rows, 77), generator=generator)
    for row in ids:
        end = int(torch.randint(1, 76, (1,), generator=generator))
        row[0], row[end], row[end + 1:] = 49406, 49407, 0
    return ids


def vectors(checks, tool, model, python):
    generator = torch.Generator().manual_seed(1)
    for rows in (1, 2, 3, 8):
        pixels, ids = torch.randn((rows, 3, 224, 224), generator=generator), tokens(rows, generator)
        with torch.no_grad():
            image, text = python["image"](pixels).image_embeds, python["text"](ids).text_embeds
        answer, error = ask(tool, model, {"pixels": pixels, "tokens": ids, "image": image, "text": text})
        good = max(answer.get("image", 1), answer.get("text", 1)) <= BOUND
        checks.check(f"{rows} rows", good, error or json.dumps(answer))


def another(checks, tool, model, python):
    """Other weights must not pass."""
    pixels = torch.randn((2, 3, 224, 224))
    with torch.no_grad():
        python["image"].visual_projection.weight.mul_(1.01)
        image = python["image"](pixels).image_embeds
    answer, error = ask(tool, model, {"pixels": pixels, "image": image})
    checks.check("other weights are told apart", answer.get("image", 0) > BOUND, error or json.dumps(answer))


def scripted(checks, tool, model):
    """torch.jit.script too, with a dict."""
    class Encoder(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.project = torch.nn.Linear(3 * 49, 24)

        def forward(self, pixels):
            pooled = torch.nn.functional.adaptive_avg_pool2d(pixels, 7)
            return {"pooled": pooled, "embeds": self.project(pooled.flatten(1))}

    encoder = Encoder().eval()
    torch.jit.save(torch.jit.script(encoder), "scripted.pt")
    pixels = torch.randn(5, 3, 224, 224)
    answer, error = ask(tool, {"type": "torchscript", "image": {**model["image"], "file": "scripted.pt", "output": "embeds"}},
                        {"pixels": pixels, "image": encoder(pixels)["embeds"].detach()})
    checks.check("a scripted module that gives a dict", answer.get("image", 1) <= BOUND, error or json.dumps(answer))


def plain_weights(checks, tool, model):
    torch.save({"w": torch.zeros(2)}, "weights.pt")
    answer, error = ask(tool, {"type": "torchscript", "image": {**model["image"], "file": "weights.pt"}}, {"pixels": torch.zeros(1, 3, 224, 224)})
    checks.check("torch.save is refused", not answer and "weights.pt is no TorchScript file" in error, error)


def main():
    logging.set_verbosity_error()
    checks = Checks()
    dime = os.path.abspath(sys.argv[3])
    tool, manual = os.path.abspath(sys.argv[1]), pathlib.Path(sys.argv[2]).read_text()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        model = yaml.safe_load(block(manual, "yaml", "type: torchscript"))
        python, lines = export(manual)
        checks.check("the recipe has ten lines", lines <= 10, str(lines))
        vectors(checks, tool, model, python)
        scripted(checks, tool, model)
        plain_weights(checks, tool, model)
        teaches(checks, dime, model, python["name"])
        measured(checks, dime, model, python["name"])
        another(checks, tool, model, python)
        os.chdir("/")
    checks.leave()


main()
