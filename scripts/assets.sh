#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes OUT_DIR/clip: CLIP's vocabulary, its 80 prompt templates and the names of ImageNet's classes, from open_clip's wheel;
# ftfy's pattern of mojibake, from its wheel.
# Needs python3 with pip (or venv); downloads once, to DIME_CACHE_DIR (default: ${XDG_CACHE_HOME:-~/.cache}/dime).
# Use: scripts/assets.sh OUT_DIR
set -euo pipefail

version=3.3.0
ftfy_version=6.3.1
[ $# -eq 1 ] && [ "${1#-}" = "$1" ] || { echo "use: scripts/assets.sh OUT_DIR" >&2; exit 2; }
out=$1/clip
cache=${DIME_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/dime}
here=$(cd "$(dirname "$0")" && pwd)
trap 'rm -rf "${part:-}"' EXIT

# The wheel of a package into a folder of its own, once.
fetch() {
  local package=$1 version=$2 folder=$cache/$1-$2 pip=(python3 -m pip)
  mkdir -p "$folder"
  if ls "$folder"/*.whl >/dev/null 2>&1; then return; fi
  echo "fetching $package $version"
  if ! "${pip[@]}" --version >/dev/null 2>&1; then
    [ -x "$folder/venv/bin/pip" ] || python3 -m venv "$folder/venv"
    pip=("$folder/venv/bin/pip")
  fi
  part=$(mktemp -d "$folder/part.XXXXXX")
  "${pip[@]}" download --quiet --disable-pip-version-check --no-deps --only-binary :all: --dest "$part" "$package==$version"
  mv "$part"/*.whl "$folder/"
  rmdir "$part"
}

if python3 "$here/assets.py" --check "$out" "$version"; then exit 0; fi
fetch open_clip_torch "$version"
fetch ftfy "$ftfy_version"
python3 "$here/assets.py" "$cache/open_clip_torch-$version"/*.whl "$cache/ftfy-$ftfy_version"/*.whl "$out" "$version"
