#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The manual's recipe exports a transformers CLIP, and model torchscript gives its vectors.

Use: torchscript_parity.py MODEL_TOOL MANUAL.md   (in a venv with torch, transformers, safetensors, pyyaml)
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import torch
import yaml
from safetensors.torch import save_file
from transformers import CLIPConfig, CLIPModel
from transformers.utils import logging

from io_tool import Checks
from model_tool import draw

SMALL = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, "projection_dim": 24}
BOUND = 1e-4


def block(manual, language, having):
    """The one fenced block of the manual in this language that holds `having`."""
    found = [b for b in re.findall(rf"^```{language}\n(.*?)^```", manual, re.M | re.S) if having in b]
    if len(found) != 1:
        raise SystemExit(f"FAIL the manual has {len(found)} blocks of {language} with {having!r}, not one")
    return found[0]


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
    tool, manual = os.path.abspath(sys.argv[1]), pathlib.Path(sys.argv[2]).read_text()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        model = yaml.safe_load(block(manual, "yaml", "type: torchscript"))
        python, lines = export(manual)
        checks.check("the recipe has ten lines", lines <= 10, str(lines))
        vectors(checks, tool, model, python)
        scripted(checks, tool, model)
        plain_weights(checks, tool, model)
        another(checks, tool, model, python)
        os.chdir("/")
    checks.leave()


main()
