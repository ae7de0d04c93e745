#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The house tests find what they are for: each rule is broken once in a small tree, and the whole output compared.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
failed=0

put() {  # put FILE TEXT
  mkdir -p "$tree/$(dirname "$1")"
  printf '// SPDX-License-Identifier: Apache-2.0\n%b' "$2" > "$tree/$1"
}

expect() {  # expect TEST STATUS OUTPUT
  local status=0 output
  output=$("$here/$1" "$tree" 2>&1) || status=$?
  if [[ $status -ne $2 || "$output" != "$3" ]]; then
    printf '%s: expected status %s and\n%s\ngot status %s and\n%s\n' "$1" "$2" "$3" "$status" "$output"
    failed=1
  fi
  rm -rf "${tree:?}"/*
}

put framework/include/dime/loss.hpp '#include <torch/nn.h>\n'
put framework/io/a.cpp '#include "io/a.hpp"\n#include <vector>\n'
put framework/train/a.cpp '#include "report/a.hpp"\n#include <dime/loss.hpp>\n'
put plugins/losses/vl.cpp '#include <dime/loss.hpp>\n#include "shared.hpp"\n#include "vl/own.hpp"\n'
put plugins/losses/vl/own.hpp '#include "../shared.hpp"\n'
expect includes_test.sh 0 '9 includes are in order'

put framework/include/dime/loss.hpp '#include <torch/nn.h>\n'
put framework/include/dime/outer.hpp '#include <dime/loss.hpp>\n#include "io/a.hpp"\n'
put framework/io/a.cpp '#include "data/a.hpp"\n#include <dime/outer.hpp>\n#include <ATen/ATen.h>\n#include "a.hpp"\n'
put framework/data/a.cpp '#include "plugin/a.hpp"\n'
put framework/plugin/a.cpp '#include "data/a.hpp"\n'
put framework/misc/a.cpp '#include <vector>\n'
put plugins/losses/vl.cpp '#include "../models/clip.hpp"\n#include "pvl/own.hpp"\n#include <io/a.hpp>\n'
expect includes_test.sh 1 'framework/include/dime/outer.hpp:3: the SDK may include only <dime/...>, the standard library and torch, not "io/a.hpp"
framework/io/a.cpp:2: io/ may not know data/
framework/io/a.cpp:3: io/ is free of torch, but dime/outer.hpp brings it along
framework/io/a.cpp:4: io/ is free of torch, but ATen/ATen.h brings it along
framework/io/a.cpp:5: write "a.hpp" as "FOLDER/FILE" from framework/
framework/misc/a.cpp:2: folder framework/misc has no place in the order of folders
plugins/losses/vl.cpp:2: a plugin may include only <dime/...> and its own headers, not "../models/clip.hpp"
plugins/losses/vl.cpp:3: a plugin may include only <dime/...> and its own headers, not "pvl/own.hpp"
plugins/losses/vl.cpp:4: a plugin may include only <dime/...>, not <io/a.hpp>
framework/data/a.cpp:2: data/ and plugin/ include each other (framework/plugin/a.cpp:2)'

expect includes_test.sh 1 "no source under $tree"

put framework/io/a.cpp 'int a;\n'
put plugins/losses/vl.cpp 'int b;\n'
put plugins/losses/CMakeLists.txt 'dime_add_plugin(loss vl)\n'
expect files_test.sh 0 '3 sources are in order'

put framework/io/a.cpp 'bool f() { return type == "vl"; }\n'
put framework/io/CMakeLists.txt 'target_link_libraries(dime_io loss_vl)\n'
put plugins/losses/vl.cpp "$(printf '\\n%.0s' {1..600})"
mkdir -p "$tree/scripts" && printf '#!/bin/sh\n\n# SPDX-License-Identifier: Apache-2.0\n' > "$tree/scripts/a.sh"
expect files_test.sh 1 'plugins/losses/vl.cpp: 601 lines; 600 is the most
scripts/a.sh:1: no SPDX line
framework/io/CMakeLists.txt:2: the framework names the plugin loss "vl"
framework/io/a.cpp:2: the framework names the plugin loss "vl"'

expect files_test.sh 1 "no source under $tree"

((failed == 0)) && echo "the house tests find what they are for"
exit "$failed"
