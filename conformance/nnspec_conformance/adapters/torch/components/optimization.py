"""``torch.optim.SGD``, its gradients added by ``.grad``, and ``AveragedModel``."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch.optim import swa_utils

from nnspec_conformance.adapters.torch.steppers import LEFT_OUT, Step, of_any_optimizer, stepper

VARIANTS = {"gradient-accumulation.combine": "sum", "exponential-average.start": "copied"}
DEFAULTS = {"exponential-average.default": 0.999}

PAIRED = (
    "a step without kernel is taken, and one whose kernel has length one along an axis, right is to refuse both: "
    "AveragedModel pairs parameters by zip, whatever their names and number, and lerp broadcasts; "
    "searched 2026-11-27, not found; https://github.com/pytorch/pytorch/blob/v2.13.0/torch/optim/swa_utils.py"
)
PARTLY = (
    "a step that is refused has averaged the parameters before the one that does not fit, right is to average none: "
    "lerp takes them one after the other; "
    "searched 2026-11-30, not found; https://github.com/pytorch/pytorch/blob/v2.13.0/torch/optim/swa_utils.py"
)
KNOWN_FAILURES = of_any_optimizer("gradient_descent") | {
    "duty.names[gradient_accumulation]": LEFT_OUT,
    "duty.broadcasting[exponential_average]": PAIRED,
    "duty.names[exponential_average]": PAIRED,
    "duty.refused-steps[exponential_average]": PARTLY,
    "optimizer.nan-rate[gradient_descent]": (
        "torch.optim.SGD(params, lr=nan) steps, right is to refuse it: the check is `lr < 0.0`, which NaN is not; "
        "searched 2026-11-27, not found; https://github.com/pytorch/pytorch/blob/v2.13.0/torch/optim/sgd.py"
    ),
    "gradient-accumulation.state": (
        "restored in the middle of a step, the gradients added before are lost, right is to keep them: they lie in "
        ".grad, which no state_dict holds; searched 2026-11-27, not found; https://github.com/pytorch/pytorch/blob/v2.13.0/torch/optim/optimizer.py"
    ),
}


@stepper
def gradient_descent(params, lr, *, weight_decay=0.0, decayed="all"):
    if decayed == "matrices":
        groups = [(weight_decay, [p for p in params if p.ndim > 1]), (0.0, [p for p in params if p.ndim < 2])]
        return torch.optim.SGD([{"params": group, "weight_decay": decay} for decay, group in groups], lr)
    return torch.optim.SGD(params, lr, weight_decay=weight_decay)


class Accumulating(Step):
    """An optimizer that steps when enough gradients were added to ``.grad`` by ``backward``."""

    def __init__(self, optimizer: torch.optim.Optimizer, held: dict, every: int):
        super().__init__(optimizer, held)
        self.every, self.count = every, 0

    def __call__(self, grads: dict, learning_rate: float | None = None) -> dict:
        self.begin(grads, learning_rate)
        told = [name for name in self.held if name in grads]
        torch.autograd.backward([self.held[name] for name in told], [grads[name] for name in told])
        self.count += 1
        if self.count % self.every == 0:
            self.optimizer.step()
            self.optimizer.zero_grad()
        return {name: p.detach().clone() for name, p in self.held.items()}


def gradient_accumulation(params, *, learning_rate, every):
    held = {name: torch.nn.Parameter(p) for name, p in params.items()}
    return Accumulating(torch.optim.SGD(list(held.values()), learning_rate), held, every)


class Average:
    """An ``AveragedModel`` of a module that holds the parameters."""

    def __init__(self, params: dict, **given: float):
        average = swa_utils.get_ema_multi_avg_fn(**given)
        self.model = swa_utils.AveragedModel(torch.nn.ParameterDict(params), multi_avg_fn=average)

    def __call__(self, params: dict) -> dict:
        self.model.update_parameters(torch.nn.ParameterDict(params))
        averaged: Any = self.model.module  # the ParameterDict, typed as any module
        return {name: averaged[name].detach().clone() for name in params}

    def save(self) -> dict:
        return copy.deepcopy(self.model.state_dict())

    def restore(self, saved: dict) -> None:
        self.model.load_state_dict(saved)


def exponential_average(params, **hyper):
    return Average(params, **{"decay" if name == "decay_rate" else name: value for name, value in hyper.items()})
