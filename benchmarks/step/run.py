#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Images a second of a student's updates and inference, dime's and eager PyTorch's in turn, on two threads.

Use: run.py DIME [--runs N] [--only NAME] [--precision TYPE] [--steps N]   (in a venv with torch and open_clip_torch)
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).parent


def dime(program, name, precision, steps):
    words = [program, "bench", "step", str(HERE / f"{name}.yaml"), f"train.precision={precision}", "--batch", "32", "--steps", str(steps), "--json"]
    answer = json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
    return answer["train_images_per_second"], answer["inference_images_per_second"]


def peer(name, precision, steps):
    words = [sys.executable, str(HERE / "peer.py"), name, precision, str(steps)]
    return tuple(json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", help="vit_b32 or small")
    parser.add_argument("--precision", help="fp32 or bf16")
    parser.add_argument("--steps", type=int, help="instead of 4 of vit_b32 and 100 of small")
    options = parser.parse_args()
    print(f"{'student':8} {'type':5} {'train':>18} {'ratio':>6} {'inference':>18} {'ratio':>6}")
    for name, steps in (("vit_b32", 4), ("small", 100)):
        for precision in ("fp32", "bf16"):
            if options.only not in (None, name) or options.precision not in (None, precision):
                continue
            ours, theirs = [], []
            for _ in range(options.runs):
                theirs.append(peer(name, precision, options.steps or steps))
                ours.append(dime(options.program, name, precision, options.steps or steps))
            cells = []
            for i in range(2):
                a, b = (statistics.median(run[i] for run in runs) for runs in (ours, theirs))
                cells.append(f"{a:9.2f}/{b:8.2f} {a / b:6.2f}")
            print(f"{name:8} {precision:5} {cells[0]} {cells[1]}", flush=True)


main()
