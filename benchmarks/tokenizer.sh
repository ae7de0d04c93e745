#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds what it needs and compares the tokenizers with instant-clip-tokenizer and sentencepiece, each on one thread, three
# rounds in turn of three repetitions each: medians and their ratio (3 minutes after the build).   benchmarks/tokenizer.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/environment.sh
scripts/build.sh release benchmark_tokenizer io_tool >&2
scripts/peers.sh --benchmarks >&2
vocabulary="$DIME_ASSETS_DIR/clip/bpe_simple_vocab_16e6.txt.gz"
peer=("$DIME_CACHE_DIR/peers-venv/bin/python" benchmarks/tokenizer_peer.py)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The threads that libraries start must not count for one side only.
export RAYON_NUM_THREADS=1 OMP_NUM_THREADS=1
"${peer[@]}" corpora "$work" build/release/tests/io_tool
"${peer[@]}" model "$work/glosses.txt" "$work/spiece.model"
measure() {  # measure CORPUS VOCABULARY PEER...
  local corpus=$1 vocabulary=$2
  shift 2
  for _ in 1 2 3; do
    build/release/benchmarks/benchmark_tokenizer "$vocabulary" "$work/$corpus.txt" | sed 's/^/dime /'
    "${peer[@]}" "$@" | sed 's/^/peer /'
  done >"$work/$corpus.out"
  echo "$corpus: $(wc -l <"$work/$corpus.txt") sentences, $(wc -c <"$work/$corpus.txt") bytes"
  "${peer[@]}" compare "$work/$corpus.out"
}
echo "CLIP's"
for corpus in glosses long world; do measure "$corpus" "$vocabulary" run "$work/$corpus.txt"; done
echo "SigLIP's"
for corpus in glosses long; do measure "$corpus" "$work/spiece.model" siglip "$work/$corpus.txt" "$work/spiece.model"; done
