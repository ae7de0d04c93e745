#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tensorboard_parity.py WRITE_EVENTS: the `tensorboard` package reads what dime wrote.

WRITE_EVENTS is the program build/release/tests/write_events: a run of 300 steps, resumed at 200, then up to 250.
Prints one PASS or FAIL a check; status 1 if any failed.
"""
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from tensorboard.backend.event_processing import event_file_loader
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util import tensor_util

TAGS = ["total_loss", "vl_loss", "lr", "grad_norm", "loss_scale", "epoch", "texts_epoch", "images_per_second",
        "data_seconds", "step_seconds", "memory_mib"]


def check(name, passed, failures):
    print(("PASS" if passed else "FAIL"), name)
    if not passed:
        failures.append(name)


def check_first_file(path, failures):
    """Record by record: the loader verifies the checksums and parses the protocol buffers."""
    events = list(event_file_loader.EventFileLoader(str(path)).Load())
    check("the first record is the file's version", events[0].file_version == "brain.Event:2", failures)
    losses = {e.step: tensor_util.make_ndarray(e.summary.value[0].tensor).item()
              for e in events[1:] if e.summary.value[0].tag == "Train/total_loss"}
    expected = {step: float(np.float32(1.0 / step)) for step in range(1, 301)}
    check("300 losses come back to the last bit", losses == expected, failures)


def check_run(folder, failures):
    """Both files together, as TensorBoard's page would show them."""
    run = EventAccumulator(str(folder), size_guidance={"tensors": 0, "scalars": 0})
    run.Reload()
    tags = run.Tags()
    # Newer releases keep every scalar as a tensor, older ones as a scalar.
    points = run.Tensors if tags["tensors"] else run.Scalars
    names = tags["tensors"] or tags["scalars"]
    check("the tags are those of the manual", sorted(names) == sorted("Train/" + t for t in TAGS), failures)
    series = points("Train/total_loss")
    steps = [p.step for p in series]
    check("a resumed run replaces the steps it does again", steps == list(range(1, 251)), failures)
    last = series[-1]
    value = tensor_util.make_ndarray(last.tensor_proto).item() if hasattr(last, "tensor_proto") else last.value
    check("the last loss is the resumed run's", value == float(np.float32(3.0 / 250)), failures)


def main():
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    failures = []
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.argv[1], folder], check=True)
        files = sorted(pathlib.Path(folder).iterdir())
        check("two files", len(files) == 2, failures)
        check_first_file(files[0], failures)
        check_run(folder, failures)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
