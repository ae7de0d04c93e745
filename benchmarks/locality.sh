#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds dime and reads a shard of a cold disk in order, in blocks and at random (5 minutes after the build).
#   benchmarks/locality.sh [ARGUMENT...]   (of locality.py, see its --help)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/environment.sh
scripts/build.sh release dime_program dataset_tsv_features >&2
exec python3 benchmarks/locality.py "$@"
