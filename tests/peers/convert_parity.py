#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Weights of open_clip and transformers load in dime as they are, and come back with strict=True and the same vectors.

Use: convert_parity.py MODEL_TOOL DIME   (random models of reduced widths; nothing is downloaded)
"""
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import open_clip
import timm
import torch
import transformers
from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg, CustomTextCLIP
from safetensors.torch import load_file, save_file

import program
from io_tool import Checks
from model_tool import draw
from shards import Shard, encoded, photograph

TOOL, DIME = sys.argv[1], sys.argv[2]
DIM, SIDE, PATCH, WORDS, CONTEXT = 20, 24, 8, 600, 16
IMAGE = {"image_size": SIDE, "patch_size": PATCH, "width": 32, "layers": 2, "heads": 2}
TEXT = {"width": 24, "layers": 2, "heads": 2, "context": CONTEXT, "vocabulary": WORDS}
CHECKS = Checks()


def dime_clip(activation="quick_gelu", **more):
    return {"type": "clip", "embed_dim": DIM, "image": {**IMAGE, "activation": activation}, "text": {**TEXT, "activation": activation}, **more}


def inputs():
    generator = torch.Generator().manual_seed(3)
    tokens = torch.randint(1, WORDS - 2, (5, CONTEXT), generator=generator)
    tokens[:, 9:] = 0
    tokens[:, 9] = WORDS - 1
    return torch.randn(4, 3, SIDE, SIDE, generator=generator), tokens


PIXELS, TOKENS = inputs()


def made_by_open_clip(seed=0, **vision):
    torch.manual_seed(seed)
    model = CLIP(DIM, CLIPVisionCfg(layers=2, width=32, head_width=16, patch_size=PATCH, image_size=SIDE, **vision),
                 CLIPTextCfg(context_length=CONTEXT, vocab_size=WORDS, width=24, heads=2, layers=2), quick_gelu=True)
    draw(model, seed)
    return model.eval()


def made_by_transformers(seed=1):
    tower = {"num_hidden_layers": 2, "num_attention_heads": 2, "hidden_act": "gelu"}
    vision = {"hidden_size": 32, "intermediate_size": 128, "image_size": SIDE, "patch_size": PATCH, **tower}
    text = {"hidden_size": 24, "intermediate_size": 96, "max_position_embeddings": CONTEXT, "vocab_size": WORDS,
            "bos_token_id": WORDS - 2, "eos_token_id": WORDS - 1, "pad_token_id": WORDS - 1, **tower}
    torch.manual_seed(seed)
    model = transformers.CLIPModel(transformers.CLIPConfig(vision_config=vision, text_config=text, projection_dim=DIM))
    draw(model, seed)
    return model.eval()


def made_siglip(seed=2):
    tower = {"num_hidden_layers": 2, "num_attention_heads": 2}
    vision = {"hidden_size": 32, "intermediate_size": 128, "image_size": SIDE, "patch_size": PATCH, **tower}
    text = {"hidden_size": 32, "intermediate_size": 128, "max_position_embeddings": CONTEXT, "vocab_size": WORDS,
            "projection_size": 32, **tower}
    torch.manual_seed(seed)
    model = transformers.SiglipModel(transformers.SiglipConfig(vision_config=vision, text_config=text))
    draw(model, seed)
    return model.eval()


@torch.no_grad()
def vectors(model):
    if isinstance(model, CLIP):
        return model.encode_image(PIXELS), model.encode_text(TOKENS)
    image, text = model.get_image_features(pixel_values=PIXELS), model.get_text_features(input_ids=TOKENS)
    return tuple(x if torch.is_tensor(x) else x.pooler_output for x in (image, text))


def far(a, b):
    return ((a.float() - b.float()).norm() / b.float().norm()).item()


def loads(folder, name, weights, expected, model=None, **init):
    """dime loads `weights` as they are and gives the vectors."""
    image, text = expected
    save_file({"pixels": PIXELS, "tokens": TOKENS, "image": image.float().contiguous(), "text": text.float().contiguous()},
              folder / "inputs.safetensors")
    request = {"model": model or dime_clip(), "weights": str(weights), "init": init, "inputs": str(folder / "inputs.safetensors")}
    (folder / "request.json").write_text(json.dumps(request))
    done = subprocess.run([TOOL, str(folder / "request.json")], capture_output=True, text=True)
    answer = json.loads(done.stdout) if done.returncode == 0 else {}
    worst = max(answer.get("image", 1), answer.get("text", 1))
    CHECKS.check(f"dime loads {name}", worst <= 1e-4, done.stderr.strip() or f"{worst:.1e}")


def refused(folder, name, weights, model, words):
    request = {"model": model, "weights": str(weights), "inputs": str(folder / "inputs.safetensors")}
    (folder / "request.json").write_text(json.dumps(request))
    done = subprocess.run([TOOL, str(folder / "request.json")], capture_output=True, text=True)
    CHECKS.check(f"dime refuses {name}", done.returncode != 0 and words in done.stderr, done.stderr.strip())


def convert(name, source, out, *options):
    done = subprocess.run([DIME, "convert", str(source), str(out), *options], capture_output=True, text=True)
    CHECKS.check(f"dime convert {name}", done.returncode == 0, done.stderr.strip() or done.stdout.strip().splitlines()[-1])
    return out


def in_open_clip(name, folder, expected):
    """Strict: create_model_from_pretrained refuses what is missing or unexpected."""
    model = open_clip.create_model_from_pretrained(f"local-dir:{folder}", return_transform=False).eval()
    worst = max(far(a, b) for a, b in zip(vectors(model), expected))
    CHECKS.check(f"open_clip reads {name}", worst <= 1e-4, f"{worst:.1e}")
    return model


def in_transformers(name, kind, folder, expected=None):
    model, info = kind.from_pretrained(folder, output_loading_info=True)
    wrong = {k: v for k, v in info.items() if v}
    CHECKS.check(f"transformers reads {name}: no name differs", not wrong, str(wrong))
    if expected is not None:
        worst = max(far(a, b) for a, b in zip(vectors(model.eval()), expected))
        CHECKS.check(f"transformers reads {name}: vectors", worst <= 1e-4, f"{worst:.1e}")
    return model.eval()


def of_open_clip(folder):
    model = made_by_open_clip()
    expected = vectors(model)
    save_file(model.state_dict(), folder / "open_clip.safetensors")
    loads(folder, "open_clip's safetensors", folder / "open_clip.safetensors", expected)
    torch.save(model.state_dict(), folder / "plain.pt")
    loads(folder, "a state dict of torch.save", folder / "plain.pt", expected)
    torch.save({"epoch": 3, "state_dict": {"module." + k: v for k, v in model.state_dict().items()}}, folder / "epoch_3.pt")
    loads(folder, "a checkpoint of open_clip's training", folder / "epoch_3.pt", expected)
    custom = {("text." + k if k.split(".")[0] in ("transformer", "token_embedding", "positional_embedding", "ln_final", "text_projection") else k): v
              for k, v in model.state_dict().items()}
    save_file(custom, folder / "custom.safetensors")
    loads(folder, "names of CustomTextCLIP", folder / "custom.safetensors", expected)
    half = made_by_open_clip().half()
    save_file(half.state_dict(), folder / "half.safetensors")
    loads(folder, "fp16 weights", folder / "half.safetensors", vectors(half.float()))
    heads = ("--heads", "2", "--text-heads", "2")
    out = convert("open_clip to huggingface", folder / "open_clip.safetensors", folder / "oc_hf", "--to", "huggingface", *heads)
    in_transformers("what was open_clip's", transformers.CLIPModel, out, expected)
    loads(folder, "what it wrote for transformers", out / "model.safetensors", expected)
    out = convert("open_clip to open_clip", folder / "plain.pt", folder / "oc_oc", "--to", "open_clip", *heads)
    in_open_clip("what was open_clip's", out, expected)
    return expected


def of_transformers(folder):
    model = made_by_transformers()
    expected = vectors(model)
    model.save_pretrained(folder / "hf")
    gelu = dime_clip("gelu")
    loads(folder, "transformers' safetensors", folder / "hf/model.safetensors", expected, gelu)
    refused(folder, "another activation", folder / "hf/model.safetensors", dime_clip(),
            "image.activation is gelu in config.json, quick_gelu in the model (change model.image.activation)")
    refused(folder, "another number of heads", folder / "hf/model.safetensors",
            {**gelu, "image": {**gelu["image"], "heads": 4}},
            "image.heads is 2 in config.json, 4 in the model (change model.image.heads)")
    model.save_pretrained(folder / "sharded", max_shard_size="50KB")
    CHECKS.check("there are shards", len(list((folder / "sharded").glob("*.safetensors"))) > 1)
    loads(folder, "transformers' shards", folder / "sharded", expected, gelu)
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    loads(folder, "transformers' names in a .bin", folder / "pytorch_model.bin", expected, gelu)
    half = made_by_transformers().half()
    half.save_pretrained(folder / "hf_half")
    loads(folder, "transformers' fp16", folder / "hf_half", vectors(half.float()), gelu)
    out = convert("huggingface to open_clip", folder / "hf", folder / "hf_oc", "--to", "open_clip")
    in_open_clip("what was transformers'", out, expected)
    out = convert("that back to huggingface", out, folder / "hf_back", "--to", "huggingface")
    back = in_transformers("what came back", transformers.CLIPModel, out, expected)
    same = all(torch.equal(v, back.state_dict()[k]) for k, v in model.state_dict().items())
    CHECKS.check("there and back changes no number", same)
    one_tower(folder, model)


def one_tower(folder, model):
    save_file({k: v.contiguous() for k, v in model.state_dict().items() if k.startswith(("vision_model.", "visual_projection"))}, folder / "vision.safetensors")
    options = ("--to", "huggingface", "--heads", "2")
    out = convert("an image tower to huggingface", folder / "vision.safetensors", folder / "vision", *options)
    in_transformers("an image tower", transformers.CLIPVisionModelWithProjection, out)
    save_file({k: v.contiguous() for k, v in model.state_dict().items() if k.startswith(("text_model.", "text_projection"))}, folder / "text.safetensors")
    out = convert("a text tower to huggingface", folder / "text.safetensors", folder / "text", "--to", "huggingface", "--text-heads", "2")
    in_transformers("a text tower", transformers.CLIPTextModelWithProjection, out)


def of_siglip(folder):
    model = made_siglip()
    expected = vectors(model)
    model.save_pretrained(folder / "siglip")
    out = convert("SigLIP to open_clip's names", folder / "siglip", folder / "siglip.safetensors", "--to", "open_clip")
    state = load_file(out)
    trunk = timm.models.vision_transformer.VisionTransformer(
        img_size=SIDE, patch_size=PATCH, num_classes=0, global_pool="map", class_token=False, embed_dim=32, depth=2, num_heads=2, act_layer="gelu_tanh").eval()
    trunk.load_state_dict({k.removeprefix("visual.trunk."): v for k, v in state.items() if k.startswith("visual.trunk.")}, strict=True)
    with torch.no_grad():
        worst = far(trunk(PIXELS), expected[0])
    CHECKS.check("timm reads SigLIP's image tower", worst <= 1e-4, f"{worst:.1e}")
    text = open_clip.transformer.TextTransformer(
        context_length=CONTEXT, vocab_size=WORDS, width=32, heads=2, layers=2, output_dim=32, no_causal_mask=True, proj_bias=True, pool_type="last",
        act_layer=lambda: torch.nn.GELU(approximate="tanh"), norm_layer=lambda d: torch.nn.LayerNorm(d, eps=1e-6)).eval()
    text.load_state_dict({k.removeprefix("text."): v for k, v in state.items() if k.startswith("text.")}, strict=True)
    with torch.no_grad():
        worst = far(text(TOKENS), expected[1])
    CHECKS.check("open_clip reads SigLIP's text tower", worst <= 1e-4, f"{worst:.1e}")
    out = convert("SigLIP back to huggingface", out, folder / "siglip_back", "--to", "huggingface")
    in_transformers("SigLIP", transformers.SiglipModel, out, expected)


def make_run(folder):
    """A student whose text is its teacher's: an image tower alone, with layer norms of its own."""
    rng = np.random.default_rng(4)
    image, stored = Shard(folder, "image"), Shard(folder, "vectors")
    for i in range(16):
        image.add_base64(f"r{i}", encoded(photograph(rng, SIDE), jpeg=False))
        stored.add_base64(f"r{i}", rng.normal(size=DIM).astype("<f4").tobytes())
    image.close()
    stored.close()
    source = {"source": {"type": "tsv_images", "list": "image.list"}, "features": {"type": "tsv_features", "list": "vectors.list"}}
    student = {"type": "clip", "embed_dim": DIM, "image": {**IMAGE, "activation": "quick_gelu", "layer_norm_eps": 0.1}}
    return program.train(DIME, folder, {
        "schema": 1, "name": "run", "device": "cpu", "models": {"student": student}, "losses": {"pvl": {"type": "pvl"}},
        "data": {"images": {**source, "batch_size": 8}}, "train": {"steps": 2, "optimizer": {"lr": 1e-3}}})


