"""A stepper from an optimizer of PyTorch: ``sgd = stepper(torch.optim.SGD)``."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from typing import Any

import torch

LEFT_OUT = (
    "a step without the gradient of one parameter is taken, right is to refuse it: parameters whose .grad is None are "
    "left out, as the documentation of zero_grad says; searched 2026-11-29, not found; "
    "https://github.com/pytorch/pytorch/blob/v2.13.0/torch/optim/optimizer.py"
)


def of_any_optimizer(*operations: str) -> dict[str, str]:
    """The known failures that every optimizer of PyTorch has."""
    return {f"optimizer.gradients-of-others[{operation}]": LEFT_OUT for operation in operations}


def stepper(optimizer: Callable) -> Callable:
    """The adapter's operation; what the suite leaves out is left out here, too.

    Args:
        optimizer: a class, or a function that makes an instance, of the parameters, ``lr`` and hyper-parameters. One
            that it has no keyword for is not implemented.
    """
    known = inspect.signature(optimizer).parameters
    takes_all = any(p.kind is p.VAR_KEYWORD for p in known.values())

    def start(params: dict, **hyper: Any) -> Step:
        given = {"lr" if name == "learning_rate" else name: value for name, value in hyper.items()}
        unknown = [] if takes_all else sorted(given.keys() - known.keys())
        if unknown:
            raise NotImplementedError(f"{optimizer.__name__} has no {unknown[0]}")
        held = {name: torch.nn.Parameter(p) for name, p in params.items()}
        return Step(optimizer(list(held.values()), **given), held)

    return start


class Step:
    """One optimizer in progress."""

    def __init__(self, optimizer: torch.optim.Optimizer, held: dict):
        self.optimizer, self.held = optimizer, held

    def begin(self, grads: dict, learning_rate: float | None) -> None:
        """See that each gradient has a place, and put the rate in force."""
        if others := sorted(grads.keys() - self.held.keys()):
            raise NotImplementedError(f"a gradient of {others[0]}: PyTorch has a place for each parameter's own only")
        if learning_rate is not None:
            for group in self.optimizer.param_groups:
                group["lr"] = learning_rate

    def __call__(self, grads: dict, learning_rate: float | None = None) -> dict:
        self.begin(grads, learning_rate)
        for name, p in self.held.items():
            p.grad = grads.get(name)
        self.optimizer.step()
        return {name: p.detach().clone() for name, p in self.held.items()}

    def save(self) -> dict:
        return copy.deepcopy(self.optimizer.state_dict())  # which hands out the state itself, not a copy

    def restore(self, saved: dict) -> None:
        self.optimizer.load_state_dict(saved)
