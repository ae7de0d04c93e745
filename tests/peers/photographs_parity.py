#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the way of a training image (decode, resize, random region, flip, normalise) with torchvision and Pillow.

The exact form equals torchvision's to the bit, and Pillow's to 2 of 255 where nothing is clipped; the fused form comes near it.
Use: photographs_parity.py BUILD/tests/io_tool   (in a venv with torch, torchvision, pillow, numpy)
"""
import io
import sys
from dataclasses import dataclass

import numpy as np
import torch
import torchvision
from PIL import Image
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as F

from encoded_images import PNG_MODES, is_440, jpeg, png
from io_tool import Checks
from photographs import Synthetic, photographs
from pipeline import BICUBIC, BILINEAR, EXACT, FUSED, Job, Pipeline

MEAN = [0.48145466, 0.4578275, 0.40821073]
STD = [0.26862954, 0.26130258, 0.27577711]
TORCH_FILTERS = {BILINEAR: InterpolationMode.BILINEAR, BICUBIC: InterpolationMode.BICUBIC}
PILLOW_FILTERS = {BILINEAR: Image.BILINEAR, BICUBIC: Image.BICUBIC}
PHOTOGRAPHS = 500
PILLOW_MOST = 2  # of 255
# Bicubic overshoots at edges, and is clipped between the passes, whose order is not the same in Pillow: 2e-7 of the values of real
# photographs, 1e-6 of synthetic ones.
CLIPPED_SHARE = 1e-5


def resized(height, width, short_side):
    """torchvision's size of an image whose shorter side becomes `short_side`."""
    if short_side == 0:
        return height, width
    long_side = int(short_side * max(height, width) / min(height, width))
    return (short_side, long_side) if height <= width else (long_side, short_side)


def random_box(rng, height, width, area=(0.08, 1)):
    """A region of random area and ratio, as random_resized_crop draws it."""
    for _ in range(10):
        whole, ratio = height * width * rng.uniform(*area), np.exp(rng.uniform(np.log(3 / 4), np.log(4 / 3)))
        h, w = round(np.sqrt(whole / ratio)), round(np.sqrt(whole * ratio))
        if 0 < h <= height and 0 < w <= width:
            return int(rng.integers(height - h + 1)), int(rng.integers(width - w + 1)), h, w
    return 0, 0, height, width


def random_job(rng, data, area=(0.08, 1), **options):
    short_side = options.get("short_side", 256)
    width, height = Image.open(io.BytesIO(data)).size
    box = random_box(rng, *resized(height, width, short_side), area)
    return Job(data, box, flip=bool(rng.random() < 0.5), **options)


def torchvision_decoded(data):
    """uint8 [3, H, W]. The libjpeg-turbo in torchvision is older than fancy upsampling of 4:4:0: those are Pillow's pixels."""
    if is_440(data):
        return torch.from_numpy(np.array(Image.open(io.BytesIO(data)).convert("RGB"))).permute(2, 0, 1).contiguous()
    return torchvision.io.decode_image(torch.frombuffer(bytearray(data), dtype=torch.uint8), mode=torchvision.io.ImageReadMode.RGB)


def torchvision_pixels(job):
    image = torchvision_decoded(job.data)
    if job.short_side:
        image = F.resize(image, [job.short_side], TORCH_FILTERS[job.resize_filter], antialias=True)
    image = F.resized_crop(image, *job.box, [job.size] * 2, TORCH_FILTERS[job.crop_filter], antialias=True)
    if job.flip:
        image = F.horizontal_flip(image)
    return F.normalize(F.to_dtype(image, torch.float32, scale=True), MEAN, STD).numpy()


def pillow_pixels(job):
    """uint8 [H, W, 3]"""
    image = Image.open(io.BytesIO(job.data)).convert("RGB")
    if job.short_side:
        height, width = resized(image.height, image.width, job.short_side)
        image = image.resize((width, height), PILLOW_FILTERS[job.resize_filter])
    top, left, height, width = job.box
    image = image.crop((left, top, left + width, top + height)).resize((job.size, job.size), PILLOW_FILTERS[job.crop_filter])
    return np.asarray(image.transpose(Image.FLIP_LEFT_RIGHT) if job.flip else image)


