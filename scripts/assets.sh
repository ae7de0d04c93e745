#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes OUT_DIR/clip: CLIP's vocabulary, its 80 prompt templates and the names of ImageNet's classes, from open_clip's wheel.
# Needs python3 with pip (or venv); downloads once, to DIME_CACHE_DIR (default: ${XDG_CACHE_HOME:-~/.cache}/dime).
# Use: scripts/assets.sh OUT_DIR
set -euo pipefail

version=3.3.0
[ $# -eq 1 ] && [ "${1#-}" = "$1" ] || { echo "use: scripts/assets.sh OUT_DIR" >&2; exit 2; }
out=$1/clip
cache=${DIME_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/dime}/open_clip_torch-$version
here=$(cd "$(dirname "$0")" && pwd)

if python3 "$here/assets.py" --check "$out" "$version"; then exit 0; fi
mkdir -p "$cache"
if ! ls "$cache"/*.whl >/dev/null 2>&1; then
  echo "fetching open_clip_torch $version"
  pip=(python3 -m pip)
  if ! "${pip[@]}" --version >/dev/null 2>&1; then
    [ -x "$cache/venv/bin/pip" ] || python3 -m venv "$cache/venv"
    pip=("$cache/venv/bin/pip")
  fi
  part=$(mktemp -d "$cache/part.XXXXXX")
  trap 'rm -rf "$part"' EXIT
  "${pip[@]}" download --quiet --disable-pip-version-check --no-deps --only-binary :all: --dest "$part" "open_clip_torch==$version"
  mv "$part"/*.whl "$cache/"
fi
python3 "$here/assets.py" "$cache"/*.whl "$out" "$version"
