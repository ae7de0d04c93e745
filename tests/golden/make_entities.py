#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes framework/io/tokenizer_entities.cpp: the named character references of HTML 5, from Python's own table.

Use: make_entities.py > framework/io/tokenizer_entities.cpp
"""
import html
import html.entities


def code(text):
    return "+".join(f"{ord(c):X}" for c in text)


def lines(entries, width=113):
    line = ""
    for entry in entries:
        if len(line) + len(entry) + 1 > width:
            yield line
            line = ""
        line += entry + " "
    if line:
        yield line


def literal(entries):
    return "\n".join(f'    "{line}"' for line in lines(entries))


def main():
    table = html.entities.html5
    named = [f"{name}={code(table[name])}" for name in sorted(table)]
    shouted = []
    for name in sorted(table):
        upper = "&" + name.upper()
        if name.endswith(";") and name == name.lower() and html.unescape(upper) == upper:
            shouted.append(f"{upper[1:]}={code(table[name].upper())}")
    print(f"""// SPDX-License-Identifier: Apache-2.0
// Written by tests/golden/make_entities.py; do not edit.
#include "io/tokenizer_html.hpp"

// clang-format off
namespace dime::detail {{

std::string_view html_entity_table() {{
  return
{literal(named)};
}}

std::string_view shouted_entity_table() {{
  return
{literal(shouted)};
}}

}}  // namespace dime::detail""")


main()