def levels(pixels):
    """Normalised [3, H, W] as 0..255 in float, [H, W, 3]."""
    return pixels.transpose(1, 2, 0) * (255 * np.float32(STD)) + 255 * np.float32(MEAN)


def photograph_jobs(rng, pictures, count):
    """JPEGs of every sampling, 40 to 1200 px; one in six progressive, one in six with restart markers."""
    for number in range(count):
        image = pictures.view(rng, *(int(side) for side in rng.integers(40, 1201, 2)))
        sampling = ("4:2:0", "4:4:4", "4:2:2", "4:4:0", "grey")[number % 5]
        kind, options = f"JPEG {sampling}", {"quality": int(rng.integers(60, 99))}
        variant = number // 5 % 6
        if variant == 0:
            kind, options["restart_marker_blocks"] = kind + ", restart markers", int(rng.integers(1, 40))
        elif variant == 1 and sampling != "4:4:0":
            kind, options["progressive"] = kind + ", progressive", True
        yield kind, random_job(rng, jpeg(image, sampling, **options))


def calm_jobs(rng, pictures):
    """Of middle contrast, so that bicubic never leaves 0..255."""
    for _ in range(50):
        image = pictures.view(rng, *(int(side) for side in rng.integers(40, 1201, 2)))
        yield "PNG, calm", random_job(rng, png(image.point(lambda level: 64 + level // 2)))


def small_png_jobs(rng, pictures):
    for number in range(50):
        mode = PNG_MODES[number % len(PNG_MODES)]
        yield f"PNG 64x64, {mode}", random_job(rng, png(pictures.view(rng, 64, 64), mode))


def tiny_jobs(rng, pictures):
    for height, width in ((1, 1), (3, 2), (2, 3), (7, 300), (300, 7), (1, 40)):
        image = pictures.view(rng, height, width)
        for data in (png(image), jpeg(image, "4:2:0", quality=90), jpeg(image, "4:4:0", quality=90), jpeg(image, "grey", quality=90)):
            yield f"{height}x{width}", Job(data, (0, 0, *resized(height, width, 256)))
            yield f"{height}x{width}", random_job(rng, data)


def enlarging_jobs(rng, pictures):
    """Regions far smaller than the result, with and without a resize before, with every pair of filters."""
    for number in range(80):
        data = jpeg(pictures.view(rng, *(int(side) for side in rng.integers(60, 500, 2))), "4:2:0", quality=90)
        short_side = 256 if number % 2 else 0
        filters = {"resize_filter": number // 2 % 2, "crop_filter": number // 4 % 2}
        job = random_job(rng, data, (0.0005, 0.08), short_side=short_side, size=int(rng.choice([224, 224, 97])), **filters)
        yield "enlarged, " + ("resized before" if short_side else "not resized before"), job


@dataclass
class Outcome:
    """How one job's results compare; differences in levels of 255."""
    kind: str
    equal: bool
    torch_gap: float
    pillow_gap: float
    pillow_far: float  # the share of values that differ by more than PILLOW_MOST
    fused_gap: float
    fused_square: float

    @classmethod
    def of(cls, kind, job, exact, fused):
        theirs = torchvision_pixels(job)
        ours = levels(exact)
        pillow = np.abs(ours.round() - pillow_pixels(job))
        apart = levels(fused) - ours
        return cls(kind, np.array_equal(exact, theirs), float(np.abs(ours - levels(theirs)).max()), float(pillow.max()),
                   float((pillow > PILLOW_MOST).mean()), float(np.abs(apart).mean()), float((apart**2).mean()))


def psnr(squares):
    square = np.mean(squares)
    return 10 * np.log10(255**2 / square) if square > 0 else np.inf


def line(kind, outcomes):
    fused = f"fused: mean {np.mean([o.fused_gap for o in outcomes]):.2f}, PSNR {psnr([o.fused_square for o in outcomes]):.1f} dB"
    return (f"{kind:34} {sum(o.equal for o in outcomes):4} of {len(outcomes):4} equal (largest difference "
            f"{max(o.torch_gap for o in outcomes):.3g}); Pillow: {max(o.pillow_gap for o in outcomes):.0f} at most; {fused}")


class Parity:
    def __init__(self, pipeline, checks):
        self.pipeline, self.checks = pipeline, checks

    def outcomes(self, kinds, jobs):
        answers = zip(self.pipeline.answers(jobs, EXACT), self.pipeline.answers(jobs, FUSED), strict=True)
        for kind, job, (exact, fused) in zip(kinds, jobs, answers, strict=True):
            if isinstance(exact, str) or isinstance(fused, str):
                self.checks.check(f"{kind} {job.box}", False, f"exact: {exact if isinstance(exact, str) else 'good'}; "
                                  f"fused: {fused if isinstance(fused, str) else 'good'}")
            else:
                yield Outcome.of(kind, job, exact, fused)

    def run(self, name, jobs, fused_most, far_most=0):
        """`fused_most` bounds the fused form's mean difference; `far_most` the share of values that are far from Pillow's."""
        kinds, jobs = zip(*jobs)
        outcomes = list(self.outcomes(kinds, jobs))
        for kind in sorted(set(o.kind for o in outcomes)):
            print(line(kind, [o for o in outcomes if o.kind == kind]))
        self.checks.check(f"{name}: answered", len(outcomes) == len(jobs), f"{len(outcomes)} of {len(jobs)}")
        if not outcomes:
            return
        equal, far, fused = (np.mean([getattr(o, field) for o in outcomes]) for field in ("equal", "pillow_far", "fused_gap"))
        self.checks.check(f"{name}: exact = torchvision, to the bit", equal == 1, f"{equal * len(outcomes):.0f} of {len(outcomes)}")
        self.checks.check(f"{name}: exact ~ Pillow", far <= far_most, f"a share of {far:.1e} differs by more than {PILLOW_MOST} of 255")
        self.checks.check(f"{name}: fused ~ exact", fused <= fused_most, f"mean difference {fused:.2f} of 255")

    def refuse(self, name, job):
        """A broken image is an error, and the next job is answered as if it had not been."""
        whole = Job(jpeg(Synthetic().view(np.random.default_rng(1), 50, 60), "4:2:0"), (0, 0, 256, 307))
        for form, what in ((EXACT, "exact"), (FUSED, "fused")):
            before, broken, after = self.pipeline.answers([whole, job, whole], form)
            good = isinstance(broken, str) and isinstance(before, np.ndarray) and np.array_equal(before, after)
            self.checks.check(f"{name} refused, {what}", good, broken if isinstance(broken, str) else "it was not")


def compare(parity, pictures):
    def rng(number):
        return np.random.default_rng([23, number])

    parity.run("photographs", photograph_jobs(rng(0), pictures, PHOTOGRAPHS), 1.5, CLIPPED_SHARE)
    parity.run("calm images", calm_jobs(rng(1), pictures), 1.5)
    parity.run("small PNGs", small_png_jobs(rng(2), pictures), 3, CLIPPED_SHARE)
    # What is enlarged from a few pixels shows how often it was interpolated.
    parity.run("tiny images", tiny_jobs(rng(3), Synthetic()), 6)
    parity.run("enlarged regions", enlarging_jobs(rng(4), Synthetic()), 1.5)


def refuse_broken(parity):
    image = Synthetic().view(np.random.default_rng(5), 256, 256)
    for options in ({}, {"progressive": True}):
        data = jpeg(image, "4:2:0", quality=90, **options)
        parity.refuse(f"truncated JPEG {options}", Job(data[:len(data) // 2], (0, 0, 256, 256)))
    parity.refuse("text", Job(b"not an image", (0, 0, 256, 256)))


def main():
    torch.set_num_threads(1)
    pictures = photographs(most=16)
    print(f"photographs: {type(pictures).__name__}")
    checks = Checks()
    parity = Parity(Pipeline(sys.argv[1], "pipeline"), checks)
    compare(parity, pictures)
    refuse_broken(parity)
    checks.leave()


main()
