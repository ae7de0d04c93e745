#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# third_party_test.sh SOURCE BUILD CXX [SANITIZERS]: installs a built tree to a temporary folder, moves it, builds a loss against it in
# a project of its own, and trains with that loss.
set -euo pipefail
source_dir=$1 build_dir=$2 cxx=$3 sanitizers=${4:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
umask 002  # many systems' own: no plugin folder may come out writable by the group

fail() {
  echo "FAIL: $1"
  exit 1
}

quietly() {  # quietly WHAT COMMAND...: shows the command's output only when it fails
  local what=$1
  shift
  "$@" > "$work/output.txt" 2>&1 || {
    cat "$work/output.txt"
    fail "$what"
  }
}

quietly "cmake --install" cmake --install "$build_dir" --prefix "$work/first"
mv "$work/first" "$work/dime"
for file in bin/dime lib/libdime.so include/dime/loss.hpp include/dime/build.hpp lib/cmake/dime/dimeConfig.cmake \
            lib/cmake/dime/dimeConfigVersion.cmake lib/cmake/dime/dimeTargets.cmake bin/plugins/losses/vl.so; do
  [[ -e "$work/dime/$file" ]] || fail "the installed tree lacks $file"
done
writable=$(find "$work/dime" -type d -perm /022)
[[ -z "$writable" ]] || fail "the installed tree has folders that others may write: $writable"
[[ -z "$(find "$work/dime/include" -type f ! -path '*/include/dime/*')" ]] || fail "include/ holds more than the SDK"
if grep -rqF "$source_dir" "$work/dime/lib/cmake"; then fail "the package names the source tree"; fi

mkdir "$work/project"
cp "$source_dir/tests/install/paired_score_kl.cpp" "$work/project/"
cat > "$work/project/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.25)
project(paired LANGUAGES CXX)
find_package(dime 0.1 REQUIRED)
dime_add_plugin(loss paired_score_kl)
END
configure=(cmake -G Ninja -S "$work/project" -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_COMPILER="$cxx"
           -DCMAKE_PREFIX_PATH="$work/dime")
# The stamp holds the sanitizer: the plugin must have the program's.
[[ -z "$sanitizers" ]] || configure+=(-DCMAKE_CXX_FLAGS="-fsanitize=$sanitizers -fno-omit-frame-pointer")

if "${configure[@]}" -B "$work/wrong" -DDIME_TORCH_DIR=/nowhere > "$work/output.txt" 2>&1; then
  fail "a LibTorch that is not there was taken"
fi
tr -s ' \n' ' ' < "$work/output.txt" | grep -qF "no LibTorch at DIME_TORCH_DIR='/nowhere'; point it at a folder that holds" ||
  { cat "$work/output.txt"; fail "the message about LibTorch"; }

quietly "configuring the plugin" "${configure[@]}" -B "$work/built"
quietly "building the plugin" cmake --build "$work/built"
plugin=$work/built/plugins/losses/paired_score_kl.so
[[ -e "$plugin" ]] || fail "no $plugin"
grep -aq 'dime-abi=' "$plugin" || fail "the plugin has no stamp"

data=$source_dir/tests/golden/trajectory_vit
cat > "$work/project/small.yaml" <<END
schema: 1
name: third_party
seed: 1
device: cpu
plugins: [$work/built/plugins]
models:
  student:
    type: clip
    embed_dim: 48
    image: {image_size: 32, patch_size: 16, width: 64, layers: 1, heads: 1, activation: quick_gelu}
data:
  images:
    source: {type: tsv_images, list: $data/image.list}
    features: {type: tsv_features, list: $data/image-feat.list}
    transform: [{type: normalize, preset: clip}]
    batch_size: 32
  texts:
    features: {type: tsv_features, list: $data/text-feat.list}
    batch_size: 32
losses:
  paired: {type: paired_score_kl, weight: 1, temperature: 2}
train:
  steps: 3
  log_every: 1
  optimizer: {type: adamw, lr: 1.0e-3}
END
quietly "training with the plugin" env -C "$work" "$work/dime/bin/dime" train "$work/project/small.yaml" --run-dir "$work/run"
[[ $(wc -l < "$work/run/metrics.jsonl") -eq 3 ]] || fail "metrics.jsonl does not have 3 lines"
grep -q '"losses":{"paired":' "$work/run/metrics.jsonl" || fail "metrics.jsonl does not name the loss"
echo "PASS: a loss built against the installed package trains"
