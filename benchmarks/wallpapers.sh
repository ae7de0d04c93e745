#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Photographs to benchmark with: the wallpapers of three Debian packages, unpacked into the cache folder (170 MB), not installed.
#   benchmarks/wallpapers.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/environment.sh
packages=(plasma-workspace-wallpapers mate-backgrounds gnome-backgrounds)
folder="$DIME_CACHE_DIR/wallpapers"
if [ -d "$folder" ]; then echo "wallpapers: $folder is there"; exit 0; fi
mkdir -p "$DIME_CACHE_DIR"
part=$(mktemp -d "$folder.XXXXXX")
trap 'rm -rf "$part"' EXIT
mkdir "$part/debs" "$part/unpacked"
echo "wallpapers: unpacking ${packages[*]} into $folder"
if ! (cd "$part/debs" && apt-get download -qq -o APT::Sandbox::User="" "${packages[@]}"); then
  echo "wallpapers: apt-get cannot download ${packages[*]}; \`apt-get update\` as root brings its lists up to date" >&2
  exit 1
fi
for deb in "$part"/debs/*.deb; do dpkg -x "$deb" "$part/unpacked"; done
mv -T "$part/unpacked" "$folder"
