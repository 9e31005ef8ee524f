"""``ConstantLR``, one behind the other, and ``torch.optim.SGD`` with a scheduler."""

from __future__ import annotations

import torch
from torch.optim import lr_scheduler

from nnspec_conformance.adapters.torch.training.schedules.decay import rates as stepped

SOURCE = "https://github.com/pytorch/pytorch/blob/v2.13.0/torch/optim/lr_scheduler.py"
KNOWN_FAILURES = {
    "piecewise-constant.order": (
        "milestones that fall are taken, right is to refuse them: SequentialLR looks for a step by bisection, and "
        f"does not look at their order; searched 2026-11-29, not found; {SOURCE}"
    ),
}
FOR_EVER = 2**31  # steps; then ConstantLR takes its factor back


def constant_rate(steps, *, rate):
    return stepped(steps, rate, lambda o: lr_scheduler.ConstantLR(o, factor=1.0))


def piecewise_constant(steps, rates, *, boundaries):
    top = float(rates.max())

    def make(optimizer):
        pieces: list[lr_scheduler.LRScheduler] = [
            lr_scheduler.ConstantLR(optimizer, float(rate) / top, FOR_EVER) for rate in rates
        ]
        return lr_scheduler.SequentialLR(optimizer, pieces, list(boundaries))

    return stepped(steps, top, make)


def scheduled_descent(gradients, rates, *, resume_at=None):
    table = rates.tolist()

    def fresh():
        optimizer = torch.optim.SGD([w], lr=1.0)
        return optimizer, lr_scheduler.LambdaLR(optimizer, lambda k: table[k])

    w, found = torch.zeros((), dtype=gradients.dtype, requires_grad=True), []
    optimizer, scheduler = fresh()
    for k, g in enumerate(gradients):
        if k == resume_at:
            kept = optimizer.state_dict(), scheduler.state_dict()
            optimizer, scheduler = fresh()
            optimizer.load_state_dict(kept[0])
            scheduler.load_state_dict(kept[1])
        w.grad = g.clone()
        optimizer.step()
        scheduler.step()
        found.append(w.detach().clone())
    return torch.stack(found)
