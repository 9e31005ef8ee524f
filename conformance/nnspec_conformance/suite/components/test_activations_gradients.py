"""Tests of components/activations: first and second derivatives of the elementwise functions over their range."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nnspec_conformance.cases import Case, clause, gradient, second_derivative
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.inputs import normal_draws, real_numbers, same_length, wide
from nnspec_conformance.suite.components.test_activations import change, fixed, float64_oracle, oracle_error
from nnspec_conformance.tolerance import Want, smallest_normal, ulps

KINKS = {
    "relu": [0], "leaky_relu": [0], "elu": [0], "selu": [0], "hard_sigmoid": [-3, 3, -2.5, 2.5, -1, 1]
}  # fmt: skip


def slope_body(operation: str, x: np.ndarray) -> np.ndarray:
    """Magnitude on which accuracy is measured: x multiplies the rounding of a gate, or is rounded in an exponent."""
    largest = 8.0 if operation in ("silu", "gelu", "softplus") else 1.0
    return np.clip(np.abs(x.astype(np.float64)), 1.0, largest)


def without_kinks(operation: str, x: np.ndarray) -> np.ndarray:
    """Normal numbers that are no kinks; a machine that flushes sees a subnormal input as zero, a kink of most."""
    x = x[np.abs(x.astype(np.float64)) >= smallest_normal(str(x.dtype))]
    return x[~np.isin(x.astype(np.float64), KINKS.get(operation, []))]


@clause("activation.gradient")
def test_gradient(operation: str, readings: dict) -> Iterator[Case]:
    f = float64_oracle(operation, readings, "_derivative")

    def slopes(x: np.ndarray, cotangents: np.ndarray, **attributes: float) -> tuple[Want]:
        dtype, g = str(x.dtype), np.abs(wide(cotangents))
        scale = g * slope_body(operation, x)
        return (ulps(wide(cotangents) * f(x), 8 + oracle_error(dtype), dtype, scale=scale, moved=g * change(f, x)),)

    numbers = [real_numbers(dtype, largest=1e4) for dtype in DTYPES]
    inputs = [same_length(without_kinks(operation, x), x.size) for x in numbers]
    inputs += [np.asarray(np.abs(normal_draws(8, ()))), normal_draws(9, (2, 3, 4), scale=2.0)]
    for x in (*inputs, normal_draws(9, (4, 3, 2), scale=2.0).T):  # the last: x and cotangents of different strides
        cotangents = np.resize(np.array([1.0, 2.0, -0.5], x.dtype), x.shape)  # powers of two: exact products
        yield gradient(operation, x, **fixed(operation), cotangents=cotangents, want=slopes)


@clause("activation.gradient-finite")
def test_gradient_finite(operation: str, trial) -> None:
    for dtype in trial.dtypes:
        with trial.part():
            x = real_numbers(dtype)
            slopes = trial.gradient(x, np.ones_like(x), **fixed(operation)).astype(np.float64)
            bad = x[~np.isfinite(slopes)]
            trial.require(
                bad.size == 0,
                f"gradient of {operation} is not finite at {bad.size} of {x.size} {dtype} inputs, "
                f"for instance at {float(bad[0]) if bad.size else 0:.6g}",
            )


@clause("activation.second-derivative")
def test_second_derivative(operation: str, readings: dict) -> Iterator[Case]:
    f = float64_oracle(operation, readings, "_second_derivative")
    for dtype in ("float32", "float64"):
        x = real_numbers(dtype, largest=50.0)
        x = same_length(without_kinks(operation, x), x.size) if operation in KINKS else x
        curvature = f(x)
        want = ulps(
            curvature, 16 + oracle_error(dtype), dtype, scale=np.maximum(np.abs(curvature), 1.0), moved=change(f, x)
        )
        yield second_derivative(operation, x, **fixed(operation), want=want)
