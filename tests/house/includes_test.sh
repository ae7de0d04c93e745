#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# includes_test.sh ROOT: reads the #include lines and checks who may know whom:
#   plugins -> dime/ ; cli -> train, eval, report -> data, ops, comm, cuda, plugin -> config, io -> dime/
# Folders of one level may know each other one way only. io, config and report are free of torch.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/../../scripts/sources.sh"
cd "$1"
mapfile -t sources < <(list_sources . | grep -E '^(framework|plugins)/.*\.(cpp|hpp|cu|cuh)$' || true)
if [[ ${#sources[@]} -eq 0 ]]; then
  echo "no source under $1"
  exit 1
fi
grep -HnE '^ *# *include *[<"]' "${sources[@]}" | awk -f "$here/includes.awk"
