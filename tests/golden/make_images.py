#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/golden/images/: small image files, and images.json with checksums of what torchvision (of JPEG and PNG)
and Pillow (of the others) make of them.

Use: make_images.py   (in a venv with torch, torchvision, pillow, numpy)
"""
import json
import os
import zlib

import numpy as np
import torch
import torchvision
from PIL import Image, ImageOps
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as F

from image_writers import bmp, gif, png

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
    yield "tall.png", Image.fromarray((np.arange(20000) // 200 % 2 * 255).astype(np.uint8)[:, None]), {}
    yield "grey_16_bits.png", Image.fromarray((picture(23, 31, 1)[..., 0].astype(np.uint16) << 8) + 200), {}


def written():
    """Files that Pillow does not write: name and bytes."""
    rng = np.random.default_rng(5)
    grey, rgb, rgba = picture(13, 21, 1), picture(13, 21, 3), picture(13, 21, 4)
    deep = lambda image: image.astype(np.uint16) << 8 | rng.integers(0, 256, image.shape, dtype=np.uint16)
    yield "rgb_16_bits.png", png(deep(rgb), 16, 2)
    yield "rgba_16_bits.png", png(deep(rgba), 16, 6)
    yield "grey_alpha_16_bits.png", png(deep(picture(13, 21, 2)), 16, 4)
    yield "grey_2_bits.png", png(grey >> 6, 2, 0)
    yield "grey_4_bits.png", png(grey >> 4, 4, 0)
    yield "rgb_transparent.png", png(rgb, 8, 2, extra={b"tRNS": b"\0\1\0\2\0\3"})
    colours = rng.integers(0, 256, (4, 3), dtype=np.uint8)
    yield "palette_2_bits.png", png(grey >> 6, 2, 3, extra={b"PLTE": colours.tobytes()})
    yield "interlaced.png", png(rgb, 8, 2, interlaced=True)
    yield "interlaced_16_bits.png", png(deep(grey), 16, 0, interlaced=True)
    yield "interlaced_one_bit.png", png(grey >> 7, 1, 0, interlaced=True)
    yield "interlaced_alpha.png", png(rgba, 8, 6, interlaced=True)
    yield "interlaced_palette.png", png(grey >> 6, 2, 3, interlaced=True, extra={b"PLTE": colours.tobytes()})

    index = (picture(9, 13, 1)[..., 0] >> 4).astype(np.uint8)
    colours = rng.integers(0, 256, (16, 3), dtype=np.uint8)
    yield "1_bit.bmp", bmp(index >> 3, 1, colours[:2])
    yield "4_bits.bmp", bmp(index, 4, colours)
    yield "8_bits.bmp", bmp(index, 8, colours)
    yield "few_colours.bmp", bmp(index, 8, colours[:9])
    yield "greys.bmp", bmp(index, 8, np.arange(9, dtype=np.uint8)[:, None].repeat(3, 1))
    yield "16_bits.bmp", bmp(deep(grey[:9, :13])[..., 0], 16)
    yield "24_bits.bmp", bmp(picture(9, 13, 3), 24)
    yield "32_bits.bmp", bmp(picture(9, 13, 4), 32)
    yield "top_down.bmp", bmp(picture(9, 13, 3), 24, top_down=True)
    yield "565.bmp", bmp(deep(grey[:9, :13])[..., 0], 16, masks=(0xF800, 0x7E0, 0x1F))
    yield "rgba_masks.bmp", bmp(picture(9, 13, 4), 32, masks=(0xFF, 0xFF00, 0xFF0000, 0xFF000000), header=124)
    yield "xbgr_masks.bmp", bmp(picture(9, 13, 4), 32, masks=(0xFF000000, 0xFF0000, 0xFF00))
    yield "os2.bmp", bmp(index, 8, colours, header=12)
    yield "os2_24_bits.bmp", bmp(picture(9, 13, 3), 24, header=12)
    yield "os2_version_2.bmp", bmp(index, 4, colours, header=64)
    yield "rle8.bmp", bmp(index // 4, 8, colours, runs=True)
    yield "rle4.bmp", bmp(index // 4, 4, colours, runs=True)

    yield "local_palette.gif", gif((13, 9), index, palette=colours[:, ::-1], local=colours)
    yield "interlaced.gif", gif((13, 9), index, palette=colours, interlaced=True)
    yield "small_frame.gif", gif((20, 15), index, at=(4, 3), palette=colours, background=5)
    yield "small_transparent.gif", gif((20, 15), index, at=(4, 3), palette=colours, transparent=7)
    yield "large_frame.gif", gif((10, 6), index, at=(2, 3), palette=colours)
    yield "no_palette.gif", gif((13, 9), index)
    yield "grey_palette.gif", gif((13, 9), index, palette=np.arange(8, dtype=np.uint8)[:, None].repeat(3, 1))
    yield "few_colours.gif", gif((13, 9), index, palette=colours[:8])


def pillow_files():
    small, rgba = Image.fromarray(picture(23, 31, 3)), Image.fromarray(picture(23, 31, 4), "RGBA")
    yield "lossy.webp", small, dict(quality=70)
    yield "lossless.webp", small, dict(lossless=True)
    yield "lossy_alpha.webp", rgba, dict(quality=60)
    yield "lossless_alpha.webp", rgba, dict(lossless=True)
    frames = [Image.fromarray(np.pad(picture(9, 11, 4), ((3, 3), (4, 6), (0, 0)))) for _ in range(2)]
    yield "animated.webp", frames[0], dict(save_all=True, append_images=[frames[1].rotate(180)], lossless=True, exact=True)
    yield "one.webp", Image.fromarray(picture(1, 1, 3)), dict(lossless=True)
    yield "adaptive.gif", small.quantize(60), {}
    yield "animated.gif", small.quantize(8), dict(save_all=True, append_images=[small.rotate(180).quantize(8)])
    yield "pillow.bmp", small, {}
    yield "one.gif", Image.fromarray(picture(1, 1, 1)[..., 0]), {}
    yield "one.bmp", Image.fromarray(picture(1, 1, 3)), {}
    wide = Image.fromarray((np.arange(20000, dtype=np.int64) // 200 % 2 * 255).astype(np.uint8)[None])
    yield "wide.gif", wide, {}
    yield "wide.bmp", wide.convert("1"), {}
    yield "tall.webp", wide.rotate(90, expand=True).crop((0, 0, 1, 16383)).convert("RGB"), dict(lossless=True)


def oriented():
    """The same picture with each orientation, in each format that can say it."""
    image = Image.fromarray(picture(5, 7, 3))
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        for suffix, options in (("jpg", dict(quality=90)), ("png", {}), ("webp", dict(lossless=True))):
            name = f"orientation_{orientation}.{suffix}"
            if suffix == "png" or orientation in (1, 6):
                yield name, orientation, image, dict(options, exif=exif)
    exif[0x0112] = 6
    yield "orientation_square.png", 6, image.crop((0, 0, 5, 5)), dict(exif=exif)


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


def entry(name, rgb):
    return {"file": name, "height": rgb.shape[0], "width": rgb.shape[1], "crc": zlib.crc32(rgb.tobytes())}


def torchvision_rgb(path):
    return F.to_dtype(torchvision.io.decode_image(path, mode="RGB"), torch.uint8, scale=True)


def pillow_rgb(path):
    return np.array(Image.open(path).convert("RGB"))


def main():
    os.makedirs(HERE, exist_ok=True)
    place = lambda name: os.path.join(HERE, name)
    decoded, upright, resizes, normalized = [], [], [], []
    for name, image, options in files():
        image.save(place(name), **options)
        rgb = torchvision_rgb(place(name))
        decoded.append(entry(name, rgb.permute(1, 2, 0).numpy()))
        if name in ("420.jpg", "rgb.png"):
            resizes += resized(rgb, name)
            normal = F.normalize(F.to_dtype(rgb, torch.float32, scale=True), MEAN, STD)
            normalized.append({"file": name, "crc": checksum(normal)})
    for name, data in written():
        with open(place(name), "wb") as file:
            file.write(data)
        rgb = torchvision_rgb(place(name)).permute(1, 2, 0).numpy() if name.endswith("png") else pillow_rgb(place(name))
        decoded.append(entry(name, rgb))
    for name, image, options in pillow_files():
        image.save(place(name), **options)
        decoded.append(entry(name, pillow_rgb(place(name))))
    for name, orientation, image, options in oriented():
        image.save(place(name), **options)
        rgb = np.array(ImageOps.exif_transpose(Image.open(place(name))).convert("RGB"))
        upright.append({**entry(name, rgb), "orientation": orientation})
    with open(os.path.join(HERE, "images.json"), "w", encoding="ascii") as file:
        rows = {"decoded": decoded, "upright": upright, "resized": resizes, "normalized": normalized, "mean": MEAN, "std": STD}
        file.write("{" + ",\n".join(
            f'"{key}": [\n' + ",\n".join(json.dumps(row) for row in value) + "]" for key, value in rows.items()) + "}\n")


main()
