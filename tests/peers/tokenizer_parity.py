#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the tokenizer with open_clip's on sentences, on every character and on random texts.

Use: tokenizer_parity.py BUILD/tests/io_tool ASSETS/clip   (in a venv with open_clip_torch)
"""
import html.entities
import os
import random
import re
import sys
import unicodedata

from ftfy import TextFixerConfig, fix_and_explain, fix_text
from open_clip.tokenizer import SimpleTokenizer

from io_tool import Checks, Tool

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "golden"))
from sentences import RIGHT, mojibake, sentences  # noqa: E402

# The steps of ftfy's repair of mojibake that tokenizer.hpp says are done.
DONE = {("encode", "latin-1"), ("encode", "sloppy-windows-1252"), ("decode", "utf-8"), ("decode", "windows-1252"),
        ("transcode", "fix_c1_controls")}


def needs_more(text):
    """Whether ftfy repairs mojibake in `text` by other steps than those."""
    config = TextFixerConfig()
    for line in re.findall(r"[^\n]*\n|[^\n]+", text):
        if "<" in line:
            config = config._replace(unescape_html=False)
        steps = fix_and_explain(line, config).explanation
        if any(step not in DONE for step in steps if step.action in ("encode", "decode", "transcode") or "utf8" in step.parameter):
            return True
    return False


class Bench:
    def __init__(self, program, assets):
        vocabulary = os.path.join(assets, "bpe_simple_vocab_16e6.txt.gz")
        self.tool = Tool(program, vocabulary)
        self.theirs = SimpleTokenizer(vocabulary)
        self.checks = Checks()

    def compare(self, name, texts, skip_mojibake=False):
        """Every text must agree. Mojibake that tokenizer.hpp says is not repaired may be left out; what ftfy leaves alone,
        and what it repairs in the plain way, never is."""
        kept = [t for t in texts if not skip_mojibake or not needs_more(t)]
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


def neighbours():
    """All pairs of characters that Windows-1252 has past ASCII, where they may be mojibake or not. What is
    not assigned yet may be a letter to one of the two already."""
    high = [bytes([byte]).decode("cp1252", "replace") for byte in range(0x80, 0x100)]
    texts = [form.format(first + second) for first in high for second in high for form in ("x{} y", "A {}")]
    return [text for text in texts if all(unicodedata.category(c) != "Cn" for c in fix_text(text))]


def chains(rng, count):
    """References in references."""
    parts = ["&", "amp;", "#38;", "#x26;", "AMP;", "lt;", "#65286;", "\uff06", "&amp;", "copy;", "Atilde;", "eacute;", "#1;", "a", "; ", "#"]
    for _ in range(count):
        yield "&" + "".join(rng.choice(parts[1:8] if rng.random() < 0.8 else parts) for _ in range(rng.randint(1, 24)))


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
    accented = ["ÉÈÑÜÅÂÃ®™…–—£½×°µ aeBC", "éèñüåâã®™…–—£½×°µ aeBC", "ÉÂÃâ€™\x80\x99\xa0\xad \n"]
    bench.compare("random accented texts", ["".join(rng.choice(a) for _ in range(rng.randint(1, 9))) for a in accented for _ in range(5000)],
                  skip_mojibake=True)
    bench.compare("all neighbours in Windows-1252", neighbours(), skip_mojibake=True)
    bench.compare("what ftfy leaves alone", RIGHT)
    bench.compare("references in references", list(chains(rng, 5000)), skip_mojibake=True)
    long_words = ["".join(rng.choice(letters) for _ in range(rng.randint(1, 300))) for letters in ("ab", "a", "etaoin", "éèa", "猫a😀")
                  for _ in range(200)]
    bench.compare("long words", long_words)
    bench.compare("mojibake of a whole line", mojibake())
    bench.checks.leave()


main()
