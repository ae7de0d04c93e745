#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Model `fastvit` of dime against timm's FastVit: names, shapes, vectors, gradients, statistics, and the deployed form.

Use: fastvit_parity.py MODEL_TOOL   (in a venv with torch, timm, open_clip_torch, safetensors)
"""
import copy
import json
import pathlib
import subprocess
import sys
import tempfile
from functools import partial

import open_clip
import timm
import torch
from open_clip.transformer import TextTransformer
from safetensors.torch import load_file
from timm.models.fastvit import FastVit, RepConditionalPosEnc
from timm.utils.model import reparameterize_model

from io_tool import Checks
from model_tool import Parity, draw

TOOL = sys.argv[1]
PRESETS = ["fastvit_t8", "fastvit_t12", "fastvit_s12", "fastvit_sa12", "fastvit_mci0", "fastvit_mci1", "fastvit_mci2"]
DIM, SIDE, ROWS = 20, 64, 6
# Reduced widths: convolutions alone; MobileCLIP's with every part; and attention and positions where timm's presets
# have none.
SMALL = {
    "plain": dict(layers=[1, 2, 1, 1], embed_dims=[8, 16, 32, 64], mlp_ratios=[3, 3, 3, 3],
                  token_mixers=["repmixer"] * 4),
    "mobileclip": dict(layers=[2, 1, 1, 2], embed_dims=[16, 32, 64, 128], mlp_ratios=[3, 3, 2.5, 2],
                       token_mixers=["repmixer"] * 3 + ["attention"], se_downsamples=[False, False, True, True],
                       pos_embs=[None, None, None, True], lkc_use_act=True, layer_scale_init_value=0.1),
    "odd": dict(layers=[1, 1, 2], embed_dims=[32, 32, 64], mlp_ratios=[2, 2, 2], downsamples=[False, True, True],
                token_mixers=["attention", "repmixer", "attention"], se_downsamples=[False, True, False],
                pos_embs=[None, True, None]),
}


def trunk_name(name):
    return "visual.trunk." + name


def timm_model(sizes, **more):
    positions = [partial(RepConditionalPosEnc, spatial_shape=(7, 7)) if p else None
                 for p in sizes.get("pos_embs", [None] * len(sizes["layers"]))]
    return FastVit(**{**sizes, "pos_embs": positions, "num_classes": DIM, **more})


def dime_model(sizes, **more):
    stages = range(len(sizes["layers"]))
    image = {"image_size": SIDE, "widths": sizes["embed_dims"], "depths": sizes["layers"],
             "mlp_ratios": sizes["mlp_ratios"], "mixers": sizes["token_mixers"],
             "position_stages": [i for i in stages if sizes.get("pos_embs", [None] * len(stages))[i]],
             "squeeze_stages": [i for i in stages if sizes.get("se_downsamples", [False] * len(stages))[i]],
             "downsample_activation": sizes.get("lkc_use_act", False)}
    return {"type": "fastvit", "embed_dim": DIM, "image": image, **more}


def drawn(sizes, seed):
    module = timm_model(sizes)
    draw(module, seed)
    generator = torch.Generator().manual_seed(seed + 1)
    for name, buffer in module.named_buffers():
        if name.endswith("running_mean"):
            buffer.normal_(0, 0.2, generator=generator)
        elif name.endswith("running_var"):
            buffer.uniform_(0.5, 2, generator=generator)
        else:
            buffer.fill_(3)
    return module.eval()


def ask(folder, request):
    path = folder / "request.json"
    path.write_text(json.dumps(request))
    done = subprocess.run([TOOL, str(path)], capture_output=True, text=True)
    return json.loads(done.stdout) if done.returncode == 0 else {"error": done.stderr.strip()}


def shapes(module, rename=trunk_name):
    return {rename(name): list(tensor.shape) for name, tensor in module.state_dict().items()}


def differences(got, want):
    return {k: [got.get(k), want.get(k)] for k in got.keys() | want.keys() if got.get(k) != want.get(k)}


def check_names(checks, folder, what, model, want):
    answer = ask(folder, {"model": model, "shapes": True})
    wrong = differences(answer.get("shapes", {}), want)
    checks.check(f"{what}: names and shapes", not wrong, answer.get("error") or json.dumps(wrong)[:400] * bool(wrong))


def presets(checks, folder):
    for preset in PRESETS:
        for form in ("train", "deployed"):
            with torch.device("meta"):
                module = timm.create_model(preset, num_classes=512, inference_mode=form == "deployed")
            check_names(checks, folder, f"{preset}, {form}", {"type": "fastvit", "preset": preset, "form": form},
                        shapes(module))


def open_clip_names(checks, folder):
    """MobileCLIP's image tower and logit scale, as open_clip names them."""
    with torch.device("meta"):
        module = open_clip.create_model("MobileCLIP-S2", pretrained=None, device="meta").visual
    check_names(checks, folder, "open_clip's MobileCLIP-S2", {"type": "fastvit", "preset": "fastvit_mci2"},
                shapes(module, lambda name: "visual." + name))


