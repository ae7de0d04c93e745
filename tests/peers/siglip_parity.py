#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Model siglip against SiglipModel of transformers and the SigLIP models of open_clip: vectors, gradients, names, shapes.

Use: siglip_parity.py MODEL_TOOL   (in a venv with torch, transformers, open_clip_torch, timm, safetensors)
"""
import json
import pathlib
import struct
import subprocess
import sys
import tempfile

import timm
import torch
from open_clip.factory import get_model_config
from open_clip.model import CustomTextCLIP
from timm.models.vision_transformer import VisionTransformer
from transformers import SiglipConfig, SiglipModel

from io_tool import Checks
from model_tool import Parity, draw

WIDTH, TEXT_WIDTH, ROWS, CONTEXT, VOCABULARY = 48, 32, 5, 12, 96
PRESETS = [f"ViT-B-16-SigLIP{size}" for size in ("", "-256", "-384", "-512")]
PRESETS += [f"ViT-L-16-SigLIP-{size}" for size in (256, 384)]
PRESETS += [f"ViT-SO400M-14-SigLIP{size}" for size in ("", "-378", "-384")]


def options(side=24, dim=WIDTH, activation="gelu_tanh"):
    image = {"image_size": side, "patch_size": 8, "width": WIDTH, "layers": 3, "heads": 4, "mlp_ratio": 2.5}
    text = {"width": TEXT_WIDTH, "layers": 2, "heads": 2, "mlp_ratio": 3, "context": CONTEXT, "vocabulary": VOCABULARY}
    return {"type": "siglip", "embed_dim": dim, "image": {**image, "activation": activation},
            "text": {**text, "activation": activation}}


def inputs(side=24):
    generator = torch.Generator().manual_seed(3)
    return (torch.randn(ROWS, 3, side, side, generator=generator),
            torch.randint(0, VOCABULARY, (ROWS, CONTEXT), generator=generator))


class Names:
    """open_clip's names for the tensors of a SiglipModel of transformers."""

    PLAIN = [("vision_model.embeddings.patch_embedding.", "visual.trunk.patch_embed.proj."),
             ("vision_model.embeddings.position_embedding.weight", "visual.trunk.pos_embed"),
             ("vision_model.post_layernorm.", "visual.trunk.norm."), ("vision_model.head.probe", "visual.trunk.attn_pool.latent"),
             ("vision_model.head.attention.out_proj.", "visual.trunk.attn_pool.proj."),
             ("vision_model.head.layernorm.", "visual.trunk.attn_pool.norm."), ("vision_model.head.mlp.", "visual.trunk.attn_pool.mlp."),
             ("text_model.embeddings.token_embedding.", "text.token_embedding."),
             ("text_model.embeddings.position_embedding.weight", "text.positional_embedding"),
             ("text_model.final_layer_norm.", "text.ln_final."), ("text_model.head.", "text.text_projection.")]
    IMAGE = [(".layer_norm1.", ".norm1."), (".layer_norm2.", ".norm2."), (".self_attn.out_proj.", ".attn.proj.")]
    TEXT = [(".layer_norm1.", ".ln_1."), (".layer_norm2.", ".ln_2."), (".self_attn.out_proj.", ".attn.out_proj."),
            (".mlp.fc1.", ".mlp.c_fc."), (".mlp.fc2.", ".mlp.c_proj.")]

    def renamed(self, tensors):
        out = {}
        for name, value in tensors.items():
            if ".self_attn." in name and ".out_proj." not in name:
                if ".q_proj." in name:
                    whole = torch.cat([tensors[name.replace("q_proj", part + "_proj")] for part in "qkv"])
                    out[self.fused(name)] = whole
            elif "head.attention.in_proj" in name:
                kind = name.rsplit("_", 1)[1]
                out[f"visual.trunk.attn_pool.q.{kind}"], out[f"visual.trunk.attn_pool.kv.{kind}"] = \
                    value[:WIDTH].clone(), value[WIDTH:].clone()
            elif name.endswith("vision_model.embeddings.position_embedding.weight"):
                out["visual.trunk.pos_embed"] = value[None]
            elif name in ("logit_scale", "logit_bias"):
                out[name] = value[0]
            else:
                out[self.plain(name)] = value
        return out

    def fused(self, name):
        kind = name.rsplit(".", 1)[1]
        layer = name.split(".layers.")[1].split(".")[0]
        if name.startswith("vision_model"):
            return f"visual.trunk.blocks.{layer}.attn.qkv.{kind}"
        return f"text.transformer.resblocks.{layer}.attn.in_proj_{kind}"

    def plain(self, name):
        pairs = self.PLAIN
        if ".layers." in name:
            image = name.startswith("vision_model")
            pairs = self.IMAGE if image else self.TEXT
            name = name.replace("vision_model.encoder.layers.", "visual.trunk.blocks.")
            name = name.replace("text_model.encoder.layers.", "text.transformer.resblocks.")
        for theirs, ours in pairs:
            name = name.replace(theirs, ours)
        return name


