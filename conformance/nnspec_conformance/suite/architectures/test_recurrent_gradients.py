"""Tests of architectures/recurrent: gradients through time, and how they grow and shrink."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nnspec_conformance.cases import Case, clause, gradient
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.inputs import normal_draws, wide
from nnspec_conformance.oracles.architectures import recurrent as oracle
from nnspec_conformance.suite.architectures._sequences import BATCH, HIDDEN, TIME
from nnspec_conformance.suite.architectures.test_recurrent import (
    ELMAN,
    TANH,
    arrays,
    joined,
    step_arrays,
    sum_error,
)
from nnspec_conformance.suite.components.test_forward_propagation import slope_error
from nnspec_conformance.tolerance import bound, carried, product_error, ulp, unit
from nnspec_conformance.trees import leaves, rebuilt

GROWTH = np.array([[0.9, 5.0], [0.0, 0.9]])  # both eigenvalues are 0.9
STEPS = 9  # at which its powers are largest


def step_gradients(x: np.ndarray, weights: dict, carry: np.ndarray, g: np.ndarray, *, activation: str) -> tuple:
    """The gradients of a step in float64, with the errors carried back."""
    dtype, (x, weights, carry, g) = str(x.dtype), wide((x, weights, carry, g))
    both, kernels, z = joined(x, weights, carry)
    slope = oracle.slope(oracle.activate(z, activation), activation)
    dslope = slope_error(z, sum_error(x, weights, carry, dtype), slope, activation, dtype)
    dz = product_error(slope, dslope, g, 0 * g, 1, dtype, times=np.multiply)
    rows, count = g * slope, len(g)
    back = product_error(rows, dz, kernels.T, 0 * kernels.T, g.shape[-1], dtype)
    sums = product_error(both.T, 0 * both.T, rows, dz, count, dtype)
    bias = dz.sum(0) + 2 * (count + 1) * unit(dtype) * (np.abs(rows) + dz).sum(0)
    found, n = oracle.elman_step_vjp(x, weights, carry, g, activation=activation), x.shape[-1]
    errors = (back[:, :n], {"kernel": sums[:n], "recurrent_kernel": sums[n:], "bias": bias}, back[:, n:])
    pairs = zip(leaves(found), leaves(errors), strict=True)
    return rebuilt(found, [carried(y, error + ulp(y, dtype) / 2, dtype) for y, error in pairs])


# ---- gradients


@clause("elman-step.gradient")
def test_step(lean: bool) -> Iterator[Case]:
    for dtype in ("float32", "bfloat16") if lean else DTYPES:
        g = normal_draws(86, (BATCH, HIDDEN), dtype)
        yield gradient(
            "elman_step", *step_arrays(dtype), **TANH, cotangents=g, want=step_gradients, note="the carry cut off"
        )
    g = normal_draws(86, (BATCH, HIDDEN))
    yield gradient(
        "elman_step", *step_arrays(), activation="relu", cotangents=g, want=step_gradients, note="the slope of tanh"
    )


@clause("elman.gradient")
def test_through_time(readings: dict, lean: bool) -> Iterator[Case]:
    yield from ELMAN.through_time(readings, lean)
    if not lean:
        g, relu = normal_draws(87, (BATCH, TIME, HIDDEN)), ELMAN.every | {"activation": "relu"}
        want, note = ELMAN.gradients(readings), "the slope of tanh"
        yield gradient("elman", *arrays(), **relu, cotangents=g, want=want, note=note)


@clause("elman.lengths-gradient")
def test_of_lengths(readings: dict) -> Iterator[Case]:
    yield from ELMAN.of_lengths(readings)


@clause("elman.padded-outputs-gradient")
def test_of_padded_outputs(readings: dict) -> Iterator[Case]:
    yield from ELMAN.of_padded_outputs(readings)


@clause("elman.padding-gradient")
def test_of_padding(trial) -> None:
    ELMAN.of_padding_gradient(trial)


# ---- how they grow and shrink


def jacobian(trial, x: np.ndarray, weights: dict, carry: np.ndarray, activation: str) -> np.ndarray:
    """The derivatives of the last state by the carry, [last state, carry]: every example asks for another row."""
    units = len(weights["bias"])
    repeated = (np.repeat(x[:1], units, 0), weights, np.repeat(carry[:1], units, 0))
    asked = {"activation": activation, "outputs": "last"}
    return wide(trial.vjp(repeated, np.eye(units, dtype=x.dtype), **asked)[-1])


@clause("elman.jacobian")
def test_power(trial) -> None:
    weights = {
        "kernel": np.array([[0.5, 0.25]], np.float32),
        "recurrent_kernel": GROWTH.astype(np.float32),
        "bias": np.array([0.125, 0.5], np.float32),
    }
    x, carry = np.abs(normal_draws(88, (1, STEPS, 1))), np.abs(normal_draws(89, (1, 2)))
    got = jacobian(trial, x, weights, carry, "relu")
    right = np.linalg.matrix_power(wide(weights["recurrent_kernel"]), STEPS).T
    trial.expect(got, bound(right, right, 3 * STEPS, "float32"), "the Jacobian of nine steps")
    norm = np.linalg.norm(got, 2)
    trial.require(bool(abs(norm - 19.38) < 0.01), f"it grows {norm:.4g}-fold, expected 19.38-fold")


@clause("elman.jacobian-bound")
def test_bound(trial) -> None:
    x, weights, carry = arrays()
    largest = np.linalg.norm(wide(weights["recurrent_kernel"]), 2) ** TIME
    norm = np.linalg.norm(jacobian(trial, x, weights, carry, "tanh"), 2)
    trial.require(
        bool(norm <= largest * (1 + 1e-4)), f"the Jacobian has norm {norm:.4g}, expected {largest:.4g} at most"
    )
    turn = np.linalg.qr(normal_draws(90, (HIDDEN, HIDDEN), "float64"))[0]
    for c in (0.8, 1.25):
        kernel = (c * turn).astype(np.float32)
        still = weights | {"recurrent_kernel": kernel, "bias": 0 * weights["bias"]}
        got = jacobian(trial, 0 * x, still, 0 * carry, "tanh")
        right, size = (np.linalg.matrix_power(k, TIME).T for k in (wide(kernel), np.abs(wide(kernel))))
        trial.expect(got, bound(right, size, (HIDDEN + 1) * TIME, "float32"), f"{c} times a rotation, at rest")
