#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Opens 1,000 shards of 100,000 rows (3 GB, in runs/) with few descriptors, without and with their side files: seconds of the whole
# program, which also reads three batches, and its peak memory.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
scripts/build.sh release dime_program dime_plugins >&2
folder=runs/many_shards
mkdir -p $folder
[[ -s $folder/all.list ]] || python3 - $folder <<'END'
import sys

folder, rows, shards = sys.argv[1], 100_000, 1_000
for shard in range(shards):
    lines = [b"%d\tAACAPw==\n" % (shard * rows + row) for row in range(rows)]
    offsets, at = [], 0
    for line in lines:
        offsets.append(at)
        at += len(line)
    with open(f"{folder}/{shard}.tsv", "wb") as tsv, open(f"{folder}/{shard}.lineidx", "w") as index:
        tsv.writelines(lines)
        index.write("\n".join(map(str, offsets)) + "\n")
with open(f"{folder}/all.list", "w") as listed:
    listed.writelines(f"{shard}.tsv\n" for shard in range(shards))
END
rm -f $folder/*.dimeidx
ulimit -n 1024
TIMEFORMAT="%R s"
for run in "without side files" "with side files" "with side files"; do
  printf "%s: " "$run"
  time build/release/bin/dime bench loader benchmarks/many_shards.yaml --stream texts --threads 2 --batches 1 --json |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["peak_memory_mib"], "MiB", end=", ", flush=True)'
done
