#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/golden/tokens.json: what open_clip's tokenizer makes of sentences.py.

Use: make_tokens.py VOCABULARY   (in a venv with open_clip_torch)
"""
import json
import os
import sys

from open_clip.tokenizer import SimpleTokenizer

from sentences import mojibake, sentences


def main():
    tokenizer = SimpleTokenizer(sys.argv[1])
    rows = [{"text": text, "tokens": tokenizer.encode(text)} for text in sentences() + mojibake()]
    padded = [{"text": text, "context": context, "tokens": tokenizer(text, context_length=context)[0].tolist()}
              for text in ("", "a photo of a cat", "ab " * 75, "ab " * 76) for context in (1, 2, 5, 77)]
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tokens.json")
    with open(path, "w", encoding="ascii") as file:
        for name, entries in (("encode", rows), ("padded", padded)):
            file.write(('{"' if name == "encode" else ',\n"') + name + '": [\n')
            file.write(",\n".join(json.dumps(entry, separators=(",", ":")) for entry in entries) + "]")
        file.write("}\n")


main()
