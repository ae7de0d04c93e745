#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Loads 1.7 GB of weights, as safetensors and, where the Python environment is, as torch.save writes them; three times each,
# from the page cache.   benchmarks/load_weights.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/environment.sh
scripts/build.sh release benchmark_load_weights >&2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tool=build/release/benchmarks/benchmark_load_weights
$tool write "$work/weights.safetensors" 1.7
files=("$work/weights.safetensors")
if [ -x "$DIME_CACHE_DIR/peers-venv/bin/python" ]; then
  "$DIME_CACHE_DIR/peers-venv/bin/python" -c "
import sys, torch
from safetensors.torch import load_file
torch.save(load_file(sys.argv[1]), sys.argv[2])" "$work/weights.safetensors" "$work/weights.pt"
  files+=("$work/weights.pt")
fi
for round in 1 2 3; do $tool read "${files[@]}"; done | sed "s|$work/||"
