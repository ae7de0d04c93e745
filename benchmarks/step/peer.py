#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A student's updates and inference as eager PyTorch writes them, batch 32, two threads, fused AdamW.

Use: peer.py vit_b32|small fp32|bf16 STEPS   Prints [training images a second, inference images a second].
"""
import json
import sys
import time

import torch
import torch.nn.functional as F
from open_clip.transformer import QuickGELU, VisionTransformer

SIZES = {"vit_b32": dict(image_size=224, patch_size=32, width=768, layers=12, heads=12, output_dim=768),
         "small": dict(image_size=32, patch_size=8, width=64, layers=2, heads=2, output_dim=64)}
BATCH = 32


def main():
    name, precision, steps = sys.argv[1], sys.argv[2], int(sys.argv[3])
    torch.set_num_threads(2)
    torch.manual_seed(0)
    sizes = SIZES[name]
    model = VisionTransformer(mlp_ratio=4.0, act_layer=QuickGELU, **sizes)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.05, fused=True)
    pixels = torch.randn(BATCH, 3, sizes["image_size"], sizes["image_size"])
    teacher = F.normalize(torch.randn(BATCH, sizes["output_dim"]), dim=-1)
    autocast = torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bf16")

    def step():
        with autocast:
            vectors = model(pixels)
        vectors = F.normalize(vectors.float(), dim=-1)
        loss = F.kl_div((100 * vectors @ teacher.T).log_softmax(1), (100 * teacher @ teacher.T).softmax(1), reduction="batchmean")
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    def rate(work):
        work()
        start = time.time()
        for _ in range(steps):
            work()
        return steps * BATCH / (time.time() - start)

    train = rate(step)
    model.eval()
    with torch.inference_mode(), autocast:
        inference = rate(lambda: model(pixels))
    print(json.dumps([train, inference]))


main()
