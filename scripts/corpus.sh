#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Sentences that belong to no image, one a line: what WordNet says about things that people make.
#   scripts/corpus.sh OUT.txt
# WordNet (Debian's wordnet-base) writes a noun as: offset, file number (06 artifacts), type, number of words, words, …
# and after a bar its gloss.
set -euo pipefail
out=$1
mkdir -p "$(dirname "$out")"
awk -F ' [|] ' '
  $0 !~ /^ / && split($1, field, " ") > 5 && field[2] == "06" {
    word = field[5]; gsub(/_/, " ", word)
    gloss = $2; sub(/; ".*$/, "", gloss); sub(/ +$/, "", gloss)
    print "a photo of a " word "."
    print word ": " gloss
  }' /usr/share/wordnet/data.noun >"$out.part"
mv "$out.part" "$out"
echo "corpus: $(wc -l <"$out") sentences in $out"
