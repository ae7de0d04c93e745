#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The rates of toy runs with random settings against timm's CosineLRScheduler.

Use: schedule_parity.py DIME   (in a venv with torch, timm, pillow, numpy)
"""
import pathlib
import random
import sys
import tempfile

import numpy as np

import objective
import program
from io_tool import Checks
from shards import Shard, encoded, photograph

ROWS, BATCH = 12, 4  # an epoch is three updates


def make_data(folder):
    rng = np.random.default_rng(0)
    image, vectors = Shard(folder, "image"), Shard(folder, "vectors")
    for i in range(ROWS):
        image.add_base64(f"i{i}", encoded(photograph(rng, 8), jpeg=False))
        vectors.add_base64(f"i{i}", rng.normal(size=4).astype("<f4").tobytes())
    image.close()
    vectors.close()


def experiment(epochs, schedule, lr):
    return {"schema": 1, "name": "schedule", "device": "cpu",
            "data": {"images": {"source": {"type": "tsv_images", "list": "image.list"},
                                "features": {"type": "tsv_features", "list": "vectors.list"}, "batch_size": BATCH}},
            "models": {"student": {"type": "clip", "embed_dim": 4,
                                   "image": {"image_size": 8, "patch_size": 8, "width": 8, "layers": 1, "heads": 1}}},
            "losses": {"fd": {"type": "fd"}},
            "train": {"epochs": epochs, "optimizer": {"lr": lr}, "schedule": schedule, "log_every": 1}}


def main():
    checks, rng = Checks(), random.Random(3)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        make_data(folder)
        for i in range(6):
            epochs = rng.randint(2, 12)
            total = epochs * ROWS // BATCH
            warmup = rng.choice([0, 1, rng.randint(2, total // 2)])
            lr, warmup_lr, floor = 10 ** rng.uniform(-4, -2), rng.choice([0.0, 1e-6]), rng.choice([0.0, 1e-5])
            schedule = {"type": "cosine", "warmup": f"{warmup} steps", "warmup_lr": warmup_lr, "min_lr": floor}
            run = program.train(sys.argv[1], folder, experiment(epochs, schedule, lr), f"run{i}")
            got = [line["lr"] for line in program.metrics(run)]
            want = list(objective.rates(total, warmup, lr, warmup_lr, floor))
            far = max((abs(a - b) for a, b in zip(got, want)), default=1.0)
            checks.check(f"{total} updates, warm-up {warmup}", len(got) == total and far <= 1e-12, f"worst {far:.1e}")
    checks.leave()


main()
