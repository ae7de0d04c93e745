# SPDX-License-Identifier: Apache-2.0
"""Holds a model plugin of dime against a PyTorch module: vectors and gradients, by tests/support/model_tool.cpp."""
import json
import subprocess

import torch
from safetensors.torch import save_file


def draw(module, seed=0, scale=0.5):
    """Random weights, biases and tables too, so that a part that is left out shows."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in module.named_parameters():
            if p.dim() <= 1:
                p.add_(torch.randn(p.shape, generator=generator) * 0.1)
            else:
                p.normal_(0, scale / (p[0].numel() ** 0.5), generator=generator)


class Parity:
    """One comparison: `vectors` maps "image" and/or "text" to (input, what the Python module gave, with a graph).

    `rename` maps its names to those of the file of weights, `convert` then its tensors by name, gradients as well.
    A gradient whose norm is less than `negligible` times the largest is rounding alone, and is held to be nothing.
    `before` is the module's state before it gave them, where that changed its buffers; the buffers are compared too.
    """

    def __init__(self, tool, folder, model, module, vectors, rename=lambda name: name, convert=dict, before=None,
                 negligible=0, **request):
        inputs, total = {}, 0
        for name, (given, vector) in vectors.items():
            inputs["pixels" if name == "image" else "tokens"] = given
            to = torch.randn(vector.shape, generator=torch.Generator().manual_seed(7))
            inputs[name], inputs["to_" + name] = vector.detach(), to
            total = total + (vector * to).sum()
        module.zero_grad()
        total.backward()
        state = convert({rename(k): v for k, v in (before or module.state_dict()).items()})
        gradients = convert({rename(k): p.grad for k, p in module.named_parameters() if p.grad is not None})
        largest = max((g.norm() for g in gradients.values()), default=0)
        gradients = {k: g * (g.norm() >= negligible * largest) for k, g in gradients.items()}
        all_tensors = {"weights": state, "gradients": gradients, "inputs": inputs}
        if before is not None:
            kept = module.state_dict()  # some buffers are no part of it
            all_tensors["buffers"] = {rename(k): v for k, v in module.named_buffers() if k in kept}
        for name, tensors in all_tensors.items():
            save_file({k: v.detach().clone().contiguous() for k, v in tensors.items()}, folder / f"{name}.safetensors")
        files = {name: str(folder / f"{name}.safetensors") for name in all_tensors}
        (folder / "request.json").write_text(json.dumps({"model": model, **files, **request}))
        done = subprocess.run([tool, str(folder / "request.json")], capture_output=True, text=True)
        self.error = done.stderr.strip()
        self.answer = json.loads(done.stdout) if done.returncode == 0 else {}

    def check(self, checks, name, bound=1e-4):
        parts = [self.answer[k] for k in ("image", "text", "buffers", "gradients") if k in self.answer]
        worst = max(parts, default=float("inf"))
        checks.check(name, worst <= bound, self.error or json.dumps(self.answer))
