#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Reads stored vectors (512 float32 each, base64, random order) through a stream on one thread: GB/s of base64 payload, the median of
# five runs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
scripts/build.sh release dime_program dime_plugins >&2
folder=runs/feature_rows
mkdir -p $folder
[[ -s $folder/vectors.tsv ]] || python3 - $folder/vectors.tsv <<'END'
import array, base64, random, sys

random.seed(0)
vectors = [base64.b64encode(array.array("f", (random.gauss(0, 1) for _ in range(512)))) for _ in range(512)]
with open(sys.argv[1], "wb") as tsv:
    for row in range(100_000):
        tsv.write(b"%d\t%s\n" % (row, vectors[row * 7 % 512]))
END
for _ in 1 2 3 4 5; do
  build/release/bin/dime bench loader benchmarks/feature_rows.yaml --stream texts --threads 1 --batches 400 --json
done | python3 -c '
import json, statistics, sys

rows = [json.loads(line) for line in sys.stdin.read().replace("}\n{", "}\x00{").split("\x00")]
rate = statistics.median(r["rows_per_second"] for r in rows)
print(f"{rate:,.0f} rows/s, {rate * 2732 / 1e9:.2f} GB/s of base64")'
