"""``torch.optim.SGD`` with ``momentum``, ``dampening`` and ``nesterov``."""

from __future__ import annotations

import torch

from nnspec_conformance.adapters.torch.steppers import of_any_optimizer, stepper

VARIANTS = {
    "momentum.rate-position": "outside",
    "momentum.dampening": "whole",
    "momentum.weight-decay": "gradient",
}

SGD = "https://github.com/pytorch/pytorch/blob/v2.13.0/torch/optim/sgd.py"
NAN = (
    "torch.optim.SGD(params, lr=nan) steps, right is to refuse it: the check is `lr < 0.0`, which NaN is not; "
    f"searched 2026-11-27, not found; {SGD}"
)
RANGE = (
    "a momentum of 1 steps and so does NaN, right is to refuse both: the check is momentum < 0.0; "
    f"searched 2026-11-27, not found; {SGD}"
)
DAMPENING = (
    "a dampening of 1.5 climbs and one of -0.25 steps, right is to refuse both: it is not checked; "
    f"searched 2026-11-27, not found; {SGD}"
)
IGNORED = (
    "with a momentum of 0 a dampening of 0.25 has no effect, right is 3/4 of each gradient from the second on: the "
    f"velocity is left out with its dampening; searched 2026-11-28, not found; {SGD}"
)
KNOWN_FAILURES = of_any_optimizer("momentum", "nesterov") | {
    "duty.attributes[momentum]; momentum=0, dampening=0.3": IGNORED,
    "optimizer.nan-rate[momentum]": NAN,
    "optimizer.nan-rate[nesterov]": NAN,
    "momentum.range[momentum]": RANGE,
    "momentum.range[nesterov]": RANGE,
    "momentum.dampening-range": DAMPENING,
}


@stepper
def momentum(params, lr, *, momentum, dampening=0.0, weight_decay=0.0):
    return torch.optim.SGD(params, lr, momentum=momentum, dampening=dampening, weight_decay=weight_decay)


@stepper
def nesterov(params, lr, *, momentum):
    return torch.optim.SGD(params, lr, momentum=momentum, nesterov=True)
