# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# list_sources ROOT: the files of a checkout, ignored ones left out, relative to ROOT; also of a tree without git.
list_sources() {
  if git -C "$1" rev-parse --show-toplevel >/dev/null 2>&1 && [[ -e "$1/.git" ]]; then
    # A file that is removed but not yet committed is still listed.
    (cd "$1" && git ls-files -co --exclude-standard | while IFS= read -r f; do [[ -f "$f" ]] && printf '%s\n' "$f"; done)
  else
    (cd "$1" && find . \( -name build -o -name runs -o -name .git -o -name .cache \) -prune -o -type f -print | sed 's|^\./||')
  fi | LC_ALL=C sort
}
