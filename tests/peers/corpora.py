# SPDX-License-Identifier: Apache-2.0
"""Sentences at hand on any machine: WordNet (Debian's wordnet-base) and the names that ICU has in each language."""
import glob

WORDNET = "/usr/share/wordnet"


def wordnet_lines(name):
    """The lines of WordNet's files, without the licence that they begin with."""
    paths = sorted(glob.glob(f"{WORDNET}/{name}"))
    if not paths:
        raise SystemExit(f"there is no {WORDNET}/{name}: install wordnet-base")
    for path in paths:
        with open(path, encoding="utf-8") as file:
            yield from (line for line in file if not line.startswith("  "))


def glosses():
    """Definitions, with examples."""
    return [line.split(" | ", 1)[1].strip() for line in wordnet_lines("data.*")]


def lemmas():
    """Words and names, some of several words, each once."""
    words = (line.split(" ", 1)[0].replace("_", " ") for name in ("noun", "verb", "adj", "adv") for line in wordnet_lines(f"index.{name}"))
    return list(dict.fromkeys(words))


def names(tool, each=12):
    """The names of languages and countries in each language but English, `each` in a sentence; each sentence once.
    `tool` is an io_tool.Tool."""
    sentences = {}
    for locale in tool.ask(op="locales")["locales"]:
        if locale.split("_")[0] != "en":
            found = tool.ask(op="names", locale=locale)["names"]
            sentences.update(dict.fromkeys(" ".join(found[first:first + each]) for first in range(0, len(found), each)))
    return list(sentences)