def compare(checks, folder, what, sizes, seed):
    pixels = torch.rand(ROWS, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))
    module = drawn(sizes, seed)
    check_names(checks, folder, what, dime_model(sizes), shapes(module))
    merged = folder / "merged.safetensors"
    parity = Parity(TOOL, folder, dime_model(sizes), module, {"image": (pixels, module(pixels))}, rename=trunk_name,
                    deployed=str(merged))
    parity.check(checks, f"{what}: evaluation")
    deployed(checks, folder, what, sizes, module, pixels, load_file(merged))

    # In float64: a channel's scale and shift before its normalisation have hardly a gradient, and in fp32 that is rounding.
    module.train().double()
    pixels = pixels.double()
    before = copy.deepcopy(module.state_dict())
    vectors = module(pixels)
    Parity(TOOL, folder, dime_model(sizes), module, {"image": (pixels, vectors)}, rename=trunk_name, before=before,
           negligible=1e-10, training=True, dtype="f64").check(checks, f"{what}: training, and its statistics")


def text_tower(checks, folder):
    """MobileCLIP-S1's and S2's text sees all its positions."""
    sizes = {"width": 32, "layers": 2, "heads": 2}
    module = TextTransformer(context_length=12, vocab_size=64, output_dim=DIM, no_causal_mask=True, **sizes).eval()
    draw(module)
    tokens = torch.randint(1, 60, (ROWS, 12), generator=torch.Generator().manual_seed(3))
    tokens[range(ROWS), [11, 4, 7, 1, 9, 6]] = 63
    text = {**sizes, "context": 12, "vocabulary": 64, "activation": "gelu", "causal": False}
    model = {"type": "fastvit", "embed_dim": DIM, "text": text}
    Parity(TOOL, folder, model, module, {"text": (tokens, module(tokens))},
           init={"allow_missing": ["logit_scale"]}).check(checks, "text that is not causal")


def deployed(checks, folder, what, sizes, module, pixels, merged):
    """dime's merged tensors are timm's, timm loads them, and a model of that form gives the same vectors."""
    want = {trunk_name(k): v for k, v in reparameterize_model(module).state_dict().items()}
    wrong = differences({k: list(v.shape) for k, v in merged.items()}, {k: list(v.shape) for k, v in want.items()})
    checks.check(f"{what}: names and shapes of the deployed form", not wrong, json.dumps(wrong)[:400] * bool(wrong))
    floats = [k for k, v in want.items() if k in merged and v.is_floating_point()]
    apart = {k: ((merged[k] - want[k]).norm() / want[k].norm()).item() for k in floats}
    worst = max(apart, key=apart.get)
    checks.check(f"{what}: merged tensors", apart[worst] <= 1e-5, f"{worst} {apart[worst]:.1e}")

    form = timm_model(sizes, inference_mode=True).eval()
    form.load_state_dict({k.removeprefix(trunk_name("")): v for k, v in merged.items()}, strict=True)
    far = (form(pixels) - module(pixels)).norm() / module(pixels).norm()
    checks.check(f"{what}: timm's vectors from dime's merged tensors", far <= 1e-4, f"{far:.1e}")
    Parity(TOOL, folder, dime_model(sizes, form="deployed"), form, {"image": (pixels, form(pixels))},
           rename=trunk_name).check(checks, f"{what}: deployed, evaluation")


def main():
    checks = Checks()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        presets(checks, folder)
        open_clip_names(checks, folder)
        text_tower(checks, folder)
        for seed, (what, sizes) in enumerate(SMALL.items()):
            compare(checks, folder, what, sizes, seed)
    checks.leave()


if __name__ == "__main__":
    main()
