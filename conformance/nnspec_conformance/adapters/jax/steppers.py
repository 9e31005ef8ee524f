"""A stepper from a gradient transformation of Optax: ``sgd = stepper(optax.sgd)``."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jax
import optax

UPDATE = "https://github.com/google-deepmind/optax/blob/v0.2.8/optax/_src/update.py"
BROADCASTS = (
    "a gradient of one entry is taken for every entry, right is to refuse it: apply_updates adds by the rules of "
    f"broadcasting; searched 2026-11-27, not found; {UPDATE}"
)
UNCHECKED = (
    "the number is used as it is, right is to refuse it: no range of a hyper-parameter is checked; "
    "searched 2026-11-27, not found; https://github.com/google-deepmind/optax/blob/v0.2.8/optax/_src/alias.py"
)
CAST = (
    "integer parameters step and are cut off, right is to refuse them: apply_updates casts to the dtype of the "
    f"parameter; searched 2026-11-27, not found; {UPDATE}"
)
EMPTY = (
    "a tree without arrays steps, right is to refuse it: every transformation maps over the tree; "
    f"searched 2026-11-27, not found; {UPDATE}"
)


def of_any_optimizer(operations: Iterable[str], own: Mapping[str, str] | None = None) -> dict[str, str]:
    """The known failures that every optimizer of Optax has, and its family's own, for each of these operations."""
    reasons = {
        "optimizer.gradients-of-others": BROADCASTS,
        "optimizer.negative-rate": UNCHECKED,
        "optimizer.nan-rate": UNCHECKED,
        "optimizer.integer-parameters": CAST,
        "optimizer.no-parameters": EMPTY,
        **(own or {}),
    }
    return {f"{clause}[{operation}]": reason for operation in operations for clause, reason in reasons.items()}


def stepper(make: Callable) -> Callable:
    """The adapter's operation; what the suite leaves out is left out here, too.

    Args:
        make: a function of ``learning_rate`` and hyper-parameters that makes an ``optax.GradientTransformation``. One
            that it has no keyword for is not implemented. It is compiled once for each set of hyper-parameters, with
            the learning rate as an argument; but in float64, where a step differs from that in float32 by its rounding
            alone, it runs as it stands: operation by operation, which are compiled once for all optimizers.
    """
    known = inspect.signature(make).parameters

    @functools.lru_cache(maxsize=64)
    def compiled(**hyper: Any) -> tuple[Callable, Callable, Callable]:
        def update(grads: Any, state: Any, params: Any, rate: Any) -> tuple:
            updates, state = make(learning_rate=rate, **hyper).update(grads, state, params)
            return optax.apply_updates(params, updates), state

        return make(learning_rate=0.0, **hyper).init, update, jax.jit(update)

    def start(params: dict, *, learning_rate: float, **hyper: Any) -> Step:
        unknown = sorted(hyper.keys() - known.keys())
        if unknown:
            raise NotImplementedError(f"{make.__name__} has no {unknown[0]}")
        make(learning_rate=learning_rate, **hyper)  # a wrong rate is refused where it is a plain number
        init, eager, update = compiled(**hyper)
        double = any(x.dtype == "float64" for x in jax.tree.leaves(params))
        return Step(eager if double else update, params, init(params), learning_rate)

    return start


class Step:
    """One transformation in progress; arrays are never changed, so that a state saved stays what it was."""

    def __init__(self, update: Callable, params: dict, state: Any, rate: float):
        self.update, self.params, self.state, self.rate = update, params, state, rate

    def __call__(self, grads: dict, learning_rate: float | None = None) -> dict:
        self.rate = self.rate if learning_rate is None else learning_rate
        self.params, self.state = self.update(grads, self.state, self.params, self.rate)
        return self.params

    def save(self) -> tuple:
        return self.state, self.rate

    def restore(self, saved: tuple) -> None:
        self.state, self.rate = saved


def averager(make: Callable) -> Callable:
    """The adapter's operation from a transformation that takes parameters and returns their average.

    Args:
        make: a function of hyper-parameters that makes an ``optax.GradientTransformation``, such as ``optax.ema``.
    """

    @functools.lru_cache(maxsize=64)
    def compiled(**hyper: Any) -> tuple[Callable, Callable]:
        transformation = make(**hyper)

        def update(params: Any, state: Any, average: Any, rate: Any) -> tuple:
            return transformation.update(params, state, None)

        return transformation.init, jax.jit(update)

    def start(params: dict, **hyper: Any) -> Step:
        init, update = compiled(**hyper)
        return Step(update, params, init(params), 0.0)

    return start
