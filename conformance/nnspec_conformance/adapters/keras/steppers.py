"""A stepper from an optimizer of Keras: ``sgd = stepper(keras.optimizers.SGD)``."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import keras
import numpy as np

BASE = "https://github.com/keras-team/keras/blob/v3.15.1/keras/src/optimizers/base_optimizer.py"
BROADCASTS = (
    "a gradient of one entry is taken for every entry of its variable, right is to refuse it: the step is assigned "
    f"after broadcasting; searched 2026-11-27, not found; {BASE}"
)
UNCHECKED = (
    "the number is used as it is, right is to refuse it: no range of a hyper-parameter is checked; "
    f"searched 2026-11-27, not found; {BASE}"
)
CAST = (
    "integer variables step and are cut off to integers, right is to refuse them; "
    f"searched 2026-11-27, not found; {BASE}"
)
PLACES = (
    "a gradient under another name is taken, right is to refuse it: Keras takes a list and pairs it with the variables "
    f"by place, a list of another length is all that it refuses; searched 2026-11-29, not found; {BASE}"
)
PARTLY = (
    "a step that is refused has moved the variables before the one whose gradient does not fit, right is to move none: "
    f"they are updated one after the other; searched 2026-11-30, not found; {BASE}"
)
EMPTY = (
    "an empty list of gradients is a step that does nothing, right is to refuse it; "
    f"searched 2026-11-27, not found; {BASE}"
)


def of_any_optimizer(operations: Iterable[str], own: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The known failures that every optimizer of Keras has, and its family's own, for each of these operations."""
    reasons = {
        "optimizer.gradients-of-others": BROADCASTS,
        "optimizer.negative-rate": UNCHECKED,
        "optimizer.nan-rate": UNCHECKED,
        "optimizer.integer-parameters": (CAST, lambda: keras.backend.backend() != "torch"),
        "optimizer.no-parameters": EMPTY,
        "duty.refused-steps": PARTLY,
        **(own or {}),
    }
    return {f"{clause}[{operation}]": reason for operation in operations for clause, reason in reasons.items()}


def stepper(optimizer: Callable) -> Callable:
    """The adapter's operation; what the suite leaves out is left out here, too.

    Args:
        optimizer: a class, or a function that makes an instance, of ``learning_rate`` and hyper-parameters. One that it
            has no keyword for is not implemented.
    """
    known = {name for name, p in inspect.signature(optimizer).parameters.items() if p.kind is not p.VAR_KEYWORD}

    def start(params: dict, **hyper: Any) -> Step:
        unknown = sorted(hyper.keys() - known)
        if unknown:
            raise NotImplementedError(f"{optimizer.__name__} has no {unknown[0]}")
        held = {name: keras.Variable(p, dtype=keras.backend.standardize_dtype(p.dtype)) for name, p in params.items()}
        return Step(optimizer(**hyper), held)

    return start


def in_places(grads: dict, held: dict) -> list:
    """The gradients as the list that Keras takes: each in the place of its variable, others where one is missing."""
    others = iter([g for name, g in grads.items() if name not in held])
    found = [grads[name] if name in grads else next(others, None) for name in held]
    return [g for g in found if g is not None] + list(others)


class Step:
    """One optimizer in progress."""

    def __init__(self, optimizer: keras.optimizers.Optimizer, held: dict):
        self.optimizer, self.held = optimizer, held
        optimizer.build(list(held.values()))

    def __call__(self, grads: dict, learning_rate: float | None = None) -> dict:
        if learning_rate is not None:
            self.optimizer.learning_rate = learning_rate
        self.optimizer.apply(in_places(grads, self.held))
        return {name: keras.ops.copy(v.value) for name, v in self.held.items()}

    def save(self) -> list:
        return [np.array(keras.ops.convert_to_numpy(v.value)) for v in self.optimizer.variables]

    def restore(self, saved: list) -> None:
        for variable, value in zip(self.optimizer.variables, saved, strict=True):
            variable.assign(value)
