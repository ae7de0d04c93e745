#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What torch.save, torch.jit.save and Hugging Face's libraries write is read byte for byte; nothing is executed.

Use: weights_files_parity.py IO_TOOL   (in a venv with torch, safetensors, huggingface_hub)
"""
import os
import pathlib
import sys
import tempfile
from collections import Counter, OrderedDict, defaultdict

import torch
from huggingface_hub import save_torch_state_dict
from safetensors.torch import load_file

from io_tool import Checks, Tool


def state():
    """Tensors of each type, and views of every kind."""
    torch.manual_seed(3)
    all_of = torch.randn(6, 4)
    tensors = OrderedDict(
        whole=all_of, rows=all_of[2:5], columns=all_of[:, 1:3], turned=all_of.t(), every_second=all_of[::2, ::3],
        repeated=torch.randn(3).expand(5, 3), scalar=torch.tensor(2.5), empty=torch.empty(0, 3), one=torch.randn(1, 7, 1),
        parameter=torch.nn.Parameter(torch.randn(3, 2)), frozen=torch.nn.Parameter(torch.randn(2).t(), requires_grad=False),
        moved=torch.randn(2, 3, 4, 5).permute(0, 2, 3, 1), channels_last=torch.randn(2, 3, 4, 4).to(memory_format=torch.channels_last),
        integer=torch.arange(5), flags=torch.tensor([True, False, True]))
    for dtype in (torch.float64, torch.float16, torch.bfloat16):
        tensors[str(dtype)] = torch.randn(4, 3).to(dtype).t()
    for dtype in (torch.int32, torch.int16, torch.int8, torch.uint8):
        tensors[str(dtype)] = torch.randint(0, 100, (4, 3)).to(dtype)
    return tensors


def bytes_of(tensor):
    return tensor.detach().contiguous().flatten().view(torch.uint8).numpy().tobytes()


class Reader:
    def __init__(self, tool, folder, checks):
        self.tool, self.folder, self.checks = tool, folder, checks

    def ask(self, path):
        return self.tool.ask(op="weights", path=str(path), out=str(self.folder / "out.safetensors"))

    def same(self, name, path, expected, form, metadata=None):
        """The file at `path` is read as `form`, and holds exactly the tensors that are `expected`."""
        reply = self.ask(path)
        if "error" in reply:
            return self.checks.check(name, False, reply["error"])
        read = load_file(self.folder / "out.safetensors")
        wrong = sorted(set(read) ^ set(expected))
        wrong += [k for k in read if k in expected and (read[k].dtype, read[k].shape, bytes_of(read[k])) !=
                  (expected[k].dtype, expected[k].shape, bytes_of(expected[k]))]
        good = not wrong and reply["format"] == form and reply["names"] == sorted(expected)
        good = good and (metadata is None or reply["metadata"] == metadata)
        self.checks.check(name, good, f"{len(read)} tensors, {reply['format']}" if good else f"{wrong} {reply}")

    def refused(self, name, path, why):
        error = self.ask(path).get("error", "")
        self.checks.check(name, error == f"{path}{why}", error)


class Block(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.randn(3, 4).half())
        self.turned = torch.nn.Parameter(torch.randn(4, 4).t())
        self.register_buffer("counter", torch.tensor(7))
        self.size, self.sizes, self.names, self.nothing = 3, [1, 2], {"a": 1.5}, None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x @ self.turned + self.sizes[0]


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.block, self.layers = Block(), torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.BatchNorm1d(4), Block())
        self.register_buffer("input_resolution", torch.tensor(224))
        self.context_length = 77

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.block(self.layers[0](x)) + self.context_length


class Hostile:
    def __init__(self, function, *arguments):
        self.made = (function, arguments)

    def __reduce__(self):
        return self.made


def checkpoints(reader, folder):
    weights = state()
    path = folder / "w.pt"
    beside = {"epoch": 3, "args": {"lr": 1e-3, "betas": (0.9, 0.999), "name": "é", "bytes": b"\0\xff", "none": None, "set": {1, 2},
                                   "frozen": frozenset("a"), "raw": bytearray(b"x"), "complex": 1j, "long": 1 << 80, "negative": -5,
                                   "counter": Counter(a=1), "default": defaultdict(list, a=[1]), "dtype": torch.float16,
                                   "device": torch.device("cpu"), "size": torch.Size([2, 3])},
              "float8": torch.zeros(2).to(torch.float8_e4m3fn), "complex": torch.zeros(2, dtype=torch.complex64)}
    for protocol in (2, 3, 4, 5):
        torch.save(weights, path, pickle_protocol=protocol)
        reader.same(f"protocol {protocol}", path, weights, "a PyTorch checkpoint")
        torch.save({**beside, "state_dict": {"module." + k: v for k, v in weights.items()}}, path, pickle_protocol=protocol)
        reader.same(f"protocol {protocol}, nested", path, weights, 'a PyTorch checkpoint (its "state_dict", prefix "module." taken off)')
    net = Net()
    optimizer = torch.optim.AdamW(net.parameters())
    net(torch.randn(2, 4)).sum().backward()
    optimizer.step()
    torch.save({"model": net.state_dict(), "optimizer": optimizer.state_dict(),
                "schedule": torch.optim.lr_scheduler.MultiStepLR(optimizer, [2, 3]).state_dict()}, path)
    expected = {k: v for k, v in net.state_dict().items() if k != "input_resolution"}
    reader.same("a module, its optimizer and schedule", path, expected, 'a PyTorch checkpoint (its "model")', {"input_resolution": "224"})
    torch.serialization.set_crc32_options(False)
    torch.save(weights, path)
    torch.serialization.set_crc32_options(True)
    reader.same("without CRCs", path, weights, "a PyTorch checkpoint")


def scripts(reader, folder):
    net = Net().eval()
    path = folder / "script.pt"
    expected = {k: v for k, v in net.state_dict().items() if k != "input_resolution"}
    torch.jit.save(torch.jit.script(net), path)
    reader.same("a scripted module", path, expected, "a TorchScript archive", {"input_resolution": "224", "context_length": "77"})
    torch.jit.save(torch.jit.trace(net, torch.randn(2, 4)), path)
    reader.same("a traced module", path, expected, "a TorchScript archive", {"input_resolution": "224"})


def shards(reader, folder):
    weights = {k: v.detach().clone().contiguous() for k, v in state().items()}
    for safe, kind in ((True, "safetensors"), (False, "PyTorch checkpoint")):
        out = folder / kind.replace(" ", "_")
        out.mkdir()
        save_torch_state_dict(weights, out, max_shard_size=200, safe_serialization=safe)
        count = len([p for p in out.iterdir() if p.suffix in (".safetensors", ".bin")])
        reader.same(f"{kind} shards", out, weights, f"{count} {kind} shards")
    whole = folder / "whole"
    whole.mkdir()
    save_torch_state_dict(weights, whole)
    reader.same("one safetensors file", whole, weights, "a safetensors file")


def hostile(reader, folder):
    path, trace = folder / "hostile.pt", folder / "executed"
    refusal = "which is neither a tensor nor a plain container: it was not executed; save a plain state_dict() instead"
    for protocol in (2, 4):
        for function, name in ((os.system, "posix.system"), (eval, "builtins.eval" if protocol == 4 else "__builtin__.eval")):
            argument = f"touch {trace}" if function is os.system else f"open({str(trace)!r}, 'w')"
            torch.save({"a": torch.zeros(1), "x": Hostile(function, argument)}, path, pickle_protocol=protocol)
            reader.refused(f"{name}, protocol {protocol}", path, f": its pickle names {name}, {refusal}")
    torch.save(torch.nn.Linear(2, 2), path)
    reader.refused("a whole module", path, f": its pickle names torch.nn.modules.linear.Linear, {refusal}")
    reader.checks.check("nothing was executed", not trace.exists())
    torch.save({"a": torch.zeros(1)}, path, _use_new_zipfile_serialization=False)
    reader.refused("the old format", path, " was saved by PyTorch before 1.6, or in its old format, which is not read; load it in "
                   "Python and save its state_dict() with a current torch.save")
    torch.save({"a": torch.zeros(1).to_sparse()}, path)
    reader.refused("a sparse tensor", path, f": its pickle names torch._utils._rebuild_sparse_tensor, {refusal}")


def main():
    checks, tool = Checks(), Tool(sys.argv[1])
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        reader = Reader(tool, folder, checks)
        for part in (checkpoints, scripts, shards, hostile):
            part(reader, folder)
    checks.leave()


main()
