#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads shards of stored vectors from a cold disk through `dime bench loader`, in several orders, and prints rows a second.

Before each run the page cache forgets the shard (and no other file). All orders read the same number of rows, each
once. What a locality fetches while two batches warm up, two windows at most, is not in its time. The shards stay in the cache folder.
Use: locality.py [--repeat 3] [--remove]   (after a build; benchmarks/locality.sh does both)
"""
import argparse
import array
import base64
import json
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BATCH, WARM_UP, AHEAD = 512, 2, 3  # the last two: of `dime bench loader` and of a stream
SETS = {  # numbers in a vector, rows, batches that are measured
    "vectors": (768, 700_000, 320),
    "large": (7680, 70_000, 120),
}
ORDERS = {
    "in order": ["data.images.shuffle=false"],
    "block 256, window 8192": ["data.images.locality={block: 256, window: 8192}"],
    "block 64, window 4096": ["data.images.locality={block: 64, window: 4096}"],
    "block 16, window 1024": ["data.images.locality={block: 16, window: 1024}"],
    "at random": [],
}


def cache_folder():
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("DIME_CACHE_DIR") or Path(home) / "dime") / "locality"


def make(path, width, rows):
    """A shard whose rows repeat 64 vectors: what they hold does not matter here."""
    if path.exists():
        return
    draw = random.Random(1)
    vectors = [base64.b64encode(array.array("f", (draw.gauss(0, 1) for _ in range(width))).tobytes()) for _ in range(64)]
    part = path.with_suffix(".part")
    with open(part, "wb") as shard:
        for row in range(rows):
            shard.write(b"%d\t%s\n" % (row, vectors[row % len(vectors)]))
        os.fsync(shard.fileno())
    part.rename(path)


def forget(path):
    with open(path, "rb") as shard:
        os.posix_fadvise(shard.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    kept = int(subprocess.run(["fincore", "--bytes", "--noheadings", "--output", "RES", path], check=True,
                              capture_output=True, text=True).stdout)
    if kept > path.stat().st_size // 100:
        raise SystemExit(f"{kept:,} bytes of {path} stay in the page cache: another program reads it, or the file system "
                         "is one in memory (set DIME_CACHE_DIR)")


def disk_reads(path):
    """Reads that the disk has done for anyone; 0 where the file lies on none that says so."""
    device = path.stat().st_dev
    stat = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}/stat")
    return int(stat.read_text().split()[0]) if stat.exists() else 0


def experiment(path):
    return (f"schema: 1\nname: locality\nthreads: {{decode: 2}}\n"
            f"data: {{images: {{features: {{type: tsv_features, list: {path}}}, batch_size: {BATCH}}}}}\n")


def measure(path, overrides, batches):
    """Rows a second, and for each row bytes from the disk and reads of the disk."""
    file = path.with_suffix(".yaml")
    file.write_text(experiment(path))
    forget(path)
    read, reads = resource.getrusage(resource.RUSAGE_CHILDREN).ru_inblock, disk_reads(path)
    run = subprocess.run([ROOT / "build/release/bin/dime", "bench", "loader", file, *overrides, "--batches", str(batches),
                          "--json"], capture_output=True, text=True)
    if run.returncode != 0:
        raise SystemExit(run.stderr)
    rows = (batches + WARM_UP + AHEAD) * BATCH
    read = (resource.getrusage(resource.RUSAGE_CHILDREN).ru_inblock - read) * 512
    return json.loads(run.stdout)["rows_per_second"], read / rows, (disk_reads(path) - reads) / rows


def compare(path, name, repeat):
    width, rows, batches = SETS[name]
    make(path, width, rows)
    row_bytes = path.stat().st_size / rows
    measure(path, ORDERS["at random"], 1)  # the index is made, and in memory
    runs = {order: [] for order in ORDERS}
    for turn in range(repeat):
        for order, overrides in ORDERS.items():
            runs[order].append(measure(path, overrides, batches))
            print(f"{name}, {order}, {turn + 1}: {runs[order][-1][0]:,.0f} rows/s", file=sys.stderr)
    print(f"\n{name}: {rows:,} rows of {row_bytes:,.0f} bytes; {batches * BATCH:,} rows read, median of {repeat}\n")
    print("| order | rows/s | against at random | bytes from the disk for one of a row | rows for one read of the disk |\n"
          "|---|---|---|---|---|")
    middle = {order: [statistics.median(column) for column in zip(*all_runs)] for order, all_runs in runs.items()}
    for order, (speed, read, reads) in middle.items():
        each = f"{1 / reads:.1f}" if reads > 0 else "–"
        print(f"| {order} | {speed:,.0f} | {speed / middle['at random'][0]:.1f} | {read / row_bytes:.1f} | {each} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--remove", action="store_true", help="remove the shards (6 GB) at the end")
    arguments = parser.parse_args()
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    for name in SETS:
        compare(folder / f"{name}.tsv", name, arguments.repeat)
    if arguments.remove:
        shutil.rmtree(folder)


main()
