#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/golden/images/: small JPEG and PNG files, and images.json with checksums of what torchvision makes of them.

Use: make_images.py   (in a venv with torch, torchvision, pillow, numpy)
"""
import json
import os
import zlib

import numpy as np
import torch
import torchvision
from PIL import Image
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as F

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "images")
MEAN = [0.48145466, 0.4578275, 0.40821073]
STD = [0.26862954, 0.26130258, 0.27577711]
MODES = {"bicubic": InterpolationMode.BICUBIC, "bilinear": InterpolationMode.BILINEAR}


def picture(height, width, channels):
    rng = np.random.default_rng(height * width + channels)
    y, x = np.mgrid[0:height, 0:width]
    waves = [110 + 90 * np.sin(x / (3 + c) + y / 7) + 40 * ((x * y // 50 + c) % 2) for c in range(channels)]
    return np.clip(np.stack(waves, -1) + rng.normal(0, 6, (height, width, channels)), 0, 255).astype(np.uint8)


def files():
    rgb, small = Image.fromarray(picture(47, 61, 3)), Image.fromarray(picture(23, 31, 3))
    yield "420.jpg", rgb, dict(quality=85, subsampling=2)
    yield "422.jpg", small, dict(quality=85, subsampling=1)
    yield "444.jpg", small, dict(quality=95, subsampling=0)
    yield "progressive.jpg", rgb, dict(quality=80, progressive=True)
    yield "grey.jpg", small.convert("L"), dict(quality=85)
    yield "cmyk.jpg", Image.fromarray(picture(23, 31, 4), "CMYK"), dict(quality=85)
    yield "restart.jpg", rgb, dict(quality=60, restart_marker_blocks=2)
    yield "one.jpg", Image.fromarray(picture(1, 1, 3)), dict(quality=85)
    yield "rgb.png", small, {}
    yield "rgba.png", Image.fromarray(picture(23, 31, 4), "RGBA"), {}
    yield "grey.png", small.convert("L"), {}
    yield "grey_alpha.png", small.convert("LA"), {}
    yield "palette.png", small.quantize(60), {}
    yield "palette_4_bits.png", small.quantize(13), dict(bits=4)
    yield "palette_transparent.png", small.quantize(60), dict(transparency=3)
    yield "one_bit.png", small.convert("1"), {}
    yield "grey_16_bits.png", Image.fromarray((picture(23, 31, 1)[..., 0].astype(np.uint16) << 8) + 200), {}


def checksum(tensor):
    return zlib.crc32(tensor.contiguous().numpy().tobytes())


def resized(image, name):
    height, width = image.shape[1:]
    boxes = [[0, 0, height, width], [3, 5, height - 7, width - 11]]
    for filter_name, mode in MODES.items():
        for box in boxes:
            for size in ([32, 32], [7, 90], [height, 20], [150, width]):
                out = F.resized_crop(image, *box, size, interpolation=mode, antialias=True)
                yield {"file": name, "filter": filter_name, "box": box, "size": size, "crc": checksum(out.permute(1, 2, 0))}


def main():
    os.makedirs(HERE, exist_ok=True)
    decoded, resizes, normalized = [], [], []
    for name, image, options in files():
        path = os.path.join(HERE, name)
        image.save(path, **options)
        rgb = F.to_dtype(torchvision.io.decode_image(path, mode="RGB"), torch.uint8, scale=True)
        decoded.append({"file": name, "height": rgb.shape[1], "width": rgb.shape[2], "crc": checksum(rgb.permute(1, 2, 0))})
        if name in ("420.jpg", "rgb.png"):
            resizes += resized(rgb, name)
            normal = F.normalize(F.to_dtype(rgb, torch.float32, scale=True), MEAN, STD)
            normalized.append({"file": name, "crc": checksum(normal)})
    with open(os.path.join(HERE, "images.json"), "w", encoding="ascii") as file:
        rows = {"decoded": decoded, "resized": resizes, "normalized": normalized, "mean": MEAN, "std": STD}
        file.write("{" + ",\n".join(
            f'"{key}": [\n' + ",\n".join(json.dumps(row) for row in value) + "]" for key, value in rows.items()) + "}\n")


main()
