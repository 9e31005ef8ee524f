"""``torch.optim.lr_scheduler.ReduceLROnPlateau``, stepped with one metric after the other."""

from __future__ import annotations

import torch
from torch.optim.lr_scheduler import ReduceLROnPlateau

VARIANTS = {"reduce-on-plateau.cut": "exceeded", "reduce-on-plateau.relative-to": "value"}
NOT_FOUND = (
    "no range is checked; searched 2026-11-28, not found; "
    "https://github.com/pytorch/pytorch/blob/v2.13.0/torch/optim/lr_scheduler.py"
)
KNOWN_FAILURES = {
    "reduce-on-plateau.no-number": (
        "metrics of True and False are taken for 1 and 0, right is to refuse them: step calls float; searched "
        "2026-11-29, not found; https://github.com/pytorch/pytorch/blob/v2.13.0/torch/optim/lr_scheduler.py"
    ),
    "reduce-on-plateau.patience-range": f"a patience of 0 and of -1 is taken, right is to refuse it: {NOT_FOUND}",
    "reduce-on-plateau.min-delta-range": f"a threshold of -0.5 is taken, right is to refuse it: {NOT_FOUND}",
    "reduce-on-plateau.cooldown-range": f"a cooldown of -1 is taken, right is to refuse it: {NOT_FOUND}",
    "reduce-on-plateau.floor-range": f"a min_lr above the rate is taken, right is to refuse it: {NOT_FOUND}",
}
MEASURES = {"absolute": "abs", "relative": "rel"}


def reduce_on_plateau(metrics, *, initial, factor, patience, min_delta, min_delta_is, floor, **given):
    told = {
        "factor": factor, "patience": patience, "threshold": min_delta, "threshold_mode": MEASURES[min_delta_is],
        "min_lr": floor, "eps": 0.0, **given,
    }  # fmt: skip
    rows = metrics.reshape(-1, metrics.shape[-1]).tolist()
    return torch.tensor([watched(row, initial, told) for row in rows]).reshape(metrics.shape)


def watched(series, initial, told):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=initial)
    scheduler, found = ReduceLROnPlateau(optimizer, **told), []
    for metric in series:
        scheduler.step(metric)
        found.append(optimizer.param_groups[0]["lr"])
    return found
