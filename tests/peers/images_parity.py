#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares decoding, resizing and normalising with torchvision and Pillow.

Use: images_parity.py BUILD/tests/io_tool   (in a venv with torch, torchvision, pillow, numpy)
"""
import io
import os
import sys
import tempfile

import numpy as np
import torch
import torchvision
from PIL import Image, ImageFile, ImageOps
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as F

from io_tool import Checks, Tool

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden"))
from image_writers import bmp, gif, png

MEAN = [0.48145466, 0.4578275, 0.40821073]
STD = [0.26862954, 0.26130258, 0.27577711]
MODES = {"bicubic": (InterpolationMode.BICUBIC, Image.BICUBIC), "bilinear": (InterpolationMode.BILINEAR, Image.BILINEAR)}


def picture(rng, height, width, channels=3):
    """Waves, edges and noise: something for every frequency."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    layers = []
    for _ in range(channels):
        a, b, c = rng.uniform(0.01, 0.4, 3)
        wave = 100 + 80 * np.sin(a * x + b * y) + 60 * np.sign(np.sin(c * x * y / 40))
        layers.append(wave + rng.normal(0, 12, (height, width)))
    return np.clip(np.stack(layers, -1), 0, 255).astype(np.uint8)


def jpegs(rng):
    for i, (height, width) in enumerate([(37, 53), (64, 64), (1, 1), (2, 9), (333, 500), (480, 641), (17, 16), (255, 3)]):
        rgb = Image.fromarray(picture(rng, height, width))
        for subsampling in (0, 1, 2):
            for progressive in (False, True):
                name = f"{height}x{width} 4:{['4:4', '2:2', '2:0'][subsampling]}{' progressive' * progressive}"
                yield name, rgb, dict(quality=60 + 5 * i, subsampling=subsampling, progressive=progressive)
        yield f"{height}x{width} grey", rgb.convert("L"), dict(quality=80)
    yield "restart markers", Image.fromarray(picture(rng, 240, 320)), dict(quality=80, restart_marker_blocks=3)
    yield "cmyk", Image.fromarray(picture(rng, 40, 50, 4), "CMYK"), dict(quality=90)


def pngs(rng):
    rgb = Image.fromarray(picture(rng, 45, 61))
    yield "rgb", rgb, {}
    yield "rgba", Image.fromarray(picture(rng, 45, 61, 4), "RGBA"), {}
    yield "grey", rgb.convert("L"), {}
    yield "grey alpha", rgb.convert("LA"), {}
    yield "palette", rgb.quantize(200), {}
    yield "palette 16", rgb.quantize(13), dict(bits=4)
    yield "palette 4", rgb.quantize(4), dict(bits=2)
    yield "palette transparent", rgb.quantize(100), dict(transparency=3)
    yield "grey transparent", rgb.convert("L"), dict(transparency=3)
    yield "one bit", rgb.convert("1"), {}


def torchvision_rgb(data):
    encoded = torch.frombuffer(bytearray(data), dtype=torch.uint8)
    image = torchvision.io.decode_image(encoded, mode=torchvision.io.ImageReadMode.RGB)
    return F.to_dtype(image, torch.uint8, scale=True)


def hwc(tensor):
    return tensor.permute(1, 2, 0).contiguous().numpy()


def without_adobe(data):
    start = data.index(b"\xff\xee")
    return data[:start] + data[start + 2 + int.from_bytes(data[start + 2:start + 4], "big"):]


class Bench:
    def __init__(self, program, folder):
        self.tool = Tool(program)
        self.folder = folder
        self.checks = Checks()

    def save(self, data):
        path = os.path.join(self.folder, "in")
        with open(path, "wb") as file:
            file.write(data)
        return path

    def ours(self, data, dtype=np.uint8, **request):
        out = os.path.join(self.folder, "out")
        reply = self.tool.ask(op="image", path=self.save(data), out=out, **request)
        if "error" in reply:
            raise RuntimeError(reply["error"])
        shape = (reply["height"], reply["width"], 3) if dtype == np.uint8 else (3, reply["height"], reply["width"])
        return np.fromfile(out, dtype).reshape(shape)

    def equal(self, name, ours, theirs):
        same = ours.shape == theirs.shape and np.array_equal(ours, theirs)
        detail = "" if same else f"shapes {ours.shape} {theirs.shape}"
        if not same and ours.shape == theirs.shape:
            gap = np.abs(ours.astype(np.float64) - theirs)
            detail = f"{np.count_nonzero(gap)} of {gap.size} differ, by {gap.max():.3g} at most"
        self.checks.check(name, same, detail)


