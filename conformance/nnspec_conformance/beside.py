"""The answer that a subject computes where it also differentiates, as its gradient for a factor of that answer.

An adapter hands out gradients alone. The gradient of ``sum(s * f(x))`` for factors ``s`` is the answer ``f(x)`` of the
call that was recorded for it, or of the program that has both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case
from nnspec_conformance.dtypes import is_float
from nnspec_conformance.errors import ClauseFailed, Refused
from nnspec_conformance.flat import as_gradients, of_floats
from nnspec_conformance.functions import Function
from nnspec_conformance.trees import leaves
from nnspec_conformance.trial import Trial


def is_recorded(trial: Trial) -> bool:
    """Whether the subject has a gradient of its calls; one that is written by hand records none."""
    adapter = trial.subject.adapter
    return hasattr(adapter, "vjp") and getattr(adapter, f"{trial.operation}_vjp", None) is None


def beside_the_gradient(trial: Trial, case: Case, answer: Any) -> list[np.ndarray]:
    """The floating-point arrays of the answer to a call, as they come with a gradient.

    Args:
        trial: the subject.
        case: the call.
        answer: to that call by itself, which says how many arrays there are and of what shapes.
    """
    subject, attributes = trial.subject, case.attributes | trial.setting.told
    ones = tuple(np.ones_like(y) for y in leaves(answer) if is_float(y))
    floats = [is_float(y) for y in leaves(answer)]

    def body(f: Callable) -> tuple:
        g, primals = of_floats(case.operation, f, case.arrays, [subject._in(x) for x in case.arrays], attributes)

        def product(*both: Any) -> tuple:
            given, factors = both[: len(primals)], both[len(primals) :]
            results = [y for y, taken in zip(parts_of(g(*given), answer), floats, strict=True) if taken]
            return tuple(s * y for s, y in zip(factors, results, strict=True))

        scaled = Function(product, case.operation, "scaled", g, floats)
        vjp = subject.adapter.vjp
        return as_gradients("vjp", vjp(scaled, (*primals, *map(subject._in, ones)), subject._in(ones)))[-len(ones) :]

    try:
        return list(subject._guard(case.operation, case.arrays, body, "gradient", attributes))
    except (ClauseFailed, Refused) as error:
        error.call = f"gradient of s * {case.describe(trial.setting.told)} for s in {case.dtype}"
        raise


def parts_of(tree: Any, like: Any) -> list:
    """What stands where the arrays of a nesting stand, in their order."""
    if isinstance(like, dict):
        return [part for name in like for part in parts_of(tree[name], like[name])]
    if isinstance(like, tuple | list):
        return [part for one, of in zip(tree, like, strict=True) for part in parts_of(one, of)]
    return [tree] if isinstance(like, np.ndarray | np.generic) else []
