#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# format_test.sh ROOT: clang-format would change nothing. Status 77 (skipped) where clang-format is not installed.
set -euo pipefail
if ! command -v clang-format >/dev/null; then
  echo "skipped: clang-format is not installed"
  exit 77
fi
exec "$1/scripts/format.sh" --check
