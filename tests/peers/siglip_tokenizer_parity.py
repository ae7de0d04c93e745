#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares SigLIP's tokenizer with that of transformers, by a unigram model that is trained here.

Of splittings with the same score, sentencepiece 0.1.97 to 0.2.1 take the same; 0.2.3 does not.

Use: siglip_tokenizer_parity.py BUILD/tests/io_tool   (in a venv with transformers and sentencepiece)
"""
import glob
import io
import os
import random
import sys
import tempfile
import unicodedata
import warnings

import sentencepiece
from transformers import SiglipTokenizer

import corpora
from io_tool import Checks, Tool

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "golden"))
from sentences import sentences  # noqa: E402

WORDS = ("Le café naïve À Noël", "Straße GRÖSSE Äpfel", "ΟΔΥΣΣΕΥΣ λόγος Σ", "Привет МИР", "日本語の写真", "한국어 사진", "İstanbul IĞDIR ı",
         "ǅ Ǆ ﬁﬂ", "ＦＵＬＬ　ｗｉｄｔｈ", "½ ² Ⅷ", "😀👍🏽🇩🇪❤️\u200d👩", "don't e-mail snake_case", "... -- !?", "#tag @me 50%", "</s>", "<unk>",
         "</S>", "<pad>", "<s>", "＜／ｓ＞", "\u2581", "a\u2581b", "x\x00y", "\x01\x1b[0m", "e\u0301", "\u00a0\u2003\u3000", "\t\r\n\x0b\x1c\x85",
         "\ufeff\u200b\u00ad", "\ufffd")


def corpus():
    """The manual and the program's own texts, and some of other languages."""
    lines = []
    for pattern in ("docs/**/*.md", "framework/**/*.hpp"):
        for path in sorted(glob.glob(os.path.join(HERE, "..", "..", pattern), recursive=True)):
            with open(path, encoding="utf-8") as file:
                lines += [line.strip() for line in file if line.strip()]
    return lines + [word.lower() for word in WORDS[:13] for _ in range(20)]


def train(path, **options):
    model = io.BytesIO()
    settings = {"model_type": "unigram", "vocab_size": 2000, "pad_id": 0, "eos_id": 1, "unk_id": 2, "bos_id": -1}
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(corpus()), model_writer=model, minloglevel=2, **{**settings, **options})
    with open(path, "wb") as file:
        file.write(model.getvalue())


def random_texts(rng, count):
    alphabets = list(WORDS) + ["abcdefghij ABC", "0123456789.,-", "etaoin shrdlu", "ETAOIN  SHRDLU", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ ab"]
    for _ in range(count):
        mixed = [c for _ in range(rng.randint(1, 3)) for c in rng.choice(alphabets)]
        yield "".join(rng.choice(mixed) for _ in range(rng.randint(0, 60)))


def joined_texts(rng, count, lines):
    """Words and marks of tokens in a row, with and without spaces between; now and then a long text."""
    for i in range(count):
        parts = [rng.choice(WORDS if rng.random() < 0.4 else lines) for _ in range(rng.randint(2, 400 if i % 100 == 0 else 6))]
        text = rng.choice(["", " ", "  ", "\n"]).join(parts)
        yield rng.choice([str, str.upper, str.title])(text)


def characters():
    """Every assigned character between letters."""
    for code in range(0x110000):
        if unicodedata.category(chr(code)) not in ("Cn", "Cs", "Co"):
            yield f"x{chr(code)}Y {chr(code)}"


class Bench:
    def __init__(self, program, folder, checks):
        self.tool = Tool(program, os.path.join(folder, "spiece.model"))
        self.theirs = SiglipTokenizer(os.path.join(folder, "spiece.model"))
        self.checks = checks

    def compare(self, name, texts, contexts):
        """The same tokens, padded and cut to each context."""
        wrong = []
        for context in contexts:
            theirs = self.theirs(texts, max_length=context, padding="max_length", truncation=True)["input_ids"]
            wrong += [t for t, row in zip(texts, theirs) if self.tool.ask(op="padded", text=t, context=context).get("tokens") != row]
        detail = f"{len(texts)} texts, contexts {contexts}" + (f"; {len(wrong)} wrong, first {wrong[0][:80]!a}" if wrong else "")
        self.checks.check(name, not wrong, detail)

    def compare_whole(self, name, texts):
        wrong = [t for t in texts if self.tool.ask(op="tokens", text=t).get("tokens") !=
                 self.theirs.convert_tokens_to_ids(self.theirs.tokenize(t))]
        self.checks.check(name, not wrong, f"{len(texts)} texts" + (f"; {len(wrong)} wrong, first {wrong[0][:80]!a}" if wrong else ""))


def main():
    warnings.filterwarnings("ignore", message="This sequence already has")
    rng, checks = random.Random(5), Checks()
    lines = [line for line in corpora.glosses() if line][:2000]
    with tempfile.TemporaryDirectory() as folder:
        train(os.path.join(folder, "spiece.model"))
        bench = Bench(sys.argv[1], folder, checks)
        bench.compare("sentences", sentences() + list(WORDS) + [""], (1, 2, 16, 64))
        bench.compare("glosses of WordNet", lines, (64,))
        bench.compare("words in a row", list(joined_texts(rng, 3000, lines)), (16, 64))
        bench.compare("random texts", list(random_texts(rng, 3000)), (64,))
        bench.compare_whole("every character", list(characters()))
        bench.compare_whole("texts of 100,000 characters", [(w * (100000 // len(w) + 1))[:100000] for w in WORDS[:14] + tuple(lines[:5])])
    for name, options in {"bytes for unknown characters": {"byte_fallback": True, "vocab_size": 2200},
                          "spaces kept": {"remove_extra_whitespaces": False},
                          "no normalisation": {"normalization_rule_name": "identity"},
                          "spaces behind words": {"treat_whitespace_as_suffix": True},
                          "no space before a text": {"add_dummy_prefix": False},
                          "pieces over spaces": {"split_by_whitespace": False, "vocab_size": 3000},
                          "few characters": {"character_coverage": 0.98, "vocab_size": 300},
                          "case folded": {"normalization_rule_name": "nmt_nfkc_cf", "user_defined_symbols": ["photo", "<cls>"]}}.items():
        with tempfile.TemporaryDirectory() as folder:
            train(os.path.join(folder, "spiece.model"), **options)
            bench = Bench(sys.argv[1], folder, checks)
            bench.compare_whole(f"a model with {name}", list(WORDS) + list(joined_texts(rng, 500, lines)) + list(random_texts(rng, 500)))
    checks.leave()


main()
