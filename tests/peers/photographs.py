# SPDX-License-Identifier: Apache-2.0
"""Photographs of any size: cut from wallpapers where there are some, made from noise and shapes where there are none."""
import os
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

SMALLEST_FILE = 100_000  # bytes; below are previews
LONGEST_SIDE = 3000


def wallpapers_folder():
    """Where benchmarks/wallpapers.sh unpacks; it need not exist."""
    cache = os.environ.get("DIME_CACHE_DIR") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dime"
    return Path(cache) / "wallpapers"


def wallpaper_files(folder):
    def wanted(file):
        known = file.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp")
        return known and not file.is_symlink() and file.is_file() and file.stat().st_size > SMALLEST_FILE

    return sorted(file for file in Path(folder).rglob("*") if wanted(file))


class Wallpapers:
    """Random parts of real photographs; `most` limits how many are opened, since opening takes seconds."""

    def __init__(self, folder, most=None):
        files = wallpaper_files(folder)
        if not files:
            raise SystemExit(f"there are no wallpapers in {folder}: benchmarks/wallpapers.sh brings some")
        step = 1 if most is None else max(1, len(files) // most)
        self.images = [self.opened(file) for file in files[::step][:most]]

    @staticmethod
    def opened(file):
        image = Image.open(file).convert("RGB")
        image.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
        image.info.clear()  # else profiles and comments are saved along
        return image

    def view(self, rng, height, width):
        """A part of one, of this ratio and of 35 to 100 % of the largest side that fits, at this size."""
        image = self.images[rng.integers(len(self.images))]
        scale = min(image.width / width, image.height / height) * rng.uniform(0.35, 1)
        part_width, part_height = width * scale, height * scale
        left, top = rng.uniform(0, image.width - part_width), rng.uniform(0, image.height - part_height)
        box = (left, top, left + part_width, top + part_height)
        return image.resize((width, height), Image.LANCZOS, box=box)


def noise(rng, height, width, cells):
    """Smooth noise in -1..1 with this many cells along the longer side."""
    scale = cells / max(height, width)
    small = rng.uniform(-1, 1, (max(2, round(height * scale)), max(2, round(width * scale)))).astype(np.float32)
    return np.asarray(Image.fromarray(small).resize((width, height), Image.BICUBIC))


def octaves(rng, height, width):
    """Noise of every scale, the finer the weaker, as in clouds and foliage."""
    roughness = rng.uniform(0.45, 0.75)
    total, strength, cells = np.zeros((height, width), np.float32), 1.0, 2
    while cells <= max(height, width):
        total += strength * noise(rng, height, width, cells)
        strength *= roughness
        cells *= 2
    return total


def texture(rng, height, width):
    """Stripes or a weave, from coarse to nearly as fine as the pixels."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    angle, period = rng.uniform(0, np.pi), rng.uniform(2.5, 24)
    along = np.sin(2 * np.pi / period * (np.cos(angle) * x + np.sin(angle) * y))
    across = np.sin(2 * np.pi / period * (np.cos(angle) * y - np.sin(angle) * x))
    return along * across if rng.random() < 0.5 else along


def shapes(rng, height, width):
    """A mask per shape: ellipses and polygons with hard edges."""
    for _ in range(rng.integers(1, 6)):
        mask = Image.new("L", (width, height))
        points = [(int(rng.integers(width)), int(rng.integers(height))) for _ in range(rng.integers(3, 7))]
        draw = ImageDraw.Draw(mask)
        if rng.random() < 0.4:
            (left, right), (top, bottom) = (sorted(side) for side in zip(*points[:2]))
            draw.ellipse((left, top, right, bottom), fill=255)
        else:
            draw.polygon(points, fill=255)
        yield np.asarray(mask) > 0


class Synthetic:
    """Pictures with what photographs have: gradients, noise of every octave, edges, textures, grain."""

    def view(self, rng, height, width):
        light = 60 * octaves(rng, height, width)
        pixels = np.empty((height, width, 3), np.float32)
        for channel in range(3):
            tint = 25 * noise(rng, height, width, int(rng.integers(2, 6)))
            pixels[..., channel] = rng.uniform(70, 180) + light + tint
        for mask in shapes(rng, height, width):
            colour = rng.uniform(0, 255, 3).astype(np.float32)
            detail = rng.uniform(0, 45) * texture(rng, height, width) + 0.5 * light
            pixels[mask] = (colour + detail[..., None])[mask]
        pixels += rng.uniform(0, 5) * rng.standard_normal((height, width, 1), np.float32)
        return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def photographs(most=None):
    """Real ones where the cache holds wallpapers, else synthetic ones."""
    folder = wallpapers_folder()
    return Wallpapers(folder, most) if wallpaper_files(folder) else Synthetic()
