#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds dime, makes the Python environment and the photographs, and compares the loader with its peers (10 minutes after that).
#   benchmarks/loader/run.sh [ARGUMENT...]   (of run.py, see its --help)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. scripts/environment.sh
scripts/build.sh release dime_program dime_plugins >&2
scripts/peers.sh --benchmarks >&2
benchmarks/wallpapers.sh >&2
exec "$DIME_CACHE_DIR/peers-venv/bin/python" benchmarks/loader/run.py "$@"
