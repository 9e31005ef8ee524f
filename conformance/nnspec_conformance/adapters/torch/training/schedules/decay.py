"""The schedulers of ``torch.optim.lr_scheduler``, stepped from step 0 to the last that is asked for."""

from __future__ import annotations

import torch
from torch.optim import lr_scheduler

VARIANTS = {"cosine-decay.after-end": "rises"}
SOURCE = "https://github.com/pytorch/pytorch/blob/v2.13.0/torch/optim/lr_scheduler.py"
KNOWN_FAILURES = {
    "decay.lengths[cosine_decay]": (
        f"a T_max of -3 is taken, right is to refuse it: no range is checked; searched 2026-11-28, not found; {SOURCE}"
    ),
    "decay.ends[cosine_decay]": (
        "an eta_min above the rate is taken, right is to refuse it: no range is checked; searched 2026-11-29, "
        f"not found; {SOURCE}"
    ),
    "decay.factors[step_decay]": (
        "a gamma of 1.5 and of -0.5 is taken, right is to refuse it: no range is checked; searched 2026-11-29, "
        f"not found; {SOURCE}"
    ),
}
FARTHEST = 10_000  # a scheduler goes step by step


def rates(steps, initial, make):
    last = int(steps.max()) if steps.numel() else 0
    if last > FARTHEST:
        raise NotImplementedError("a scheduler is stepped, and has no rate of a far step")
    if steps.numel() and int(steps.min()) < 0:
        raise NotImplementedError("a scheduler is stepped, and has no rate of a step before 0")
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=float(initial))
    scheduler, found = make(optimizer), []
    for _ in range(last + 1):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return torch.tensor(found)[steps.long()]


def step_decay(steps, boundaries, *, initial, factor):
    return rates(steps, initial, lambda o: lr_scheduler.MultiStepLR(o, boundaries.tolist(), gamma=factor))


def exponential_decay(steps, *, initial, decay_steps, decay_rate, staircase=None):
    if staircase:
        return rates(steps, initial, lambda o: lr_scheduler.StepLR(o, decay_steps, gamma=decay_rate))
    if decay_steps != 1:
        raise NotImplementedError("ExponentialLR has a factor for each step")
    return rates(steps, initial, lambda o: lr_scheduler.ExponentialLR(o, gamma=decay_rate))


def polynomial_decay(steps, *, initial, end, decay_steps, power):
    if end != 0:
        raise NotImplementedError("PolynomialLR ends at 0")
    return rates(steps, initial, lambda o: lr_scheduler.PolynomialLR(o, total_iters=decay_steps, power=power))


def cosine_decay(steps, *, initial, decay_steps, floor):
    return rates(steps, initial, lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=decay_steps, eta_min=floor))
