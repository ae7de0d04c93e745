#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Model `clip` against open_clip and transformers: vectors, gradients and statistics of batches on random weights, and
names and shapes of every preset.

Use: clip_parity.py MODEL_TOOL   (in a venv with torch, open_clip_torch, transformers, safetensors)
"""
import copy
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import open_clip
import torch
from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg
from transformers import CLIPConfig, CLIPModel

from io_tool import Checks
from model_tool import Parity, draw

ROWS, DIM, CONTEXT, WORDS = 3, 20, 16, 64
TEXT = {"width": 24, "layers": 2, "heads": 2, "context": CONTEXT, "vocabulary": WORDS}
PRESETS = ["ViT-B-32", "ViT-B-16", "ViT-L-14", "ViT-L-14-336", "RN50", "RN101", "RN50x4", "RN50x16", "RN50x64"]


def inputs(side, padding=0):
    """Pixels, and rows of words, the end of text (the last word) and padding."""
    generator = torch.Generator().manual_seed(3)
    tokens = torch.full((ROWS, CONTEXT), padding)
    for row, end in enumerate((2, 9, CONTEXT - 1)):
        tokens[row, :end] = torch.randint(1, WORDS - 1, (end,), generator=generator)
        tokens[row, end] = WORDS - 1
    return torch.randn(ROWS, 3, side, side, generator=generator), tokens


def draw_all(module):
    """Random statistics too."""
    draw(module)
    generator = torch.Generator().manual_seed(5)
    for name, b in module.named_buffers():
        if name.endswith("running_mean"):
            b.normal_(0, 0.3, generator=generator)
        elif name.endswith("running_var"):
            b.uniform_(0.5, 2, generator=generator)
    for name, p in module.named_parameters():
        if "bn" in name and name.endswith("weight"):
            p.data.uniform_(0.5, 1.5, generator=generator)
    return module


def open_clip_model(image, quick_gelu=True):
    vision = CLIPVisionCfg(layers=image["layers"], width=image["width"], head_width=image.get("head_width", 16),
                           patch_size=image.get("patch_size"), image_size=image["image_size"], mlp_ratio=image.get("mlp_ratio", 4.0))
    text = CLIPTextCfg(context_length=CONTEXT, vocab_size=WORDS, width=24, heads=2, layers=2)
    return draw_all(CLIP(DIM, vision, text, quick_gelu=quick_gelu))


def vision_transformers(checks, tool, folder):
    image = {"image_size": 70, "patch_size": 14, "width": 32, "layers": 3, "heads": 2}
    for activation in ("quick_gelu", "gelu"):
        module = open_clip_model(image, activation == "quick_gelu").eval()
        pixels, tokens = inputs(70)
        vectors = {"image": (pixels, module.encode_image(pixels)), "text": (tokens, module.encode_text(tokens))}
        model = {"type": "clip", "embed_dim": DIM, "image": {**image, "activation": activation},
                 "text": {**TEXT, "activation": activation}}
        Parity(tool, folder, model, module, vectors).check(checks, f"open_clip: both towers, {activation}")


def residual_networks(checks, tool, folder):
    image = {"image_size": 96, "width": 8, "layers": [1, 2, 2, 1], "heads": 4}
    for training in (False, True):
        module = open_clip_model({**image, "layers": tuple(image["layers"]), "head_width": 64}).train(training)
        # Softmax does not see a shift of all scores: what is computed for this gradient is rounding.
        module.visual.attnpool.k_proj.bias.register_hook(torch.zeros_like)
        pixels, tokens = inputs(96)
        if training:  # the few numbers that a channel is normalised by make fp32 gradients rounding in places
            module.double()
            pixels = pixels.double()
        before = copy.deepcopy(module.state_dict())
        vectors = {"image": (pixels, module.encode_image(pixels)), "text": (tokens, module.encode_text(tokens))}
        model = {"type": "clip", "embed_dim": DIM, "image": image, "text": TEXT}
        Parity(tool, folder, model, module, vectors, before=before, training=training,
               dtype="f64" if training else "f32").check(
            checks, f"open_clip: residual network, {'training' if training else 'evaluation'}")


HUGGING_FACE = [
    (r"^text_model\.embeddings\.token_embedding\.", "token_embedding."),
    (r"^text_model\.embeddings\.position_embedding\.weight$", "positional_embedding"),
    (r"^text_model\.encoder\.layers\.", "transformer.resblocks."),
    (r"^text_model\.final_layer_norm\.", "ln_final."),
    (r"^text_projection\.weight$", "text_projection"),
    (r"^vision_model\.embeddings\.class_embedding$", "visual.class_embedding"),
    (r"^vision_model\.embeddings\.patch_embedding\.", "visual.conv1."),
    (r"^vision_model\.embeddings\.position_embedding\.weight$", "visual.positional_embedding"),
    (r"^vision_model\.encoder\.layers\.", "visual.transformer.resblocks."),
    (r"^vision_model\.pre_layrnorm\.", "visual.ln_pre."),
    (r"^vision_model\.post_layernorm\.", "visual.ln_post."),
    (r"^visual_projection\.weight$", "visual.proj"),
    (r"\.layer_norm([12])\.", r".ln_\1."),
    (r"\.self_attn\.", ".attn."),
    (r"\.mlp\.fc1\.", ".mlp.c_fc."),
    (r"\.mlp\.fc2\.", ".mlp.c_proj."),
]


def from_hugging_face(tensors):
    """OpenAI's names, the three projections of attention in one, and vectors times matrices."""
    out = {}
    for name, x in tensors.items():
        for pattern, ours in HUGGING_FACE:
            name = re.sub(pattern, ours, name)
        out[name] = x.T if name in ("text_projection", "visual.proj") else x
    for name in [n for n in out if ".q_proj." in n]:
        parts = [out.pop(name.replace(".q_proj.", f".{part}_proj.")) for part in "qkv"]
        out[name.replace(".q_proj.", ".in_proj_")] = torch.cat(parts)
    return out


