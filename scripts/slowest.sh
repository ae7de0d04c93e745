#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The ten files that took longest in the last build of a folder.   scripts/slowest.sh [build/release]
set -euo pipefail
log=${1:-build/release}/.ninja_log
[ -f "$log" ] || { echo "slowest: no $log" >&2; exit 1; }
echo "slowest files (seconds):"
awk -F '\t' 'NR > 1 { took[$4] = ($2 - $1) / 1000 } END { for (f in took) if (f ~ /\.(o|gch)$/) printf "%8.1f  %s\n", took[f], f }' "$log" |
  sort -rn | awk 'NR <= 10' | sed -E 's#CMakeFiles/[^/]*\.dir/##'
