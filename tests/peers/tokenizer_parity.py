#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the tokenizer with open_clip's on sentences, on every character and on random texts.

Use: tokenizer_parity.py BUILD/tests/io_tool ASSETS/clip   (in a venv with open_clip_torch)
"""
import html.entities
import itertools
import os
import random
import re
import sys
import unicodedata

from ftfy import TextFixerConfig, fix_and_explain, fix_text
from open_clip.tokenizer import SimpleTokenizer

import corpora
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

    def compare_padded(self, name, texts, contexts):
        wrong = [t for t in texts for c in contexts
                 if self.tool.ask(op="padded", text=t, context=c).get("tokens") != self.theirs(t, context_length=c)[0].tolist()]
        self.checks.check(name, not wrong, f"{len(texts)} texts" + (f", first wrong {wrong[0][:80]!a}" if wrong else ""))


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


def emoji():
    """Faces, hands in each skin, families, flags, keycaps, hearts with and without the mark that colours them."""
    pictures = [chr(c) for first, last in ((0x2600, 0x27C0), (0x1F300, 0x1FB00)) for c in range(first, last) if unicodedata.category(chr(c)) == "So"]
    hands = [hand + chr(skin) for hand in "👍👋🙏💪🤝" for skin in range(0x1F3FB, 0x1F400)]
    joined = ["\u200d".join(family) for family in itertools.product("👨👩🧑", "👩👨❤", "👧👦💻")]
    flags = [chr(0x1F1E6 + a) + chr(0x1F1E6 + b) for a in range(26) for b in range(26)]
    keycaps = [digit + "\ufe0f\u20e3" for digit in "0123456789#*"]
    for picture in pictures + hands + joined + flags + keycaps:
        yield picture
        yield f"A photo of {picture}\ufe0f, and{picture}{picture} it's {picture.upper()}THE{picture}END"


def controls():
    """Each control character and mark of direction or format, in and around words."""
    marks = [chr(c) for c in range(0x110000) if unicodedata.category(chr(c)) in ("Cc", "Cf", "Zl", "Zp", "Zs")]
    for mark in marks:
        yield from (mark, f"a{mark}b {mark}c{mark}", f"It{mark}'s{mark}\n{mark}&{mark}amp; {mark}\x1b[3{mark}1m 7{mark}8")


def long_texts(rng, size=100000):
    """Texts of 100,000 characters: many words, or one."""
    sources = [corpora.glosses(), [name + " " for name in list(html.entities.html5)], ["a"], ["ab", "ba"], ["猫"], ["😀"], ["'s"], ["1"], [" "], ["."],
               ["\x01"], ["&amp;"], ["é"], ["<", "end_of_text", "|>"], ["А", "б"], ["\u0301"]]
    for source in sources:
        text = "".join(rng.choice(source) for _ in range(size // min(map(len, source))))
        yield text[:size]


def many_sentences(bench, rng):
    """All of WordNet, names in every language, and what there is of each odd kind."""
    texts = ["", " ", "\n", "\t \u3000"] + corpora.glosses() + corpora.lemmas() + corpora.names(bench.tool) + list(emoji()) + list(controls())
    texts += [form.format(name) for name in html.entities.html5 for form in ("P&{0} <b>&{0}</b>", "{0} &{0} &amp;{0}")]
    return texts + list(long_texts(rng))


def main():
    bench = Bench(sys.argv[1], sys.argv[2])
    rng = random.Random(5)
    bench.compare("sentences", sentences())
    many = many_sentences(bench, rng)
    bench.compare("many sentences", many)
    bench.checks.check("at least 100,000 of them", len(many) >= 100000, f"{len(many)}")
    bench.compare_padded("padded to 5 and 77", sentences() + many[::50] + list(long_texts(rng)), (5, 77))
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
