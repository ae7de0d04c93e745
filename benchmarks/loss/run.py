#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""dime's score losses against eager PyTorch, in turn on the same machine.

usage: run.py DIME [--sizes 640,1024,4096,8192] [--terms vl,pvl] [--dim 768] [--threads 2] [--repetitions 3]
              [--alone 16384,65536] [--json FILE] [--plot FILE.svg]
Prints, for each size, the medians of the repetitions and their ratios. `--alone` sizes are too large for the peer.
"""
import argparse
import json
import math
import os
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def dime(args, size, *more):
    command = [args.dime, "bench", "loss", "--images", str(size), "--texts", str(size), "--dim", str(args.dim),
               "--terms", args.terms, "--threads", str(args.threads), "--device", "cpu", "--json", *more]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def peer(args, size):
    command = [sys.executable, os.path.join(HERE, "peer.py"), str(size), str(size), str(args.dim), args.terms,
               str(args.threads)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def measure(args, size, with_peer):
    programs = {"fp32": lambda: dime(args, size), "bf16": lambda: dime(args, size, "--products", "bf16"),
                "separate": lambda: dime(args, size, "--separate")}
    if with_peer:
        programs["eager"] = lambda: peer(args, size)
    else:
        del programs["separate"]
    runs = {name: [] for name in programs}
    for _ in range(args.repetitions if with_peer else 1):
        for name, program in programs.items():
            runs[name].append(program())
    row = {"size": size}
    for name, results in runs.items():
        row[name] = statistics.median(r["seconds"] for r in results)
        row[name + "_mib"] = max(r["extra_mib"] for r in results)
    return row


def text(row, key, form="%.4g"):
    return form % row[key] if key in row else "–"


def table(rows):
    lines = ["| B = N | eager s | fp32 s | ratio | bf16 products s | ratio | term by term, fp32 s | MiB fp32 / bf16 / eager |",
             "|---|---|---|---|---|---|---|---|"]
    for r in rows:
        ratio = lambda name: "%.3f" % (r[name] / r["eager"]) if "eager" in r else "–"
        lines.append(f"| {r['size']:,} | {text(r, 'eager')} | {text(r, 'fp32')} | {ratio('fp32')} | {text(r, 'bf16')} | "
                     f"{ratio('bf16')} | {text(r, 'separate')} | {r['fp32_mib']} / {r['bf16_mib']} / {text(r, 'eager_mib', '%d')} |")
    return "\n".join(lines)


def panel(rows, names, suffix, left, title, unit):
    """One log-log diagram of 360 x 300."""
    points = {n: [(r["size"], r[n + suffix]) for r in rows if n + suffix in r and r[n + suffix] > 0] for n in names}
    xs = [x for p in points.values() for x, _ in p]
    ys = [y for p in points.values() for _, y in p]
    low, high = math.floor(math.log10(min(ys))), math.ceil(math.log10(max(ys)))
    first, last = math.log2(min(xs)), math.log2(max(xs))
    place_x = lambda x: left + 55 + 285 * (math.log2(x) - first) / max(1e-9, last - first)
    place_y = lambda y: 260 - 215 * (math.log10(y) - low) / max(1, high - low)
    out = [f'<text x="{left + 200}" y="24" text-anchor="middle" font-weight="bold">{title}</text>']
    for e in range(low, high + 1):
        y = place_y(10 ** e)
        out.append(f'<line x1="{left + 55}" y1="{y:.1f}" x2="{left + 340}" y2="{y:.1f}" stroke="#ddd"/>')
        out.append(f'<text x="{left + 50}" y="{y + 4:.1f}" text-anchor="end">{10.0 ** e:g}{unit}</text>')
    for x in sorted(set(xs)):
        out.append(f'<text x="{place_x(x):.1f}" y="278" text-anchor="end" transform="rotate(-30 {place_x(x):.1f} 278)">{x:,}</text>')
    for name, colour in names.items():
        p = points[name]
        if not p:
            continue
        out.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="'
                   + " ".join(f"{place_x(x):.1f},{place_y(y):.1f}" for x, y in p) + '"/>')
        out += [f'<circle cx="{place_x(x):.1f}" cy="{place_y(y):.1f}" r="3" fill="{colour}"/>' for x, y in p]
    return out


def plot(rows, file):
    names = {"eager": "#c0392b", "fp32": "#2c6fbb", "bf16": "#27ae60"}
    labels = {"eager": "eager PyTorch", "fp32": "dime, fp32", "bf16": "dime, bf16 products"}
    out = ['<svg xmlns="http://www.w3.org/2000/svg" width="740" height="340" font-family="sans-serif" font-size="11">',
           '<rect width="740" height="340" fill="white"/>']
    out += panel(rows, names, "", 0, "forward and backward", " s")
    out += panel(rows, names, "_mib", 370, "memory beside the vectors", " MiB")
    for i, (name, colour) in enumerate(names.items()):
        out.append(f'<rect x="{140 + 170 * i}" y="316" width="12" height="12" fill="{colour}"/>')
        out.append(f'<text x="{157 + 170 * i}" y="326">{labels[name]}</text>')
    with open(file, "w") as f:
        f.write("\n".join(out) + "\n</svg>\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dime")
    parser.add_argument("--sizes", default="640,1024,4096,8192")
    parser.add_argument("--alone", default="")
    parser.add_argument("--terms", default="vl,pvl")
    parser.add_argument("--dim", type=int, default=768)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--json")
    parser.add_argument("--plot")
    args = parser.parse_args()
    numbers = lambda words: [int(w) for w in words.split(",") if w]
    rows = [measure(args, size, True) for size in numbers(args.sizes)]
    rows += [measure(args, size, False) for size in numbers(args.alone)]
    print(table(rows))
    if args.json:
        with open(args.json, "w") as f:
            json.dump(rows, f, indent=1)
    if args.plot:
        plot(rows, args.plot)


main()