def hugging_face(checks, tool, folder):
    for activation, end, eps in (("quick_gelu", WORDS - 1, 1e-5), ("gelu", 2, 1e-3)):
        both = {"hidden_act": activation, "layer_norm_eps": eps, "num_attention_heads": 2}
        config = CLIPConfig(projection_dim=DIM,
                            text_config={**both, "vocab_size": WORDS, "hidden_size": 24, "intermediate_size": 96, "num_hidden_layers": 2,
                                         "max_position_embeddings": CONTEXT, "eos_token_id": end, "pad_token_id": 1, "bos_token_id": 0},
                            vision_config={**both, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 3,
                                           "image_size": 56, "patch_size": 14})
        module = CLIPModel(config)
        draw(module)
        module.eval()
        pixels, tokens = inputs(56, padding=WORDS - 1)
        image = module.visual_projection(module.vision_model(pixel_values=pixels).pooler_output)
        text = module.text_projection(module.text_model(input_ids=tokens).pooler_output)
        more = {"activation": activation, "layer_norm_eps": eps}
        model = {"type": "clip", "embed_dim": DIM, "text": {**TEXT, **more},
                 "image": {"image_size": 56, "patch_size": 14, "width": 32, "layers": 3, "heads": 2, "mlp_ratio": 2, **more}}
        Parity(tool, folder, model, module, {"image": (pixels, image), "text": (tokens, text)}, convert=from_hugging_face).check(
            checks, f"transformers: {activation}, eps {eps}, end of text {end}")


def presets(checks, tool, folder):
    for preset in PRESETS:
        with torch.device("meta"):
            module = CLIP(**open_clip.get_model_config(preset))
        want = {name: list(x.shape) for name, x in module.state_dict().items()}
        (folder / "request.json").write_text(json.dumps({"model": {"type": "clip", "preset": preset}, "shapes": True}))
        done = subprocess.run([tool, str(folder / "request.json")], capture_output=True, text=True)
        got = json.loads(done.stdout)["shapes"] if done.returncode == 0 else {}
        wrong = [n for n in sorted(want.keys() | got.keys()) if want.get(n) != got.get(n)]
        checks.check(f"{preset}: {len(want)} names and shapes of open_clip", not wrong, done.stderr.strip() or ", ".join(wrong[:5]))


def main():
    checks = Checks()
    with tempfile.TemporaryDirectory() as name:
        for part in (vision_transformers, residual_networks, hugging_face, presets):
            part(checks, sys.argv[1], pathlib.Path(name))
    checks.leave()


main()
