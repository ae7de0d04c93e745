#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# run_peer.sh SCRIPT.py [ARGUMENT...]: runs a parity test with the Python of $DIME_PEERS, or says why it is skipped (77).
set -euo pipefail
if [ -z "${DIME_PEERS:-}" ]; then
  echo "skipped: DIME_PEERS is not set; scripts/test.sh --peers makes the Python environment and runs this test"
  exit 77
fi
if [ ! -x "$DIME_PEERS/bin/python" ]; then
  echo "there is no $DIME_PEERS/bin/python: scripts/peers.sh makes it" >&2
  exit 1
fi
# The environment has its own LibTorch.
unset LD_LIBRARY_PATH
exec "$DIME_PEERS/bin/python" "$@"