def encode(image, kind, options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def check_decoding(bench, rng):
    for name, image, options in jpegs(rng):
        data = encode(image, "JPEG", options)
        bench.equal(f"JPEG {name} = torchvision", bench.ours(data), hwc(torchvision_rgb(data)))
        bench.equal(f"JPEG {name} = Pillow", bench.ours(data), np.array(Image.open(io.BytesIO(data)).convert("RGB")))
        if image.mode == "CMYK":
            bare = without_adobe(data)
            bench.equal(f"JPEG {name}, no Adobe marker = torchvision", bench.ours(bare), hwc(torchvision_rgb(bare)))
            bench.equal(f"JPEG {name}, no Adobe marker = Pillow", bench.ours(bare), np.array(Image.open(io.BytesIO(bare)).convert("RGB")))
    for name, image, options in pngs(rng):
        data = encode(image, "PNG", options)
        bench.equal(f"PNG {name} = torchvision", bench.ours(data), hwc(torchvision_rgb(data)))
        bench.equal(f"PNG {name} = Pillow", bench.ours(data), np.array(Image.open(io.BytesIO(data)).convert("RGB")))
    grey16 = Image.fromarray((picture(rng, 20, 30, 1)[..., 0].astype(np.uint16) << 8) + 77)
    data = encode(grey16, "PNG", {})
    bench.equal("PNG grey, 16 bits = torchvision", bench.ours(data), hwc(torchvision_rgb(data)))


def deep_pngs(rng):
    """Every colour type and depth that Pillow does not write."""
    for colour, channels in ((0, 1), (2, 3), (4, 2), (6, 4)):
        for bits in (1, 2, 4, 8, 16) if colour == 0 else (8, 16):
            height, width = (int(n) for n in rng.integers(1, 40, 2))
            image = rng.integers(0, 1 << bits, (height, width, channels), dtype=np.uint16)
            for interlaced in (False, True):
                yield f"colour type {colour}, {bits} bits{', interlaced' * interlaced}", png(image, bits, colour, interlaced)


def random_webps(rng):
    for _ in range(60):
        height, width = (int(n) for n in rng.integers(1, 200, 2))
        channels = int(rng.integers(3, 5))
        image = Image.fromarray(picture(rng, height, width, channels))
        yield encode(image, "WEBP", dict(quality=int(rng.integers(1, 101)), lossless=bool(rng.integers(2)),
                                         exact=bool(rng.integers(2)), method=int(rng.integers(0, 5))))


def random_bmps(rng):
    for _ in range(40):
        height, width = (int(n) for n in rng.integers(1, 60, 2))
        top_down = bool(rng.integers(2))
        for bits in (1, 4, 8):
            colours = rng.integers(0, 256, (1 << bits, 3), dtype=np.uint8)
            index = rng.integers(0, 1 << bits, (height, width), dtype=np.uint8)
            yield bmp(index, bits, colours, top_down=top_down, header=40 if top_down else int(rng.choice([12, 40, 64, 124])))
            if bits > 1:
                calm = np.minimum(index, 1).repeat(5, 1)
                yield bmp(calm, bits, colours, runs=calm.shape[1] < 256 and height > 1)
        deep = rng.integers(0, 1 << 16, (height, width), dtype=np.uint16)
        yield bmp(deep, 16, top_down=top_down)
        yield bmp(deep, 16, masks=(0xF800, 0x7E0, 0x1F))
        yield bmp(picture(rng, height, width), 24, top_down=top_down)
        yield bmp(picture(rng, height, width, 4), 32)
        yield bmp(picture(rng, height, width, 4), 32, masks=(0xFF000000, 0xFF00, 0xFF))


def random_gifs(rng):
    for _ in range(60):
        height, width = (int(n) for n in rng.integers(1, 60, 2))
        image = Image.fromarray(picture(rng, height, width)).quantize(int(rng.integers(2, 257)))
        yield encode(image, "GIF", dict(interlace=bool(rng.integers(2)), optimize=bool(rng.integers(2))))
        palette, local = rng.integers(0, 256, (2, 16, 3), dtype=np.uint8)
        screen = tuple(int(n) for n in rng.integers(1, 80, 2))
        at = tuple(int(n) for n in rng.integers(0, 20, 2))
        index = rng.integers(0, 16, (height, width), dtype=np.uint8)
        yield gif(screen, index, at, palette[:int(rng.integers(2, 17))], local if rng.integers(2) else None,
                  background=3, transparent=int(rng.integers(16)) if rng.integers(2) else None, interlaced=bool(rng.integers(2)))


def check_formats(bench, rng):
    for name, data in deep_pngs(rng):
        bench.equal(f"PNG of {name} = torchvision", bench.ours(data), hwc(torchvision_rgb(data)))
    for kind, files in (("WebP", random_webps(rng)), ("BMP", random_bmps(rng)), ("GIF", random_gifs(rng))):
        equal, count = 0, 0
        for data in files:
            equal += np.array_equal(bench.ours(data), np.array(Image.open(io.BytesIO(data)).convert("RGB")))
            count += 1
        bench.checks.check(f"random {kind} = Pillow", equal == count, f"{equal} of {count} equal")


def check_orientation(bench, rng):
    for kind, options in (("JPEG", dict(quality=90)), ("PNG", {}), ("WEBP", dict(quality=90))):
        equal = 0
        for orientation in range(1, 9):
            exif = Image.Exif()
            exif[0x0112] = orientation
            exif[0x010F] = "a maker"
            data = encode(Image.fromarray(picture(rng, 30, 47)), kind, dict(options, exif=exif))
            theirs = np.array(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB"))
            equal += np.array_equal(bench.ours(data, exif_orientation=True), theirs)
        bench.checks.check(f"EXIF orientations of a {kind} = Pillow", equal == 8, f"{equal} of 8 equal")


def check_resizing(bench, rng):
    sizes = [(333, 500), (37, 53), (224, 224), (640, 480), (1, 7), (300, 1000), (901, 257), (50, 2000)]
    targets = [(224, 224), (256, 341), (17, 300), (2, 3), (333, 224), (500, 750), (37, 20)]
    for filter_name, (mode, pillow) in MODES.items():
        equal, worst, count = 0, 0, 0
        for height, width in sizes:
            image = picture(rng, height, width)
            data = encode(Image.fromarray(image), "PNG", dict(compress_level=1))
            chw = torch.from_numpy(image).permute(2, 0, 1).contiguous()
            for target in targets:
                ours = bench.ours(data, size=list(target), filter=filter_name)
                theirs = hwc(F.resize(chw, list(target), interpolation=mode, antialias=True))
                equal += np.array_equal(ours, theirs)
                # Pillow may resize rows first, and clips between the passes: compare where nothing overshoots.
                calm = 64 + image // 2
                ours = bench.ours(encode(Image.fromarray(calm), "PNG", dict(compress_level=1)), size=list(target), filter=filter_name)
                other = np.array(Image.fromarray(calm).resize(target[::-1], pillow))
                worst = max(worst, int(np.abs(ours.astype(int) - other).max()))
                count += 1
        bench.checks.check(f"resize {filter_name} = torchvision", equal == count, f"{equal} of {count} images equal")
        bench.checks.check(f"resize {filter_name} ~ Pillow", worst <= 2, f"largest difference {worst} of 255")


def check_regions(bench, rng):
    for filter_name, (mode, _) in MODES.items():
        equal, count = 0, 60
        for _ in range(count):
            height, width = (int(n) for n in rng.integers(20, 500, 2))
            image = picture(rng, height, width)
            data = encode(Image.fromarray(image), "PNG", dict(compress_level=1))
            h, w = int(rng.integers(1, height + 1)), int(rng.integers(1, width + 1))
            top, left = int(rng.integers(0, height - h + 1)), int(rng.integers(0, width - w + 1))
            chw = torch.from_numpy(image).permute(2, 0, 1).contiguous()
            theirs = F.resized_crop(chw, top, left, h, w, [224, 224], interpolation=mode, antialias=True)
            ours = bench.ours(data, box=[top, left, h, w], size=[224, 224], filter=filter_name, flip=True)
            equal += np.array_equal(ours, hwc(F.horizontal_flip(theirs)))
        bench.checks.check(f"random crops {filter_name}, flipped = torchvision", equal == count, f"{equal} of {count} equal")


def check_evaluation(bench, rng):
    equal, count = 0, 40
    for _ in range(count):
        height, width = (int(n) for n in rng.integers(100, 700, 2))
        data = encode(Image.fromarray(picture(rng, height, width)), "JPEG", dict(quality=90))
        image = F.resize(torchvision_rgb(data), [224], interpolation=InterpolationMode.BICUBIC, antialias=True)
        image = F.center_crop(image, [224, 224])
        theirs = F.normalize(F.to_dtype(image, torch.float32, scale=True), MEAN, STD).numpy()
        ours = bench.ours(data, np.float32, size=224, filter="bicubic", center=[224, 224], mean=MEAN, std=STD)
        equal += np.array_equal(ours, theirs)
    bench.checks.check("decode, resize, centre, normalise = torchvision, to the bit", equal == count, f"{equal} of {count}")


def check_broken(bench, rng):
    for kind, options in (("JPEG", dict(quality=80)), ("JPEG", dict(quality=80, progressive=True)), ("PNG", {}),
                          ("WEBP", dict(quality=80)), ("WEBP", dict(lossless=True)), ("BMP", {}), ("GIF", {})):
        data = encode(Image.fromarray(picture(rng, 60, 80)), kind, options)
        refused, count = 0, 0
        for size in range(0, len(data) - 2, max(1, len(data) // 97)):
            reply = bench.tool.ask(op="image", path=bench.save(data[:size]), out=os.path.join(bench.folder, "out"))
            refused += "error" in reply
            count += 1
        bench.checks.check(f"truncated {kind} {options} refused", refused == count, f"{refused} of {count}")


def main():
    ImageFile.MAXBLOCK = 1 << 24  # Pillow's progressive encoder wants the whole file in one buffer
    rng = np.random.default_rng(7)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(sys.argv[1], folder)
        for check in (check_decoding, check_formats, check_orientation, check_resizing, check_regions, check_evaluation, check_broken):
            check(bench, rng)
    bench.checks.leave()


main()
