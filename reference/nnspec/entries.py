"""What the entries of an array must be, held before a call is compiled: labels, weights, probabilities.

Shapes are `nnspec.checking`'s business. A compiled program cannot raise for a number, so that traced arrays are not
looked at.
"""

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

__all__ = ["between_0_and_1", "classes_of", "distributions", "held", "not_negative", "positive"]

F = TypeVar("F", bound=Callable[..., Any])
Rule = Callable[[np.ndarray, Mapping[str, Any]], str]
SLACK = 0.01  # by which a row of probabilities may miss the sum 1, besides four units of its dtype


def held(**rules: Rule) -> Callable[[F], F]:
    """Refuse a call of which an array breaks its rule.

    Args:
        rules: for each array a function of the array and of all arguments; it returns what is wrong, or nothing.

    Returns:
        A decorator; the function raises ValueError in one line.
    """

    def decorate(function: F) -> F:
        signature = inspect.signature(function)

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            given = signature.bind(*args, **kwargs).arguments
            known = {n: x for n in rules if isinstance(x := given.get(n), jax.Array) and not isinstance(x, Tracer)}
            for name, x in known.items():  # by NumPy: XLA would compile each rule for each shape
                if problem := rules[name](np.asarray(x), given):
                    raise ValueError(f"{function.__name__}: {name} {problem}")
            return function(*args, **kwargs)

        return wrapper  # pyright: ignore[reportReturnType]

    return decorate


def classes_of(scores: str, *, ignored: str = "") -> Rule:
    """The rule that each label is a class of ``scores``, or the label that the argument ``ignored`` holds."""

    def rule(labels: np.ndarray, given: Mapping[str, Any]) -> str:
        classes, allowed = given[scores].shape[-1], given.get(ignored)
        wrong = (labels < 0) | (labels >= classes)
        if allowed is not None:
            wrong &= labels != allowed
        if not wrong.any():
            return ""
        return f"has the label {int(labels[wrong][0])}, expected 0 to {classes - 1}, the classes of {scores}"

    return rule


def not_negative(x: np.ndarray, given: Mapping[str, Any]) -> str:
    """The rule that no entry is negative."""
    return f"has the entry {float(x.min()):g}, expected none below 0" if (x < 0).any() else ""


def positive(x: np.ndarray, given: Mapping[str, Any]) -> str:
    """The rule that every entry is above 0; NaN is handed on."""
    return f"has the entry {float(x.min()):g}, expected all above 0" if (x <= 0).any() else ""


def between_0_and_1(p: np.ndarray, given: Mapping[str, Any]) -> str:
    """The rule that every entry is a probability; NaN is handed on."""
    wrong = (p < 0) | (p > 1)
    return f"has the entry {float(p[wrong][0]):g}, expected probabilities from 0 to 1" if wrong.any() else ""


def distributions(p: np.ndarray, given: Mapping[str, Any]) -> str:
    """The rule that every row holds probabilities with the sum 1."""
    total = p.astype(np.float64).sum(-1)
    wrong = np.abs(total - 1) > SLACK + 4 * float(jnp.finfo(p.dtype).eps)
    if problem := between_0_and_1(p, given):
        return problem
    return f"has a row with the sum {float(total[wrong][0]):g}, expected 1; are they logits?" if wrong.any() else ""