def of_a_run(folder):
    run = make_run(folder)
    teacher = made_by_open_clip(seed=9)
    expected_text = vectors(teacher)[1]
    visual = made_by_open_clip(norm_kwargs={"eps": 0.1}).visual
    visual.load_state_dict({k.removeprefix("visual."): v for k, v in load_file(program.last_checkpoint(run)).items()}, strict=True)
    with torch.no_grad():
        expected = visual(PIXELS), expected_text
    save_file(teacher.state_dict(), folder / "teacher.safetensors")
    with_text = ("--with-text", str(folder / "teacher.safetensors"), "--text-heads", "2")
    out = convert("a run with its teacher's text to open_clip", run, folder / "run_oc", "--to", "open_clip", *with_text)
    model = in_open_clip("a run with its teacher's text", out, expected)
    CHECKS.check("the scale is the teacher's", torch.equal(model.logit_scale, teacher.logit_scale))
    out = convert("a run with its teacher's text to huggingface", run, folder / "run_hf", "--to", "huggingface", *with_text)
    in_transformers("a run with its teacher's text", transformers.CLIPModel, out, expected)


def of_timm_trunks(folder):
    """Image towers that open_clip's configs name by timm's names, with a text tower that is causal or not."""
    trunks = {"unicl": ("swin_tiny_patch4_window7_224", 224, {"timm_pool": "", "timm_proj": "linear"}),
              "fastvit": ("fastvit_mci0", 256, {"timm_pool": "avg", "timm_proj": None})}
    for kind, (trunk, side, more) in trunks.items():
        text = {"context_length": CONTEXT, "vocab_size": WORDS, "width": 24, "heads": 2, "layers": 2, "no_causal_mask": kind == "fastvit"}
        vision = {"timm_model_name": trunk, "timm_model_pretrained": False, "image_size": side, **more}
        model = CustomTextCLIP(DIM, CLIPVisionCfg(**vision), CLIPTextCfg(**text))
        draw(model, 5)
        model.eval()
        pixels = torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(6))
        there = folder / f"{kind}_there"
        there.mkdir()
        save_file({k: v.contiguous() for k, v in model.state_dict().items()}, there / "open_clip_model.safetensors")
        (there / "open_clip_config.json").write_text(json.dumps({"model_cfg": {"embed_dim": DIM, "vision_cfg": vision, "text_cfg": text, "custom_text": True},
                                                                 "preprocess_cfg": {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}}))
        own = convert(f"{kind}'s open_clip folder to dime's names", there, folder / f"{kind}.safetensors")
        back = convert(f"{kind} to an open_clip folder", own, folder / f"{kind}_back", "--to", "open_clip")
        again = open_clip.create_model_from_pretrained(f"local-dir:{back}", return_transform=False).eval()
        with torch.no_grad():
            worst = max(far(again.encode_image(pixels), model.encode_image(pixels)), far(again.encode_text(TOKENS), model.encode_text(TOKENS)))
        CHECKS.check(f"open_clip reads {kind}'s folder", worst <= 1e-4, f"{worst:.1e}")


def main():
    torch.set_num_threads(1)
    for part in (of_open_clip, of_transformers, of_siglip, of_timm_trunks, of_a_run):
        with tempfile.TemporaryDirectory() as name:
            part(pathlib.Path(name))
    CHECKS.leave()


main()
