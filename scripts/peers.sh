#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes the Python environment that the parity tests and benchmarks compare with, in the cache folder (5 GB). Python is never
# needed to run dime.
#   scripts/peers.sh [--benchmarks]
# --benchmarks adds what only benchmarks/ needs (DALI: 1 GB more; instant-clip-tokenizer).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/environment.sh
case "$*" in
  "" | --benchmarks) ;;
  *) echo "usage: scripts/peers.sh [--benchmarks]" >&2; exit 2 ;;
esac
venv="$DIME_CACHE_DIR/peers-venv"
tests="torch==$DIME_TORCH_VERSION torchvision==0.26.0 open_clip_torch==3.3.0 ftfy==6.3.1 regex==2026.11.15 timm==1.0.31 transformers==5.24.0
  pillow==13.0.0 numpy==2.4.6 sentencepiece==0.2.1 protobuf==7.36.2 safetensors tensorboard"
benchmarks="nvidia-dali-cuda130==2.4.0 instant-clip-tokenizer==0.1.1"

install() {  # install STAMP PACKAGES
  local stamp="$venv/$1" wanted=$2
  if [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then echo "peers: $venv is there ($1)"; return; fi
  mkdir -p "$DIME_CACHE_DIR"
  exec 9>"$DIME_CACHE_DIR/.peers.lock"
  flock 9
  echo "peers: installing $(echo $wanted) into $venv"
  [ -x "$venv/bin/python" ] || python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check $wanted
  printf '%s' "$wanted" >"$stamp"
}

install .dime-peers "$tests"
if [ "${1:-}" = --benchmarks ]; then install .dime-benchmarks "$benchmarks"; fi
