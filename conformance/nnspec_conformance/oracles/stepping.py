"""How the oracle of an optimizer is written: the rule for one array, in the letters of its equation.

    @each_leaf
    def momentum(p, g, v, *, learning_rate, momentum):
        v = momentum * v + g
        return p - learning_rate * v, v

is a stepper of the adapter's form, for trees of any arrays: ``momentum(params, learning_rate=0.1, momentum=0.9)``.
A rule treats every entry by itself: arrays and hyper-parameters may have one more axis, the runs with rounded operands.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from nnspec_conformance.rounded import Runs


def as_it_is(operand):
    return operand


def always(condition):
    """Whether a condition on a hyper-parameter holds, in every run if there are several."""
    return condition if isinstance(condition, bool) else bool(np.all(condition))


def each_leaf(rule: Callable) -> Callable:
    """A stepper from a rule that steps one array by its own gradient.

    Args:
        rule: of the array, its gradient and its states, which start at zero, by position; of ``learning_rate`` and the
            other hyper-parameters by keyword, of ``t``, the number of the step from 1, of ``rounded``, for what is
            rounded on the way, and of ``rank``, the number of the array's axes, if it has these keywords. It returns
            the new array and the new states, or the array alone if it has none.

    Returns:
        ``start(params, *, rounded=as_it_is, **hyper)``; ``rounded`` is given every operand of every step.
    """
    parameters = inspect.signature(rule).parameters
    states = [name for name, p in parameters.items() if p.kind is p.POSITIONAL_OR_KEYWORD][2:]
    keywords = {name for name, p in parameters.items() if p.kind is p.KEYWORD_ONLY}

    @functools.wraps(rule)
    def start(params: dict, *, rounded: Callable = as_it_is, **hyper: Any) -> LeafStepper:
        if not params or any(np.asarray(p).dtype.kind in "iub" for p in params.values()):
            raise ValueError(f"{rule.__name__}: parameters must be floating-point arrays, at least one")
        unknown = sorted(hyper.keys() - keywords)
        if unknown:
            raise TypeError(f"{rule.__name__} has no {unknown[0]!r}; it has {', '.join(sorted(keywords))}")
        return LeafStepper(rule, params, len(states), hyper, keywords & {"t", "rounded", "rank"}, rounded)

    return start


class LeafStepper:
    """A stepper in progress: parameters, the states of each array, the step's number and the rate in force."""

    def __init__(self, rule: Callable, params: dict, states: int, hyper: dict, asks: set[str], rounded: Callable):
        self.rule, self.params, self.hyper, self.asks, self.rounded = rule, dict(params), dict(hyper), asks, rounded
        self.states = {name: tuple(np.zeros_like(p) for _ in range(states)) for name, p in params.items()}
        self.t = 0

    def __call__(self, grads: dict, learning_rate: float | None = None) -> dict:
        shapes = {name: p.shape for name, p in self.params.items()}
        if {name: np.shape(g) for name, g in grads.items()} != shapes:
            raise ValueError(f"gradients {sorted(grads)} do not fit the parameters {sorted(shapes)} or their shapes")
        self.t += 1
        if learning_rate is not None:
            self.hyper["learning_rate"] = learning_rate
        if not self.hyper.get("learning_rate", 0) >= 0:
            raise ValueError(f"learning_rate is {self.hyper['learning_rate']}, expected 0 or more")
        given = {k: self.rounded(v) if isinstance(v, float) else v for k, v in self.hyper.items()}
        given |= {k: v for k, v in (("t", self.t), ("rounded", self.rounded)) if k in self.asks}
        for name, g in grads.items():
            if "rank" in self.asks:
                given["rank"] = np.ndim(g) - isinstance(self.params[name], Runs)
            operands = map(self.rounded, (self.params[name], g, *self.states[name]))
            new = self.rule(*operands, **given)
            p, *state = new if self.states[name] else (new,)
            self.params[name] = self.like(self.params[name], p)
            self.states[name] = tuple(self.like(self.params[name], s) for s in state)
        return dict(self.params)

    @staticmethod
    def like(old: np.ndarray, new: Any) -> np.ndarray:
        new = np.asarray(new, old.dtype)
        return new.view(Runs) if isinstance(old, Runs) else new

    def save(self) -> tuple:
        return self.t, dict(self.states), self.hyper.get("learning_rate")

    def restore(self, saved: tuple) -> None:
        self.t, states, rate = saved
        self.states = dict(states)
        self.hyper |= {} if rate is None else {"learning_rate": rate}
