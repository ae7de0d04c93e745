# SPDX-License-Identifier: Apache-2.0
"""Runs the program `dime` and reads what it leaves."""
import json
import subprocess

import yaml


def train(program, folder, experiment, name="run", *words):
    """Writes the experiment into `folder`, trains, and gives the run folder."""
    file = folder / f"{name}.yaml"
    file.write_text(yaml.safe_dump(experiment, sort_keys=False))
    run = folder / name
    done = subprocess.run([program, "train", str(file), "--run-dir", str(run), *words], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"FAIL dime train: {done.stderr}")
    return run


def metrics(run):
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def last_checkpoint(run):
    return sorted((run / "checkpoints").glob("step_*"))[-1] / "model.safetensors"
