#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A folder of a SigLIP as transformers saves it, weights and tokenizer, is the teacher that transformers makes of it.

Vectors of sentences in any case and script and of images of any shape, and the accuracy of a zero-shot classification.

Use: siglip_texts_parity.py DIME   (in a venv with torch, transformers, sentencepiece, safetensors, pyyaml)
"""
import base64
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import torch
import yaml
from sentencepiece import SentencePieceTrainer
from transformers import SiglipConfig, SiglipImageProcessor, SiglipModel, SiglipTokenizer
from transformers.utils import logging

import corpora
from io_tool import Checks
from model_tool import draw
from shards import Shard, photograph

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden"))
from sentences import sentences  # noqa: E402

SIDE, WIDTH, CONTEXT, BOUND = 24, 48, 16, 1e-4
PROCESSOR = SiglipImageProcessor(size={"height": SIDE, "width": SIDE})
LABELS = ["bird", "Small Boat", "café", "train-station", "X", "the sky", "3 dogs", "猫"]


def save(folder):
    """The model and its tokenizer, trained on glosses; gives the number of tokens."""
    lines = [line.lower() for line in corpora.glosses()[:3000] + sentences()]
    with open(folder / "trained.model", "wb") as file:
        SentencePieceTrainer.train(sentence_iterator=iter(lines), model_writer=file, model_type="unigram", vocab_size=1500, pad_id=0,
                                   eos_id=1, unk_id=2, bos_id=-1, minloglevel=2)
    tokenizer = SiglipTokenizer(str(folder / "trained.model"), model_max_length=CONTEXT)
    tokens = len(tokenizer)
    vision = {"image_size": SIDE, "patch_size": 8, "hidden_size": WIDTH, "num_hidden_layers": 2, "num_attention_heads": 4,
              "intermediate_size": 96}
    text = {"hidden_size": WIDTH, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 96,
            "max_position_embeddings": CONTEXT, "vocab_size": tokens, "projection_size": WIDTH}
    model = SiglipModel(SiglipConfig(vision_config=vision, text_config=text)).eval()
    draw(model)
    model.save_pretrained(folder / "hub")
    tokenizer.save_pretrained(folder / "hub")
    PROCESSOR.save_pretrained(folder / "hub")
    return model, tokenizer, tokens


def teacher(tokens):
    sizes = {"width": WIDTH, "layers": 2, "heads": 4, "mlp_ratio": 2, "activation": "gelu_tanh"}
    return {"type": "siglip", "embed_dim": WIDTH, "init": "hub", "image": {"image_size": SIDE, "patch_size": 8, **sizes},
            "text": {"context": CONTEXT, "vocabulary": tokens, **sizes}}


def encode_texts(model, tokenizer, texts):
    tokens = tokenizer(texts, padding="max_length", truncation=True, max_length=CONTEXT, return_tensors="pt")["input_ids"]
    with torch.no_grad():
        return torch.nn.functional.normalize(model.get_text_features(input_ids=tokens).pooler_output, dim=-1)


def encode_images(model, images):
    pixels = PROCESSOR(images, return_tensors="pt")["pixel_values"]
    with torch.no_grad():
        vectors = model.get_image_features(pixel_values=pixels).pooler_output
    return torch.nn.functional.normalize(vectors, dim=-1)


def write_images(folder, model, tokenizer, rng):
    """Images of every shape, three of four under the class that is nearest; gives vectors by their keys, and how many are."""
    images = [photograph(rng, 64).crop((0, 0, int(rng.integers(20, 65)), int(rng.integers(20, 65)))) for _ in range(120)]
    vectors = encode_images(model, images)
    labels = sorted(LABELS)
    nearest = (vectors @ encode_texts(model, tokenizer, [f"A photo of a {label}." for label in labels]).T).argmax(1).tolist()
    keys, right = {}, 0
    for i, image in enumerate(images):
        label = nearest[i] if i % 4 else i // 4 % len(labels)
        right += label == nearest[i]
        keys[f"{labels[label]}/{i}.png"] = vectors[i]
        (folder / "held" / labels[label]).mkdir(parents=True, exist_ok=True)
        image.save(folder / "held" / labels[label] / f"{i}.png")
    return keys, right


def experiment(folder, tokens, texts):
    shard = Shard(folder, "texts")
    for i, text in enumerate(texts):
        shard.add(f"t{i}", json.dumps({"captions": [text]}).encode())
    shard.close()
    held = {"type": "image_folder", "root": "held"}
    (folder / "run.yaml").write_text(yaml.safe_dump({
        "schema": 1, "name": "texts", "device": "cpu", "models": {"teacher": teacher(tokens)},
        "data": {"texts": {"source": {"type": "tsv_texts", "list": "texts.list"}, "batch_size": 8},
                 "images": {"source": held, "batch_size": 8}},
        "extract": {what: {"of": f"data.{what}", "model": "teacher", "to": {"stem": what + "-vectors"}} for what in ("texts", "images")},
        "evaluate": {"held": {"task": "zero_shot", "models": ["teacher"], "templates": ["A photo of a {}."], "data": held}}}, sort_keys=False))


def extracted(folder, what):
    rows = [line.split("\t") for line in (folder / f"{what}-vectors-0.tsv").read_text().splitlines()]
    vectors = torch.tensor(np.stack([np.frombuffer(base64.b64decode(row[1]), "<f4") for row in rows]))
    return [row[0] for row in rows], torch.nn.functional.normalize(vectors, dim=-1)


def ask(checks, dime, *words):
    done = subprocess.run([dime, *words], capture_output=True, text=True)
    if done.returncode != 0:
        checks.check(f"dime {words[0]}", False, done.stderr)
        checks.leave()
    return done.stdout


def main():
    logging.set_verbosity_error()
    checks, dime = Checks(), os.path.abspath(sys.argv[1])
    # A row's "[unused0]" is read as "person".
    texts = [text for text in sentences() if text.strip() and "[unused0]" not in text] + corpora.glosses()[5000:5300]
    with tempfile.TemporaryDirectory() as name:
        os.chdir(name)
        folder = pathlib.Path(name)
        model, tokenizer, tokens = save(folder)
        images, right = write_images(folder, model, tokenizer, np.random.default_rng(11))
        experiment(folder, tokens, texts)
        ask(checks, dime, "extract", "run.yaml")
        _, ours = extracted(folder, "texts")
        far = (ours - encode_texts(model, tokenizer, texts)).norm(dim=-1).max().item()
        checks.check(f"vectors of {len(texts)} sentences", far <= BOUND, f"{far:.1e}")
        keys, ours = extracted(folder, "images")
        far = (ours - torch.stack([images[key] for key in keys])).norm(dim=-1).max().item()
        checks.check(f"vectors of {len(images)} images", len(keys) == len(images) and far <= BOUND, f"{far:.1e}")
        found = json.loads(ask(checks, dime, "eval", "run.yaml", "--json"))["evaluate"]["held"]["teacher"]["accuracy"]
        checks.check("accuracy of a zero-shot classification", found == right / len(images), f"{found:.4f}, theirs {right / len(images):.4f}")
        os.chdir("/")
    checks.leave()


main()
