# SPDX-License-Identifier: Apache-2.0
# Sourced by the other scripts: versions that are pinned and places that are shared. Sets variables, does nothing.
DIME_TORCH_VERSION=2.11.0
DIME_CUDA_RUNTIME_VERSION=13.0.96
DIME_CUDA_CUPTI_VERSION=13.0.85
DIME_PACKAGES=(
  ca-certificates cmake g++ ninja-build ccache mold pkg-config python3 python3-pip python3-venv git
  libboost-dev libboost-filesystem-dev libyaml-cpp-dev libspdlog-dev libtbb-dev libcli11-dev nlohmann-json3-dev
  libjpeg-dev libpng-dev libwebp-dev libgif-dev zlib1g-dev libzip-dev libicu-dev libxxhash-dev libgtest-dev libgmock-dev clang-format clang-tidy
  dataset-fashion-mnist wordnet-base)
export DIME_CACHE_DIR="${DIME_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/dime}"
if [ -n "${DIME_TORCH_DIR:-}" ] && [ "$DIME_TORCH_DIR" != "$DIME_CACHE_DIR/libtorch-$DIME_TORCH_VERSION-slim/torch" ] &&
   [ "$DIME_TORCH_DIR" != "$DIME_CACHE_DIR/libtorch-$DIME_TORCH_VERSION-full/torch" ]; then
  DIME_TORCH_DIR_GIVEN=1
fi

dime_has_gpu() { command -v nvidia-smi >/dev/null && nvidia-smi -L >/dev/null 2>&1; }

if [ -z "${DIME_TORCH_DIR:-}" ]; then
  if dime_has_gpu; then DIME_TORCH_DIR="$DIME_CACHE_DIR/libtorch-$DIME_TORCH_VERSION-full/torch"
  else DIME_TORCH_DIR="$DIME_CACHE_DIR/libtorch-$DIME_TORCH_VERSION-slim/torch"; fi
fi
export DIME_TORCH_DIR
export DIME_ASSETS_DIR="${DIME_ASSETS_DIR:-$DIME_CACHE_DIR/assets}"
export CCACHE_SLOPPINESS=pch_defines,time_macros
