#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds dime, makes the Python environment, and compares the score losses with eager PyTorch.
#   benchmarks/loss/run.sh [ARGUMENT...]   (of run.py, see its --help)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. scripts/environment.sh
scripts/build.sh release dime_program dime_plugins >&2
scripts/peers.sh >&2
exec "$DIME_CACHE_DIR/peers-venv/bin/python" benchmarks/loss/run.py build/release/bin/dime "$@"
