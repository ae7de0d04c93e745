#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Forward and backward of DIME-FM's losses in eager PyTorch, on random vectors, as `dime bench loss` does it.

usage: peer.py IMAGES TEXTS DIM TERMS THREADS     prints JSON: seconds (the median) and extra_mib
"""
import json
import resource
import statistics
import sys
import time

import torch
import torch.nn.functional as F

ENOUGH, LONG, MOST = 3.0, 10.0, 51


def normalised(x):
    return x / x.norm(dim=-1, keepdim=True)


def scores(a, b):
    return 100.0 * normalised(a) @ normalised(b).t()


def kl(teacher, student, temperature):
    return F.kl_div(F.log_softmax(student / temperature, 1), F.softmax(teacher / temperature, 1), reduction="batchmean")


def total(terms, student, images, texts):
    losses = []
    if "vl" in terms:
        teacher, own = scores(images, texts), scores(student, texts)
        losses.append(kl(teacher, own, 1) + kl(teacher.t(), own.t(), 1))
    if "pvl" in terms or "udist" in terms:
        teacher = scores(images, images)
    if "pvl" in terms:
        losses.append(2 * kl(teacher, scores(student, images), 1))
    if "udist" in terms:
        losses.append(2 * kl(teacher, scores(student, student), 1))
    return sum(losses)


def peak_mib():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main():
    images, texts, dim, terms, threads = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4].split(","), int(sys.argv[5])
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    student = torch.randn(images, dim, requires_grad=True)
    teacher, text = torch.randn(images, dim), torch.randn(texts, dim)
    before = peak_mib()

    def step():
        start = time.perf_counter()
        total(terms, student, teacher, text).backward()
        taken = time.perf_counter() - start
        student.grad = None
        return taken

    times = [step()]
    if times[0] < LONG:
        times = []
    while not times or (sum(times) < ENOUGH and times[0] < LONG and len(times) < MOST):
        times.append(step())
    print(json.dumps({"seconds": statistics.median(times), "extra_mib": round(peak_mib() - before), "repeats": len(times)}))


main()
