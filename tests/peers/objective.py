# SPDX-License-Identifier: Apache-2.0
"""DIME-FM's losses, optimiser groups and schedule in plain PyTorch."""
import torch
import torch.nn.functional as F
from timm.scheduler.cosine_lr import CosineLRScheduler

PLAIN = ("relative_position_bias_table", "absolute_pos_embed", "positional_embedding", "token_embedding")


def scores(a, b, scale=100.0):
    return scale * F.normalize(a, dim=-1) @ F.normalize(b, dim=-1).T


def kl(teacher, student, temperature):
    """Mean over rows of KL(teacher || student)."""
    return F.kl_div((student / temperature).log_softmax(1), (teacher / temperature).log_softmax(1), reduction="batchmean", log_target=True)


def vl(s, t, x, temperature):
    return kl(scores(t, x), scores(s, x), temperature) + kl(scores(x, t), scores(x, s), temperature)


def pvl(s, t, _, temperature):
    return 2 * kl(scores(t, t), scores(s, t), temperature)


def udist(s, t, _, temperature):
    return 2 * kl(scores(t, t), scores(s, s), temperature)


LOSSES = {"vl": vl, "pvl": pvl, "udist": udist}


def adamw(model, lr, weight_decay):
    decayed, plain = [], []
    for name, p in model.named_parameters():
        skip = p.ndim <= 1 or name.endswith(".bias") or any(part in name for part in PLAIN)
        (plain if skip else decayed).append(p)
    return torch.optim.AdamW([{"params": decayed}, {"params": plain, "weight_decay": 0.0}], lr=lr, eps=1e-8, betas=(0.9, 0.999),
                             weight_decay=weight_decay)


def rates(total, warmup, base, warmup_lr, floor):
    """The rate of each update, where the scheduler is stepped after update i with index i."""
    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=base)
    scheduler = CosineLRScheduler(optimizer, t_initial=total, lr_min=floor, warmup_lr_init=warmup_lr, warmup_t=warmup, cycle_limit=1,
                                  t_in_epochs=False)
    for i in range(total):
        yield optimizer.param_groups[0]["lr"]
        scheduler.step_update(i)
