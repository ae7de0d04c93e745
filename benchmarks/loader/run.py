#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares dime's loader with torchvision, Pillow and DALI on the same images: median images per second, and ratios.

Every repetition runs each program once on each set, in turn, so that a neighbour's load meets all of them. Two threads or workers.
Use: run.py [--sets photos,small,png64] [--programs dime_exact,torchvision,...] [--repeat 3] [--rows 3000] [--json]
run.sh makes what this needs and passes its arguments on.
"""
import argparse
import json
import os
import shlex
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SETS = ("photos", "small", "png64")
EXPERIMENTS = {"dime_exact": "photos_exact.yaml", "dime_fused": "photos_fused.yaml"}
PROGRAMS = (*EXPERIMENTS, "torchvision", "pillow", "dali", "dali_fused")
RATIOS = (("dime_exact", "torchvision"), ("dime_fused", "dali_fused"), ("dime_exact", "pillow"))
THREADS = 2


def output_of(command):
    """What a program prints; where it fails, its last line is the error."""
    clean = {name: value for name, value in os.environ.items() if name != "LD_LIBRARY_PATH"}  # torch brings its own
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, env=clean)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise SystemExit(f"run.py: {shlex.join(map(str, command))}: status {done.returncode}: {last}")
    return done.stdout


class Bench:
    def __init__(self, dime, data, seconds):
        self.dime, self.data, self.seconds = dime, data, seconds

    def measure(self, program, name):
        """A run's reply: `images_per_second`, and of dime also `stages`, `peak_memory_mib` and others."""
        if program in EXPERIMENTS:
            return json.loads(output_of(self.dime_command(program, name)))
        reply = output_of([sys.executable, HERE / "peers.py", self.data / f"{name}-0", program])
        return {"images_per_second": float(reply.split()[-1])}

    def dime_command(self, program, name):
        if not self.dime.exists():
            raise SystemExit(f"run.py: there is no {self.dime}: scripts/build.sh release makes it")
        return [self.dime, "bench", "loader", HERE / EXPERIMENTS[program], f"data.images.source.list={self.data / name}.list",
                "--threads", THREADS, "--seconds", self.seconds, "--json"]


def measure_all(bench, sets, programs, repeat):
    """{set: {program: its replies}}"""
    runs = {name: {program: [] for program in programs} for name in sets}
    for repetition in range(repeat):
        for name in sets:
            for program in programs:
                reply = bench.measure(program, name)
                runs[name][program].append(reply)
                print(f"{repetition + 1}/{repeat} {name} {program}: {reply['images_per_second']:.0f}", file=sys.stderr, flush=True)
    return runs


def summarise(runs):
    """{set: {"images_per_second": {program: median}, "ratios": {"a / b": of the medians}}}"""
    summary = {}
    for name, programs in runs.items():
        medians = {p: statistics.median(reply["images_per_second"] for reply in replies) for p, replies in programs.items()}
        ratios = {f"{a} / {b}": medians[a] / medians[b] for a, b in RATIOS if a in medians and b in medians}
        summary[name] = {"images_per_second": medians, "ratios": ratios}
    return summary


def table(summary):
    """A row a program, then a row a ratio; a column a set."""
    rows = [["images/s", *summary]]
    first = next(iter(summary.values()))
    for kind, digits in (("images_per_second", 0), ("ratios", 2)):
        for what in first[kind]:
            rows.append([what, *(f"{part[kind][what]:.{digits}f}" for part in summary.values())])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    line = [row[0].ljust(widths[0]) + "".join("  " + cell.rjust(width) for cell, width in zip(row[1:], widths[1:])) for row in rows]
    return "\n".join(line)


def names(known):
    def chosen(text):
        for name in text.split(","):
            if name not in known:
                raise argparse.ArgumentTypeError(f'unknown "{name}"; there are: {", ".join(known)}')
        return text.split(",")

    return chosen


def positive(text):
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f'takes a whole number from 1, got "{text}"')
    return int(text)


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", type=names(SETS), default=list(SETS))
    parser.add_argument("--programs", type=names(PROGRAMS), default=list(PROGRAMS))
    parser.add_argument("--repeat", type=positive, default=3)
    parser.add_argument("--rows", type=positive, default=3000, help="images in each set")
    parser.add_argument("--seconds", type=positive, default=10, help="how long one run of dime measures")
    parser.add_argument("--data", type=Path, default=ROOT / "runs/loader", help="where the sets are, or are made")
    parser.add_argument("--dime", type=Path, default=ROOT / "build/release/bin/dime")
    parser.add_argument("--json", action="store_true", help="print the summary and every run as JSON")
    return parser.parse_args()


def main():
    arguments = parse()
    output_of([sys.executable, HERE / "make_shards.py", arguments.data, "--rows", arguments.rows])
    bench = Bench(arguments.dime.resolve(), arguments.data.resolve(), arguments.seconds)
    runs = measure_all(bench, arguments.sets, arguments.programs, arguments.repeat)
    summary = summarise(runs)
    print(json.dumps({"threads": THREADS, "summary": summary, "runs": runs}, indent=2) if arguments.json else table(summary))


main()
