#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Golden numbers of model `clip`, by open_clip.

    pip install torch==2.11.0 open_clip_torch==3.3.0 safetensors numpy
    python tests/golden/make_clip.py

`clip.safetensors`: weights, inputs, vectors and gradients of a small CLIP. `clip_names.json`, `clip_resnet_names.json`:
names and shapes of a ViT-B/32 and of an RN50 of reduced width. `clip_resnet.json`: vectors, gradients and statistics of a
small residual network whose weights and inputs follow from `pattern`.
"""
import json
from pathlib import Path

import numpy as np
import torch
from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg
from open_clip.modified_resnet import ModifiedResNet
from safetensors.torch import save_file

HERE = Path(__file__).parent


def write_lines(name, entries):
    lines = (f"{json.dumps(key)}: {json.dumps(value)}" for key, value in entries.items())
    (HERE / name).write_text("{\n" + ",\n".join(lines) + "\n}\n")


def names(file, vision):
    text = CLIPTextCfg(context_length=77, vocab_size=64, width=32, heads=2, layers=12)
    model = CLIP(512, vision, text, quick_gelu=True)
    write_lines(file, {name: list(x.shape) for name, x in sorted(model.state_dict().items())})


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


def pattern(shape, number):
    """Numbers in [-1, 1) that are the same wherever they are computed: a mixing of 32 bits."""
    z = np.arange(int(np.prod(shape, dtype=np.int64)), dtype=np.uint32) + np.uint32(number * 0x9E3779B9 % 2**32)
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        z = (z ^ (z >> np.uint32(shift))) * np.uint32(factor)
    z ^= z >> np.uint32(16)
    return torch.tensor((z / 2.0**31 - 1).astype(np.float32).reshape(shape))


def patterned(name, shape, number):
    """Tensor `number` of a residual network."""
    u = pattern(shape, number)
    if len(shape) > 1:
        return u * float((3 / np.prod(shape[1:])) ** 0.5)
    if name.endswith("num_batches_tracked"):
        return torch.tensor(3)
    return 1 + 0.4 * u if name.endswith(("weight", "running_var")) else 0.2 * u


def fingerprint(x):
    """The norm, and the product with a pattern."""
    x = x.detach().double().flatten()
    return [x.norm().item(), (x * pattern(x.shape, 99).double()).sum().item()]


def resnet():
    model = ModifiedResNet(layers=(1, 2, 1, 1), output_dim=8, heads=2, image_size=64, width=4)
    state = {name: x.shape for name, x in sorted(model.state_dict().items())}
    pixels, to = pattern((3, 3, 64, 64), 1000), pattern((3, 8), 1001)
    out = {}
    for mode in ("evaluation", "training"):
        model.load_state_dict({name: patterned(name, shape, i) for i, (name, shape) in enumerate(state.items())})
        model.train(mode == "training")
        model.zero_grad()
        vectors = model(pixels)
        (vectors * to).sum().backward()
        out[mode + ".vectors"] = vectors.flatten().tolist()
        for name, p in model.named_parameters():
            if name != "attnpool.k_proj.bias":    # rounding: softmax does not see a shift of all scores
                out[f"{mode}.grad.{name}"] = fingerprint(p.grad)
    out |= {f"after.{name}": fingerprint(x) for name, x in model.named_buffers()}
    write_lines("clip_resnet.json", out)


if __name__ == "__main__":
    names("clip_names.json", CLIPVisionCfg(layers=12, width=48, head_width=16, patch_size=32, image_size=224))
    names("clip_resnet_names.json", CLIPVisionCfg(layers=(3, 4, 6, 3), width=8, head_width=64, image_size=224))
    numbers()
    resnet()
