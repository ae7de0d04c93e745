#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes small sentencepiece models, the first inputs of fuzz_spiece.   spiece_seeds.py FOLDER"""
import os
import struct
import sys


def varint(value):
    return (bytes([value & 127 | 128]) + varint(value >> 7)) if value > 127 else bytes([value])


def integer(number, value):
    return varint(number << 3) + varint(value)


def sized(number, content):
    return varint(number << 3 | 2) + varint(len(content)) + content


def piece(text, score, kind):
    return sized(1, sized(1, text.encode()) + varint(2 << 3 | 5) + struct.pack("<f", score) + integer(3, kind))


def table():
    """A double array with one rule, of "a": the root's base is 0, that of its child 1, where the value lies."""
    units = [0x80000000] * 256
    units[0] = 0
    units[ord("a")] = (ord("a") ^ 1) << 10 | 0x100 | ord("a")
    trie = struct.pack("<256I", *units)
    return struct.pack("<I", len(trie)) + trie + b"b c\0"


def model(pieces, trainer=b"", normalizer=b""):
    pieces = [("<pad>", 0, 3), ("</s>", 0, 3), ("<unk>", 0, 2)] + pieces
    return b"".join(piece(*p) for p in pieces) + sized(2, integer(3, 1) + trainer) + sized(3, sized(1, b"identity") + normalizer)


words = [("\u2581", -2, 1), ("\u2581a", -1, 1), ("ab", -3, 1), ("a", -3.5, 1), ("b", -4, 1), ("photo", -2, 4), ("of", -1, 5)]
seeds = {"plain": model(words),
         "table": model(words, normalizer=sized(2, table())),
         "spaces": model(words, integer(24, 1), integer(4, 0) + integer(5, 0)),
         "bytes": model([(f"<0x{byte:02X}>", 0, 6) for byte in range(256)] + words, integer(35, 1))}
for name, content in seeds.items():
    with open(os.path.join(sys.argv[1], name), "wb") as file:
        file.write(content)
