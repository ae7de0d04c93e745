#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what a build needs and prints what it did; safe to run again (seconds).
#   scripts/setup.sh            Debian packages, LibTorch, tokenizer data
# Settings (environment):
#   DIME_CACHE_DIR   where LibTorch and downloaded data are kept, shared by checkouts (default ~/.cache/dime)
#   DIME_TORCH_DIR   your own LibTorch 2.11 (a folder with include/ and lib/); nothing is downloaded then
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/environment.sh

say() { printf 'setup: %s\n' "$*"; }

install_packages() {
  local missing=() p
  for p in "${DIME_PACKAGES[@]}"; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$p" 2>/dev/null)" = installed ] || missing+=("$p")
  done
  [ ${#missing[@]} -eq 0 ] && { say "all ${#DIME_PACKAGES[@]} Debian packages are there"; return; }
  local sudo=""
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || { say "these packages are missing and need root: ${missing[*]}" >&2; exit 1; }
    sudo=sudo
  fi
  say "installing ${#missing[@]} Debian packages: ${missing[*]}"
  $sudo env DEBIAN_FRONTEND=noninteractive apt-get update -qq
  $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# The wheel alone and two small libraries that libtorch_cpu.so is linked with are enough where there is no GPU.
install_torch() {
  local home
  home=$(dirname "$DIME_TORCH_DIR")
  if [ -e "$DIME_TORCH_DIR/lib/libtorch_cpu.so" ]; then say "LibTorch at $DIME_TORCH_DIR"; return; fi
  [ -z "${DIME_TORCH_DIR_GIVEN:-}" ] || { say "DIME_TORCH_DIR=$DIME_TORCH_DIR holds no lib/libtorch_cpu.so" >&2; exit 1; }
  mkdir -p "$DIME_CACHE_DIR"
  exec 9>"$DIME_CACHE_DIR/.torch.lock"
  flock 9
  if [ ! -e "$DIME_TORCH_DIR/lib/libtorch_cpu.so" ]; then
    say "downloading LibTorch $DIME_TORCH_VERSION from PyPI's torch wheel into $home"
    local tmp="$home.part" pip=(python3 -m pip install --quiet --only-binary=:all: --root-user-action ignore --disable-pip-version-check)
    rm -rf "$tmp"
    if dime_has_gpu; then
      "${pip[@]}" --target "$tmp" "torch==$DIME_TORCH_VERSION"
    else
      "${pip[@]}" --no-deps --target "$tmp" "torch==$DIME_TORCH_VERSION" \
        nvidia-cuda-runtime=="$DIME_CUDA_RUNTIME_VERSION" nvidia-cuda-cupti=="$DIME_CUDA_CUPTI_VERSION"
    fi
    mv "$tmp" "$home"
  fi
  flock -u 9
}

install_packages
install_torch
scripts/assets.sh "$DIME_ASSETS_DIR"
if command -v "${CUDACXX:-nvcc}" >/dev/null || [ -x /usr/local/cuda/bin/nvcc ]; then
  say "nvcc is here: the CUDA library is built too"
else
  say "no nvcc: the CUDA library is not built; training runs on the CPU"
fi
say "ready"
