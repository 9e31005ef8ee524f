"""Tests of components/losses/cross_entropy: second derivatives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case, clause, second_derivative
from nnspec_conformance.inputs import normal_draws, wide
from nnspec_conformance.oracles.components import activations
from nnspec_conformance.oracles.components.losses import cross_entropy as oracle
from nnspec_conformance.suite.components.losses.test_cross_entropy import (
    BINARY,
    CLASSES,
    FROM_LOGITS,
    NONE,
    SMOOTHED,
    arrays,
    log_errors,
    widened,
)
from nnspec_conformance.tolerance import Want, bound


def curvature(operation: str, given: tuple, along: np.ndarray, attributes: dict, **readings: Any) -> Want:
    """The second derivatives along a direction in float64, and the same sums with every term in absolute value."""
    dtype, exact_arrays, v = str(given[0].dtype), widened(given), wide(along)
    value = getattr(oracle, f"{operation}_second_derivative")(*exact_arrays, v, **attributes, **readings)
    reach = np.abs(v) * (1 + attributes.get("positive_weight", 1.0))
    if operation in FROM_LOGITS:
        p = activations.softmax(exact_arrays[0])
        size = p * (np.abs(v) + (p * np.abs(v)).sum(-1, keepdims=True))
        size, reach = size * (2 * log_errors(exact_arrays[0]) + CLASSES + 6), reach + reach.sum(-1, keepdims=True)
    elif operation == "sigmoid_binary_cross_entropy":
        size = 16 * reach
    elif operation == "binary_cross_entropy":
        p = exact_arrays[0]
        size = 16 * (np.abs(value) + reach / (p * (1 - p)))  # the quotient rule for (p - t) / (p (1 - p))
    else:
        size = 16 * (np.abs(value) + np.abs(v).sum(-1, keepdims=True) / exact_arrays[0].sum(-1, keepdims=True) ** 2)
    return bound(value, size, 0, dtype, underflow=4 * reach)


@clause("cross-entropy.second-derivative")
def test_second_derivative(operation: str, readings: dict) -> Iterator[Case]:
    told = {k: readings[k] for k in ("direction", "normalization") if k in readings}

    def want(*operands: np.ndarray, **asked: Any) -> Want:
        return curvature(operation, operands[:-1], operands[-1], asked, **told)

    given = arrays(operation)
    along = normal_draws(34, given[0].shape)
    more: dict[str, Any] = {"positive_weight": 3.0} if operation in BINARY else SMOOTHED
    for asked in [{}, more] if operation in (*FROM_LOGITS, *BINARY) else [{}]:
        yield second_derivative(operation, *given, along=along, **NONE, **asked, want=want, note="p held constant")
