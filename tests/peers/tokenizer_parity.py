#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the tokenizer with open_clip's on sentences, on every character and on random texts.

Use: tokenizer_parity.py BUILD/tests/io_tool ASSETS/clip   (in a venv with open_clip_torch)
"""
import html.entities
import os
import random
import sys
import unicodedata

from ftfy import fix_text
from open_clip.tokenizer import SimpleTokenizer

from io_tool import Checks, Tool

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "golden"))
from sentences import mojibake, sentences  # noqa: E402


class Bench:
    def __init__(self, program, assets):
        vocabulary = os.path.join(assets, "bpe_simple_vocab_16e6.txt.gz")
        self.tool = Tool(program, vocabulary)
        self.theirs = SimpleTokenizer(vocabulary)
        self.checks = Checks()

    def compare(self, name, texts, skip_mojibake=False):
        """Every text must agree. What ftfy takes for mojibake may be left out: tokenizer.hpp says what of it is repaired."""
        kept = [t for t in texts if not skip_mojibake or fix_text(t) == fix_text(t, fix_encoding=False)]
        wrong = [t for t in kept if self.tool.ask(op="tokens", text=t).get("tokens") != self.theirs.encode(t)]
        detail = f"{len(kept) - len(wrong)} of {len(kept)} equal" + (f", first {wrong[0][:80]!a}" if wrong else "")
        detail += f"; {len(texts) - len(kept)} left out as mojibake" if skip_mojibake else ""
        self.checks.check(name, not wrong, detail)


def characters():
    """Every assigned code point of Python's Unicode, in a context."""
    for code in range(0x110000):
        category = unicodedata.category(chr(code))
        if category not in ("Cn", "Cs", "Co"):
            yield chr(code)


def random_texts(rng, count):
    alphabets = ["abcdefghij ABC", "0123456789.,-", " \t\n\r\x0b\x0c\x1c\x85\xa0\u2003\u3000", "&#;xamplt<>39", "'’‘“”\"sStTmM",
                 "éèüößñçàâ", "привет мир ЖЩ", "ΑΣσς λόγος", "漢字かなカナｶﾀ한글", "مرحبا بالعالم", "😀👍🏽🇩🇪❤️\u200d", "ﬁﬂﬀĲǆſ",
                 "İıſK", "\x00\x01\x1b[0m\x7f\ufeff\ufffd", "०१२٣٤²½Ⅷ"]
    for _ in range(count):
        mixed = "".join(rng.choice(alphabets) for _ in range(rng.randint(1, 3)))
        yield "".join(rng.choice(mixed) for _ in range(rng.randint(0, 60)))


def main():
    bench = Bench(sys.argv[1], sys.argv[2])
    rng = random.Random(5)
    bench.compare("sentences", sentences())
    padded = sentences()
    same = all(
        bench.tool.ask(op="padded", text=t, context=c)["tokens"] == bench.theirs(t, context_length=c)[0].tolist()
        for t in padded for c in (5, 77))
    bench.checks.check("padded to 5 and 77", same)
    bench.compare("every character between letters", [f"x{c}y 1" for c in characters()])
    entities = html.entities.html5
    bench.compare("every HTML name", [f"a &{name} b" for name in entities] + [f"P&{name}x" for name in entities], skip_mojibake=True)
    bench.compare("every HTML name in capitals", [f"a &{name.upper()} b" for name in entities], skip_mojibake=True)
    numbers = list(range(0, 0x180)) + [0xD800, 0xDFFF, 0xFFFE, 0x10FFFF, 0x110000, 10**12, 10**30]
    forms = ["&#{};", "&#{} ", "&#x{:x};", "&#X{:X}z"]
    bench.compare("HTML numbers", [f"a {form.format(n)} b" for n in numbers for form in forms], skip_mojibake=True)
    bench.compare("random texts", list(random_texts(rng, 20000)), skip_mojibake=True)
    bench.compare("mojibake of a whole line", mojibake())
    bench.checks.leave()


main()
