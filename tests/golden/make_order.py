#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/golden/order.json: rows of streams, [source, row, epoch] by place, from the definition of their order.

Use: make_order.py
"""
import json
from pathlib import Path

BITS = (1 << 64) - 1
BLOCK = 1024  # places of a mixture that hold each source by quota


def mix(x):
    for _ in range(2):
        x = (x ^ x >> 32) * 0xD6E8FEB86659FD93 & BITS
    return x ^ x >> 32


def key(*parts):
    value = 0x9E3779B97F4A7C15
    for part in parts:
        value = mix(value ^ mix(part + 0x632BE59BD9B4E019 & BITS)) + 0x9E3779B97F4A7C15 & BITS
    return value


def stream_key(seed, stream):
    name = 0
    for byte in stream.encode():
        name = mix(name ^ byte) + 1 & BITS
    return key(seed, name)


def permuted(n, k, i):
    """The image of i under the permutation of 0 .. n-1 with key k: six rounds of Feistel, until the image is below n."""
    half = 1
    while 1 << 2 * half < n:
        half += 1
    mask = (1 << half) - 1
    while True:
        left, right = i >> half, i & mask
        for turn in range(6):
            left, right = right, left ^ mix(k ^ mix(right + (turn << 56) + 1)) & mask
        i = left << half | right
        if i < n:
            return i


def local_epoch(n, block, window, k):
    """All rows of an epoch with locality."""
    blocks = [range(first, min(n, first + block)) for first in range(0, n, block)]
    order = [blocks[permuted(len(blocks), key(k, 1), i)] for i in range(len(blocks))]
    rows, each = [], window // block
    for number in range(-(-len(order) // each)):
        held = [row for b in order[number * each:(number + 1) * each] for row in b]
        rows += [held[permuted(len(held), key(k, 2, number), i)] for i in range(len(held))]
    return rows


def quotas(weights):
    exact = [w / sum(weights) * BLOCK for w in weights]
    given = [int(x) for x in exact]
    by_remainder = sorted(range(len(exact)), key=lambda i: given[i] - exact[i])
    for i in by_remainder[:BLOCK - sum(given)]:
        given[i] += 1
    return given


def row_at(case, place):
    k = stream_key(case["seed"], case["stream"])
    sizes, source, draw = case["sizes"], 0, place
    if len(sizes) > 1:
        block, held = place // BLOCK, quotas(case["weights"])
        slot = permuted(BLOCK, key(k, 2, block), place % BLOCK)
        while slot >= held[source]:
            slot -= held[source]
            source += 1
        draw = block * held[source] + slot
    epoch, offset = divmod(draw, sizes[source])
    if case["block"] and not case["retry"]:
        row = local_epoch(sizes[source], case["block"], case["window"], key(k, 3, source, epoch, 0))[offset]
    else:
        row = permuted(sizes[source], key(k, 1, source, epoch, case["retry"]), offset)
    return [source, row, epoch]


def case(seed, stream, sizes, first, *, weights=None, block=None, window=None, retry=0):
    made = {"seed": seed, "stream": stream, "sizes": sizes, "weights": weights or [1] * len(sizes), "block": block,
            "window": window, "retry": retry, "first": first}
    return made | {"rows": [row_at(made, first + i) for i in range(16)]}


def main():
    billion = 10**9
    cases = [
        case(0, "images", [1000], 0),
        case(0, "images", [1000], 990),
        case(0, "texts", [1000], 0),
        case(7, "images", [1000], 0),
        case(0, "images", [1000], 0, retry=1),
        case(0, "images", [1000], 0, retry=8),
        case(3, "images", [billion], 5 * billion - 8),
        case(0, "images", [300, 50, 77], 5000, weights=[2, 1, 0.5]),
        case(0, "images", [1000], 0, block=16, window=48),
        case(0, "images", [1000], 2990, block=16, window=48),
        case(0, "texts", [300, 50, 77], 5000, weights=[2, 1, 0.5], block=8, window=32),
        case(0, "images", [1000], 0, block=16, window=48, retry=2),
    ]
    text = ",\n".join(json.dumps(c) for c in cases)
    (Path(__file__).parent / "order.json").write_text(f"[{text}]\n")


main()
