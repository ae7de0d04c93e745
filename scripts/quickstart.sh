#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# dime's main job on real images, from nothing: a teacher is trained on pairs, its vectors of other images and of sentences are
# stored, a student is distilled from these, and both are evaluated zero-shot. Five minutes on two cores, after the build.
#   scripts/quickstart.sh [--seed N] [--out FOLDER]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
seed=0
out=""
while [ $# -gt 0 ]; do
  case $1 in
    --seed) seed=$2; shift 2 ;;
    --out) out=$2; shift 2 ;;
    *) echo "usage: scripts/quickstart.sh [--seed N] [--out FOLDER]" >&2; exit 2 ;;
  esac
done
scripts/build.sh release dime_program dime_plugins
if [ -z "$out" ]; then
  out=runs/quickstart
  n=2
  while [ -e "$out" ]; do out=runs/quickstart-$n; n=$((n + 1)); done
fi
mkdir -p "$out"
started=$(date +%s)
dime=build/release/bin/dime
here=experiments/quickstart
say() { printf '\n== %s\n' "$*"; }

say "1/4 a teacher, from 30,000 images with captions ($here/teacher.yaml)"
$dime train $here/teacher.yaml seed="$seed" --run-dir "$out/teacher"
weights=$(ls -d "$out"/teacher/checkpoints/step_* | tail -n 1)/model.safetensors

say "2/4 its vectors of 30,000 other images and of sentences without images ($here/distil.yaml, extract)"
scripts/corpus.sh "$out/corpus.txt"
overrides=(seed="$seed" models.teacher.init="$weights" data.texts.source.file="$out/corpus.txt"
  data.images.features.list="$out/vectors/image-feat.list" data.texts.features.list="$out/vectors/text-feat.list"
  extract.image_vectors.to.stem="$out/vectors/image-feat" extract.text_vectors.to.stem="$out/vectors/text-feat")
$dime extract $here/distil.yaml "${overrides[@]}"

say "3/4 a student, from these two streams that share no pair ($here/distil.yaml)"
$dime train $here/distil.yaml "${overrides[@]}" --run-dir "$out/student"

say "4/4 both on the 10,000 test images, zero-shot"
$dime eval $here/distil.yaml test "${overrides[@]}" --weights "$out/student" | tee "$out/table.txt"
printf '\nrun folders: %s, %s; %d s after the build\n' "$out/teacher" "$out/student" "$(($(date +%s) - started))"
