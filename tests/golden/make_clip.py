#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Golden numbers of model `clip`, by open_clip.

    pip install torch==2.11.0 open_clip_torch==3.3.0 safetensors
    python tests/golden/make_clip.py

`clip.safetensors`: weights, inputs, vectors and gradients of a small CLIP. `clip_names.json`: names and shapes of a
ViT-B/32 of reduced width.
"""
import json
from pathlib import Path

import torch
from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg
from safetensors.torch import save_file

HERE = Path(__file__).parent


def names():
    model = CLIP(512, CLIPVisionCfg(layers=12, width=48, head_width=16, patch_size=32, image_size=224),
                 CLIPTextCfg(context_length=77, vocab_size=64, width=32, heads=2, layers=12), quick_gelu=True)
    shapes = {name: list(x.shape) for name, x in sorted(model.state_dict().items())}
    lines = (f"{json.dumps(name)}: {json.dumps(shape)}" for name, shape in shapes.items())
    (HERE / "clip_names.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


def tokens(rows, context, vocabulary, generator):
    """Random words, the end of text (the last token) at a place that differs by row, zeros after it."""
    x = torch.zeros(rows, context, dtype=torch.int64)
    for row in range(rows):
        end = 2 + 3 * row % (context - 2)
        x[row, :end] = torch.randint(1, vocabulary - 1, (end,), generator=generator)
        x[row, end] = vocabulary - 1
    return x


def numbers():
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(1)
    model = CLIP(20, CLIPVisionCfg(layers=2, width=24, head_width=12, patch_size=8, image_size=24, mlp_ratio=2.0),
                 CLIPTextCfg(context_length=12, vocab_size=32, width=16, heads=2, layers=2), quick_gelu=True)
    with torch.no_grad():
        for p in model.parameters():          # biases and norms too, so that each of them shows
            p.add_(0.05 * torch.randn(p.shape, generator=generator))
    pixels = torch.randn(5, 3, 24, 24, generator=generator)
    words = tokens(6, 12, 32, generator)
    image, text = model.encode_image(pixels), model.encode_text(words)
    to_image, to_text = (torch.randn(x.shape, generator=generator) for x in (image, text))
    ((image * to_image).sum() + (text * to_text).sum()).backward()
    data = {"pixels": pixels, "tokens": words, "image": image, "text": text, "to_image": to_image, "to_text": to_text}
    for name, p in model.named_parameters():
        data["weight." + name] = p
        if p.grad is not None:
            data["grad." + name] = p.grad
    save_file({k: v.detach().contiguous() for k, v in data.items()}, HERE / "clip.safetensors")


if __name__ == "__main__":
    names()
    numbers()
