# SPDX-License-Identifier: Apache-2.0
"""Writes TSV shards, and images that look like something."""
import base64
import io

import numpy as np
from PIL import Image, ImageDraw


class Shard:
    """STEM-0.tsv, STEM-0.lineidx and STEM.list."""

    def __init__(self, folder, stem):
        self.tsv = open(folder / f"{stem}-0.tsv", "wb")
        self.index = open(folder / f"{stem}-0.lineidx", "w")
        (folder / f"{stem}.list").write_text(f"{stem}-0.tsv\n")

    def add(self, key, payload):
        self.index.write(f"{self.tsv.tell()}\n")
        self.tsv.write(key.encode() + b"\t" + payload + b"\n")

    def add_base64(self, key, data):
        self.add(key, base64.b64encode(data))

    def close(self):
        self.tsv.close()
        self.index.close()


def photograph(rng, side):
    """A gradient with noise and a few shapes on it."""
    y, x = np.mgrid[0:side, 0:side] / side
    a, b = rng.uniform(-1, 1, (2, 3))
    pixels = 128 + 90 * (x[..., None] * a + y[..., None] * b) + rng.normal(0, 14, (side, side, 3))
    image = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    for _ in range(rng.integers(1, 5)):
        left, top = rng.integers(0, side - 4, 2)
        box = [int(left), int(top), int(left + rng.integers(3, side)), int(top + rng.integers(3, side))]
        colour = tuple(int(c) for c in rng.integers(0, 256, 3))
        (draw.ellipse if rng.random() < 0.5 else draw.rectangle)(box, fill=colour)
    return image


def encoded(image, jpeg):
    data = io.BytesIO()
    image.save(data, "JPEG", quality=92) if jpeg else image.save(data, "PNG")
    return data.getvalue()


def decoded(data):
    """What any reader of the file sees, [H, W, 3] in 0..1."""
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"), np.float32) / 255
