#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# files_test.sh ROOT: every source names its licence at the top and has at most 600 lines; the framework names no plugin.
set -euo pipefail
root=$1
source "$(dirname "$0")/../../scripts/sources.sh"
mapfile -t sources < <(list_sources "$root" | grep -E '(\.(cpp|hpp|cu|cuh|h|cmake|sh|py)|\.(hpp|cmake)\.in|CMakeLists\.txt)$' || true)
if [[ ${#sources[@]} -eq 0 ]]; then
  echo "no source under $root"
  exit 1
fi
failed=0
complain() {
  echo "$1"
  failed=1
}

cd "$root"
for file in "${sources[@]}"; do
  # A script's first line is its interpreter.
  head -n 2 "$file" | grep -q 'SPDX-License-Identifier: Apache-2\.0' || complain "$file:1: no SPDX line"
  lines=$(wc -l < "$file")
  ((lines <= 600)) || complain "$file: $lines lines; 600 is the most"
done

# A plugin's own folder tells its kind and name. `type: NAME` of an experiment reaches the framework as data only.
while IFS=/ read -r _ kinds plugin; do
  name=${plugin%.cpp}
  kind=${kinds%s}
  [[ $kinds == losses ]] && kind=loss
  while IFS= read -r hit; do
    complain "$hit: the framework names the plugin $kind \"$name\""
  done < <(grep -rnE --include='*.?pp' --include='*.cu' --include=CMakeLists.txt \
             -e "(type|name)( ==|\(\) ==) \"$name\"|\(\"$kind\", \"$name\"\)|\b${kind}_$name\b|plugins/$kinds/$name" \
             framework 2>/dev/null | cut -d: -f1,2 | LC_ALL=C sort)
done < <(printf '%s\n' "${sources[@]}" | grep -E '^plugins/[^/]+/[^/]+\.cpp$' || true)

((failed == 0)) && echo "${#sources[@]} sources are in order"
exit "$failed"