def transformers_model(side, activation):
    vision = {"image_size": side, "patch_size": 8, "hidden_size": WIDTH, "num_hidden_layers": 3,
              "num_attention_heads": 4, "intermediate_size": 120, "hidden_act": activation}
    text = {"hidden_size": TEXT_WIDTH, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 96,
            "max_position_embeddings": CONTEXT, "vocab_size": VOCABULARY, "projection_size": WIDTH,
            "hidden_act": activation, "bos_token_id": None, "eos_token_id": None, "pad_token_id": None}
    model = SiglipModel(SiglipConfig(vision_config=vision, text_config=text)).eval()
    draw(model)
    return model


def against_transformers(checks, tool, folder):
    for side, theirs, ours in ((24, "gelu_pytorch_tanh", "gelu_tanh"), (30, "gelu", "gelu")):
        model = transformers_model(side, theirs)
        pixels, tokens = inputs(side)
        vectors = {"image": (pixels, model.get_image_features(pixel_values=pixels).pooler_output),
                   "text": (tokens, model.get_text_features(input_ids=tokens).pooler_output)}
        parity = Parity(tool, folder, options(side, activation=ours), model, vectors, convert=Names().renamed)
        parity.check(checks, f"transformers, {side} pixels, {ours}: vectors and gradients")


@timm.models.register_model
def reduced_siglip(pretrained=False, global_pool="map", num_classes=0, **_):
    """What timm's vit_base_patch16_siglip_224 is, at a width that is quick."""
    trunk = VisionTransformer(img_size=24, patch_size=8, embed_dim=WIDTH, depth=3, num_heads=4, mlp_ratio=2.5,
                              class_token=False, global_pool=global_pool, num_classes=num_classes)
    trunk.default_cfg = {}
    return trunk


def open_clip_model(dim, proj):
    text = dict(get_model_config("ViT-B-16-SigLIP")["text_cfg"], context_length=CONTEXT, vocab_size=VOCABULARY,
                width=TEXT_WIDTH, heads=2, layers=2, mlp_ratio=3.0)
    vision = {"image_size": 24, "timm_model_name": "reduced_siglip", "timm_pool": "map", "timm_proj": proj}
    model = CustomTextCLIP(dim, vision, text, init_logit_bias=-10).eval()
    draw(model)
    return model


def against_open_clip(checks, tool, folder):
    """Nothing is renamed: dime loads nothing loosely, so names and shapes agree in both directions."""
    for dim, proj in ((WIDTH, "none"), (20, "linear")):
        model = open_clip_model(dim, proj)
        pixels, tokens = inputs()
        vectors = {"image": (pixels, model.encode_image(pixels)), "text": (tokens, model.encode_text(tokens))}
        parity = Parity(tool, folder, options(dim=dim, activation="gelu"), model, vectors)
        parity.check(checks, f"open_clip, projection {proj}: names, shapes, vectors and gradients")


def write_names(path, shapes):
    """A safetensors file with a hole where the numbers would be."""
    header, end = {}, 0
    for name, shape in shapes.items():
        size = 4 * torch.Size(shape).numel()
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + end)


def presets(checks, tool, folder):
    for name in PRESETS:
        config = {k: v for k, v in get_model_config(name).items() if k != "custom_text"}
        with torch.device("meta"):
            model = CustomTextCLIP(**config)
        shapes = {k: list(v.shape) for k, v in model.state_dict().items()}
        write_names(folder / "names.safetensors", shapes)
        request = {"model": {"type": "siglip", "preset": name}, "weights": str(folder / "names.safetensors"), "shapes": True}
        (folder / "request.json").write_text(json.dumps(request))
        done = subprocess.run([tool, str(folder / "request.json")], capture_output=True, text=True)
        good = done.returncode == 0 and json.loads(done.stdout)["shapes"] == shapes
        checks.check(f"preset {name}: names and shapes of open_clip", good, done.stderr.strip())


def main():
    checks = Checks()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        against_transformers(checks, sys.argv[1], folder)
        against_open_clip(checks, sys.argv[1], folder)
        presets(checks, sys.argv[1], folder)
    checks.leave()


main()
