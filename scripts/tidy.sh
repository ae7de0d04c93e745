#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# scripts/tidy.sh [FILE...]          clang-tidy over these .cpp files, or over all of framework/ and plugins/
# scripts/tidy.sh --changed BASE     over those that differ from the commit BASE; $DIME_TIDY_LIMIT bounds their number
# Reads build/release/compile_commands.json (or that of $DIME_BUILD), without what only gcc understands.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/sources.sh
build=${DIME_BUILD:-build/release}

if [[ ! -f "$build/compile_commands.json" ]]; then
  echo "no $build/compile_commands.json: configure first (cmake --preset release)" >&2
  exit 1
fi

all_files() { list_sources . | grep -E '^(framework|plugins)/.*\.cpp$'; }

files=()
if [[ "${1:-}" == "--changed" ]]; then
  base=${2:?"--changed takes a commit"}
  changed=$({ git diff --name-only "$base"; git ls-files -o --exclude-standard; } | LC_ALL=C sort -u)
  mapfile -t files < <(comm -12 <(all_files) <(printf '%s\n' "$changed"))
elif [[ $# -gt 0 ]]; then
  files=("$@")
else
  mapfile -t files < <(all_files)
fi
if [[ ${#files[@]} -eq 0 ]]; then
  echo "clang-tidy: no file to look at"
  exit 0
fi

if [[ -n "${DIME_TIDY_LIMIT:-}" && ${#files[@]} -gt $DIME_TIDY_LIMIT ]]; then
  echo "clang-tidy: ${#files[@]} files changed, looking at the first $DIME_TIDY_LIMIT (DIME_TIDY_LIMIT)"
  files=("${files[@]:0:$DIME_TIDY_LIMIT}")
fi

database=$(mktemp -d)
trap 'rm -rf "$database"' EXIT
# The precompiled header is gcc's; clang reads the plain header in its place. OpenMP's headers may be missing for clang.
sed -E -e 's/ -fpch-preprocess//g; s/ -Winvalid-pch//g; s/ -fopenmp//g' \
       -e 's/ -include [^ ]*cmake_pch\.hxx//g' \
       -e 's/("command": ")[^"]*ccache /\1/' "$build/compile_commands.json" > "$database/compile_commands.json"

printf '%s\n' "${files[@]}" |
  xargs -d '\n' -n 1 -P "${DIME_JOBS:-$(nproc)}" clang-tidy -p "$database" --quiet --warnings-as-errors='*' --extra-arg=-Wno-unknown-warning-option
echo "clang-tidy: ${#files[@]} files are clean"
