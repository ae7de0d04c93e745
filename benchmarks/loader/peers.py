#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints the images per second of another loader on a TSV shard of images.

The work: base64, decode, the short side to 256 (bicubic), a random region (area 0.08 to 1, ratio 3/4 to 4/3) to 224 (bilinear),
flip, normalise to float32 NCHW; batches of 128 in random order by two workers. dali_fused cuts the region while decoding and
resizes once.
Use: peers.py STEM torchvision|pillow|dali|dali_fused   (STEM.tsv with STEM.lineidx, as make_shards.py makes)
"""
import argparse
import base64
import io
import random
import time

import numpy as np
import torch

BATCH, WORKERS = 128, 2
MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


class Rows(torch.utils.data.Dataset):
    """The files of a shard; `made` turns one into what a batch holds. Each process opens the shard for itself."""

    def __init__(self, stem, made=lambda data: data):
        with open(stem + ".lineidx") as index:
            self.offsets = [int(line) for line in index]
        self.stem, self.made, self.file = stem, made, None

    def __len__(self):
        return len(self.offsets)

    def __getitem__(self, row):
        if self.file is None:
            self.file = open(self.stem + ".tsv", "rb")
        self.file.seek(self.offsets[row])
        return self.made(base64.b64decode(self.file.readline().split(b"\t")[1]))


def rate(batches, warm_up):
    """Images per second after the first batches, of which each worker makes one in the time of one."""
    batches = iter(batches)
    for _ in range(warm_up):
        next(batches)
    start, count = time.perf_counter(), 0
    for batch in batches:
        count += len(batch)
    return count / (time.perf_counter() - start)


def torch_loader(rows):
    return torch.utils.data.DataLoader(rows, BATCH, shuffle=True, num_workers=WORKERS, drop_last=True)


def torchvision_rate(stem):
    from torchvision.io import ImageReadMode, decode_image
    from torchvision.transforms import v2

    steps = v2.Compose([
        v2.Resize(256, v2.InterpolationMode.BICUBIC, antialias=True), v2.RandomResizedCrop(224, antialias=True),
        v2.RandomHorizontalFlip(), v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)])

    def made(data):
        return steps(decode_image(torch.frombuffer(bytearray(data), dtype=torch.uint8), mode=ImageReadMode.RGB))

    return rate(torch_loader(Rows(stem, made)), WORKERS)


def pillow_rate(stem):
    from PIL import Image
    from torchvision import transforms as T

    steps = T.Compose([
        T.Resize(256, T.InterpolationMode.BICUBIC), T.RandomResizedCrop(224), T.RandomHorizontalFlip(), T.ToTensor(),
        T.Normalize(MEAN, STD)])
    return rate(torch_loader(Rows(stem, lambda data: steps(Image.open(io.BytesIO(data)).convert("RGB")))), WORKERS)


def random_batches(stem):
    """Without end: an epoch's batches in random order, then the next epoch's."""
    rows = Rows(stem)
    while True:
        order = random.sample(range(len(rows)), len(rows))
        for first in range(0, len(order) - BATCH + 1, BATCH):
            yield [np.frombuffer(rows[row], np.uint8) for row in order[first:first + BATCH]]


def dali_steps(encoded, fused):
    """The graph of DALI's operators, from encoded images to float pixels."""
    from nvidia.dali import fn, types

    if fused:
        images = fn.decoders.image_random_crop(encoded, device="cpu", output_type=types.RGB, random_area=[0.08, 1.0],
                                               random_aspect_ratio=[3 / 4, 4 / 3])
        images = fn.resize(images, size=[224, 224], interp_type=types.INTERP_LINEAR, antialias=True)
    else:
        images = fn.decoders.image(encoded, device="cpu", output_type=types.RGB)
        images = fn.resize(images, resize_shorter=256, interp_type=types.INTERP_CUBIC)
        images = fn.random_resized_crop(images, size=224, interp_type=types.INTERP_LINEAR, antialias=True)
    return fn.crop_mirror_normalize(images, mirror=fn.random.coin_flip(), dtype=types.FLOAT, output_layout="CHW",
                                    mean=[255 * m for m in MEAN], std=[255 * s for s in STD])


def dali_rate(stem, fused):
    from nvidia import dali

    pipe = dali.Pipeline(batch_size=BATCH, num_threads=WORKERS, device_id=None, prefetch_queue_depth=2)
    with pipe:
        source = random_batches(stem)
        encoded = dali.fn.external_source(source=lambda: next(source), batch=True)
        pipe.set_outputs(dali_steps(encoded, fused))
    pipe.build()
    return rate((pipe.run()[0] for _ in range(len(Rows(stem)) // BATCH)), WORKERS)


PROGRAMS = {
    "torchvision": torchvision_rate,
    "pillow": pillow_rate,
    "dali": lambda stem: dali_rate(stem, fused=False),
    "dali_fused": lambda stem: dali_rate(stem, fused=True),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stem")
    parser.add_argument("program", choices=PROGRAMS)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{PROGRAMS[arguments.program](arguments.stem):.1f}")


main()
