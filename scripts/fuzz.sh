#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the fuzzers with clang-16 (Debian: clang-16 libclang-rt-16-dev) and runs each; a finding stops with its file's name.
# Use: scripts/fuzz.sh [SECONDS for each target, default 60] [TARGET...]
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/environment.sh
seconds=${1:-60}
[ $# -gt 0 ] && shift
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(image base64 csv tsv text_row safetensors tokenizer tar npy weights pickle shard_index spiece)
command -v clang++-16 >/dev/null || { echo "clang++-16 is missing: apt-get install clang-16 libclang-rt-16-dev" >&2; exit 1; }
scripts/assets.sh "$DIME_ASSETS_DIR"

build=build/fuzz
cmake -S . -B "$build" -G Ninja -DCMAKE_CXX_COMPILER=clang++-16 -DCMAKE_BUILD_TYPE=RelWithDebInfo -DDIME_FUZZ=ON \
      -DDIME_TESTS=OFF >"$build.log" 2>&1 || { tail -20 "$build.log" >&2; exit 1; }
cmake --build "$build" --target "${targets[@]/#/fuzz_}"

# The first inputs: what the tests use. New ones that reach further are kept beside them.
seed() {
  mkdir -p "$build/corpus/$1"
  case $1 in
    image) cp tests/golden/images/*.{jpg,png,webp,bmp,gif} "$build/corpus/image/" ;;
    safetensors) head -c 4000 tests/golden/losses.safetensors >"$build/corpus/safetensors/head"
                 printf '\x3a\0\0\0\0\0\0\0{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}    \0\0\0\0' >"$build/corpus/safetensors/small" ;;
    tsv) printf 'a\tb\nc\td\n\0000\n4\n' >"$build/corpus/tsv/indexed"
         printf 'key\tcGF5bG9hZA==\textra\n\n' >"$build/corpus/tsv/plain" ;;
    csv) printf '\006a,b\r\n"1, ""2""\n",3\n\n4,5' >"$build/corpus/csv/comma"
         printf '\003\357\273\277a\tb\n"1\n"\t' >"$build/corpus/csv/tab" ;;
    tar) for format in gnu pax ustar; do
           tar -b1 --format="$format" -cf "$build/corpus/tar/$format" .clang-format
           tar -b1 --format="$format" --transform="s,^,$(printf 'd%.0s' {1..110})/," -cf "$build/corpus/tar/long_$format" .clang-format
         done ;;
    npy) printf "\x93NUMPY\1\0\x3a\0{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }\n\0\0\x80\x3f" >"$build/corpus/npy/float32"
         printf "\x93NUMPY\2\0\x3c\0\0\0{'descr': '<f2', 'fortran_order': False, 'shape': (1, 1), }\n\0\x3c" >"$build/corpus/npy/float16" ;;
    weights|pickle|shard_index) python3 scripts/weights_seeds.py "$1" "$build/corpus/$1" ;;
    spiece) python3 scripts/spiece_seeds.py "$build/corpus/spiece" ;;
    base64) printf 'cGF5bG9hZA==' >"$build/corpus/base64/padded" ;;
    text_row|tokenizer)
      python3 - "$build/corpus/$1" <<'PY'
import json, sys
sys.path.insert(0, "tests/golden")
sys.dont_write_bytecode = True
from sentences import mojibake, sentences
for i, text in enumerate(sentences()[:120] + mojibake()):
    with open(f"{sys.argv[1]}/{i}", "wb") as file:
        file.write(text.encode("utf-8", "replace"))
rows = ['{"captions": ["a", "b"]}', '{"caption": "a", "tags": ["b"]}', '["a"]', '"a"',
        '{"task": "classification", "class_name": "hot, dog+bun"}']
for i, text in enumerate(rows):
    with open(f"{sys.argv[1]}/row{i}", "wb") as file:
        file.write(text.encode())
PY
      ;;
  esac
}

for target in "${targets[@]}"; do
  seed "$target"
  mkdir -p "$build/findings"
  echo "fuzz $target, $seconds s"
  if ! "$build/fuzz/fuzz_$target" -max_total_time="$seconds" -max_len=4096 -rss_limit_mb=4096 -timeout=25 \
       -artifact_prefix="$build/findings/$target-" "$build/corpus/$target" >"$build/$target.log" 2>&1; then
    grep -m3 "ERROR\|SUMMARY\|Test unit" "$build/$target.log" >&2 || tail -5 "$build/$target.log" >&2
    echo "FAIL $target: see $build/$target.log" >&2
    exit 1
  fi
  echo "PASS $target: $(grep -o 'Done [0-9]* runs' "$build/$target.log" || true)"
done
