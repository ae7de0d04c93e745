#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds dime, makes the Python environment, and compares a student's step with eager PyTorch.
#   benchmarks/step/run.sh [ARGUMENT...]   (of run.py, see its --help)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. scripts/environment.sh
scripts/build.sh release dime_program dime_plugins >&2
scripts/peers.sh >&2
exec "$DIME_CACHE_DIR/peers-venv/bin/python" benchmarks/step/run.py build/release/bin/dime "$@"
