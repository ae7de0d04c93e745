#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Formats every C++ source in place; with --check it changes nothing and fails where something would change.
set -euo pipefail
cd "$(dirname "$0")/.."
mode=(-i)
[[ "${1:-}" == "--check" ]] && mode=(--dry-run -Werror)
source scripts/sources.sh
list_sources . | grep -E '\.(cpp|hpp|cu|cuh)$' | xargs -r -d '\n' clang-format "${mode[@]}"
