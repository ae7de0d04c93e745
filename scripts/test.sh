#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Sets up, builds and runs every test.
#   scripts/test.sh [--peers] [CTEST ARGUMENT...]
# --peers also makes a Python environment with open_clip, torchvision and others in the cache, and runs the parity tests
# against them; without it they are skipped.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
peers=""
if [ "${1:-}" = --peers ]; then peers=1; shift; fi
scripts/build.sh release
if [ -n "$peers" ]; then
  scripts/peers.sh
  . scripts/environment.sh
  export DIME_PEERS="$DIME_CACHE_DIR/peers-venv"
else
  echo "test: without --peers the parity tests against Python are skipped"
fi
ctest --test-dir build/release --output-on-failure --parallel 2 "$@"
