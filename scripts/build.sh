#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Sets up, configures and builds one preset.   scripts/build.sh [release|debug|asan] [TARGET...]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
scripts/setup.sh
. scripts/environment.sh
preset=${1:-release}
shift || true
[ -f "build/$preset/build.ninja" ] || cmake --preset "$preset" >"/tmp/dime-configure-$$.log" 2>&1 || { cat "/tmp/dime-configure-$$.log"; exit 1; }
rm -f "/tmp/dime-configure-$$.log"
started=$(date +%s)
cmake --build --preset "$preset" ${1:+--target "$@"} -- --quiet
took=$(($(date +%s) - started))
echo "build: $preset is up to date after $took s"
[ "$took" -lt 60 ] || scripts/slowest.sh "build/$preset"
