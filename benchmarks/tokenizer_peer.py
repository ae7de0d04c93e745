#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The peers of benchmark_tokenizer, instant-clip-tokenizer (Rust) and sentencepiece, over the lines of a file, and the lines themselves.

Use: tokenizer_peer.py run LINES       the output of benchmark_tokenizer, of the peer
     tokenizer_peer.py siglip LINES MODEL      likewise, of sentencepiece, which cleans nothing
     tokenizer_peer.py model LINES MODEL       trains a model of 32,000 pieces
     tokenizer_peer.py corpora FOLDER IO_TOOL
                                       writes glosses.txt, long.txt (a hundred glosses a line) and world.txt (names in
                                       every language), as tokenizer.sh measures them
     tokenizer_peer.py compare FILE    the median of each in lines "dime|peer FORM SENTENCES MEGABYTES TOKENS"
"""
import collections
import os
import statistics
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "tests", "peers"))
import corpora  # noqa: E402
from io_tool import Tool  # noqa: E402

CONTEXT = 77
SIGLIP_CONTEXT = 64


def peer_forms():
    """Ways to call the peer, by form; of each form the fastest counts."""
    import instant_clip_tokenizer

    tokenizer = instant_clip_tokenizer.Tokenizer()

    def batches(lines, size):
        for first in range(0, len(lines), size):
            tokenizer.tokenize_batch(lines[first:first + size], context_length=CONTEXT)
        return len(lines) * CONTEXT

    # Small batches stay in the processor's cache, one large one has the fewest calls.
    return {"encode": [lambda lines: sum(map(len, map(tokenizer.encode, lines))),
                       lambda lines: sum([len(tokenizer.encode(line)) for line in lines])],
            "padded": [lambda lines: batches(lines, 256), lambda lines: batches(lines, 1024), lambda lines: batches(lines, len(lines))]}


def siglip_forms(path):
    """sentencepiece alone: transformers cleans in Python before, and takes several times as long."""
    import sentencepiece

    model = sentencepiece.SentencePieceProcessor(model_file=path)
    end = model.eos_id()

    def encode(lines):
        return model.encode(lines, num_threads=1)

    def pad(lines):
        rows = [row[:SIGLIP_CONTEXT - 1] for row in encode(lines)]
        return len([row + [end] * (SIGLIP_CONTEXT - len(row)) for row in rows]) * SIGLIP_CONTEXT

    return {"encode": [lambda lines: sum(map(len, encode(lines))), lambda lines: sum([len(model.encode(line)) for line in lines])],
            "padded": [pad]}


def train(path, to):
    import sentencepiece

    sentencepiece.SentencePieceTrainer.train(input=path, model_prefix=to.removesuffix(".model"), model_type="unigram", vocab_size=32000,
                                             pad_id=0, eos_id=1, unk_id=2, bos_id=-1, minloglevel=2)


def timed(call, lines):
    start = time.perf_counter()
    tokens = call(lines)
    return time.perf_counter() - start, tokens


def run(path, forms=None):
    with open(path, encoding="utf-8", newline="\n") as file:
        lines = [line.rstrip("\n") for line in file]
    size = sum(len(line.encode()) for line in lines)
    forms = forms or peer_forms()
    for _ in range(3):
        for form, calls in forms.items():
            seconds, tokens = min(timed(call, lines) for call in calls)
            print(f"{form} {len(lines) / seconds:.0f} {size / seconds / 1e6:.2f} {tokens}")


def write_corpora(folder, io_tool):
    glosses = corpora.glosses()
    texts = {"glosses": glosses, "long": [" ".join(glosses[first:first + 100]) for first in range(0, len(glosses), 100)],
             "world": corpora.names(Tool(io_tool))}
    for name, lines in texts.items():
        with open(os.path.join(folder, name + ".txt"), "w", encoding="utf-8") as file:
            file.writelines(line.replace("\n", " ") + "\n" for line in lines)


def compare(path):
    found = collections.defaultdict(list)
    with open(path, encoding="ascii") as file:
        for line in file:
            who, form, sentences, megabytes, _ = line.split()
            found[form, who].append((float(sentences), float(megabytes)))
    for form in ("encode", "padded"):
        (ours, our_bytes), (theirs, their_bytes) = (map(statistics.median, zip(*found[form, who])) for who in ("dime", "peer"))
        print(f"  {form}: dime {ours:.0f} sentences/s ({our_bytes:.1f} MB/s), peer {theirs:.0f} ({their_bytes:.1f} MB/s), ratio {ours / theirs:.2f}")


{"run": run, "siglip": lambda path, model: run(path, siglip_forms(model)), "model": train, "corpora": write_corpora,
 "compare": compare}[sys.argv[1]](*sys.argv[2:])
