#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the loader benchmark's three image sets as TSV shards: FOLDER/SET-0.tsv, SET-0.lineidx and SET.list.

photos  JPEGs of about 500 px and 41 KB: the mix of an ImageNet-like set
small   JPEGs of about 96 px
png64   PNGs of 64x64 px
Use: make_shards.py FOLDER [--rows 3000] [--seed 1]   (after benchmarks/wallpapers.sh)
A folder that holds the same already is left as it is.
"""
import argparse
import io
import json
import shutil
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests/peers"))
from photographs import Wallpapers, wallpapers_folder  # noqa: E402
from shards import Shard  # noqa: E402

RATIOS = (4 / 3, 3 / 4, 1, 3 / 2, 2 / 3)  # width by height
QUALITIES = (85, 92, 95)
SUBSAMPLINGS = (0, 2, 2)  # 4:4:4 and, twice as often, 4:2:0


def size(rng, longer):
    """Height and width whose longer one is drawn from `longer`."""
    side, ratio = rng.choice(longer), rng.choice(RATIOS)
    width, height = (side, side / ratio) if ratio > 1 else (side * ratio, side)
    return int(height), int(width)


def jpeg(rng, photographs, longer):
    data = io.BytesIO()
    image = photographs.view(rng, *size(rng, longer))
    image.save(data, "JPEG", quality=int(rng.choice(QUALITIES)), subsampling=int(rng.choice(SUBSAMPLINGS)))
    return data.getvalue()


def png(rng, photographs):
    data = io.BytesIO()
    photographs.view(rng, 64, 64).save(data, "PNG")
    return data.getvalue()


SETS = {
    "photos": lambda rng, photographs: jpeg(rng, photographs, (500, 500, 500, 640, 400)),
    "small": lambda rng, photographs: jpeg(rng, photographs, (96, 96, 96, 112, 80)),
    "png64": png,
}


def make_set(folder, name, rows, seed, photographs):
    rng = np.random.default_rng([seed, list(SETS).index(name)])
    shard = Shard(folder, name)
    count = 0
    for row in range(rows):
        data = SETS[name](rng, photographs)
        shard.add_base64(str(row), data)
        count += len(data)
    shard.close()
    print(f"{folder / name}-0.tsv: {rows} images of {count // rows:,} bytes", file=sys.stderr)


def make(folder, rows, seed):
    """All sets, written aside first; the recipe in made.json says that the folder is whole."""
    recipe, stamp = json.dumps({"rows": rows, "seed": seed}), folder / "made.json"
    if stamp.exists() and stamp.read_text() == recipe:
        return
    if folder.exists() and any(folder.iterdir()) and not stamp.exists():
        raise SystemExit(f"{folder} holds something else: name a folder that is empty or of this script's making")
    photographs = Wallpapers(wallpapers_folder())
    part = folder.with_name(folder.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    for name in SETS:
        make_set(part, name, rows, seed, photographs)
    (part / "made.json").write_text(recipe)
    shutil.rmtree(folder, ignore_errors=True)
    part.rename(folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    make(arguments.folder, arguments.rows, arguments.seed)


main()
