"""Tests of architectures/recurrent: one step, sequences, their lengths and directions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case, ErrorCase, call, clause
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.inputs import normal_draws, wide
from nnspec_conformance.oracles.architectures import recurrent as oracle
from nnspec_conformance.suite.architectures._sequences import TIME, Layer
from nnspec_conformance.suite.components.test_forward_propagation import activation_error
from nnspec_conformance.tolerance import Want, carried, exact, product_error, ulp

TANH: dict[str, Any] = {"activation": "tanh"}


def weights(features: int, units: int, dtype: str, readings: dict) -> dict[str, np.ndarray]:
    """The table of a layer; its recurrent kernel is far from symmetric."""
    del readings  # no declared reading lays it out otherwise
    return {
        "kernel": normal_draws(82, (features, units), dtype, scale=features**-0.5),
        "recurrent_kernel": normal_draws(83, (units, units), dtype, scale=units**-0.5),
        "bias": normal_draws(84, (units,), dtype),
    }


ELMAN = Layer("elman", oracle.elman, oracle.elman_vjp, weights, TANH)


def arrays(dtype: str = "float32", time: int = TIME) -> tuple[np.ndarray, dict[str, np.ndarray], np.ndarray]:
    """x, weights and a carry: no entry zero, no two alike."""
    return ELMAN.arrays({}, dtype, time)


def step_arrays(dtype: str = "float32") -> tuple[np.ndarray, dict[str, np.ndarray], np.ndarray]:
    x, table, carry = arrays(dtype)
    return x[:, 2], table, carry


# ---- what is expected


def joined(x: np.ndarray, weights: dict, carry: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Inputs beside states, the two kernels below one another, and the pre-activation: a step is one dense layer."""
    both = np.concatenate([x, carry], -1)
    kernels = np.concatenate([weights["kernel"], weights["recurrent_kernel"]])
    return both, kernels, both @ kernels + weights["bias"]


def sum_error(x: np.ndarray, weights: dict, carry: np.ndarray, dtype: str) -> np.ndarray:
    """What the pre-activation of a step may be off by."""
    both, kernels, z = joined(x, weights, carry)
    plus = np.abs(weights["bias"])
    return product_error(both, 0 * both, kernels, 0 * kernels, len(kernels) + 1, dtype, plus=plus) + ulp(z, dtype) / 2


def step_want(x: np.ndarray, weights: dict, carry: np.ndarray, *, activation: str) -> Want:
    """The oracle's step, within the rounding bound of its sum and of the activation."""
    dtype, (x, weights, carry) = str(x.dtype), wide((x, weights, carry))
    h, z = oracle.elman_step(x, weights, carry, activation=activation), joined(x, weights, carry)[2]
    return carried(h, activation_error(z, sum_error(x, weights, carry, dtype), h, activation, dtype), dtype)


# ---- one step, and sequences


@clause("elman-step.value")
def test_step() -> Iterator[Case]:
    for dtype in DTYPES:
        yield call("elman_step", *step_arrays(dtype), **TANH, want=step_want, note="the recurrent kernel transposed")
    yield call("elman_step", *step_arrays(), activation="relu", want=step_want, note="tanh whatever is asked")


@clause("elman.example")
def test_example(lean: bool) -> Iterator[Case]:
    for dtype in ("float32",) if lean else ("bfloat16", "float32"):  # every number is one of the narrowest dtype
        x = np.array(oracle.EXAMPLE_X, DTYPES[dtype]).reshape(1, -1, 1)
        weights = {name: np.array(w, DTYPES[dtype]) for name, w in oracle.EXAMPLE_WEIGHTS.items()}
        want = exact(np.array([oracle.EXAMPLE_STATES]), dtype)
        yield call("elman", x, weights, activation="relu", outputs="all", want=want, note="h U transposed")


@clause("elman.value")
def test_value(readings: dict, lean: bool) -> Iterator[Case]:
    yield from ELMAN.values(readings, lean)
    relu, note = ELMAN.every | {"activation": "relu"}, "tanh whatever is asked"
    yield call("elman", *arrays(), **relu, want=ELMAN.expected(readings), note=note)


@clause("elman.zero-carry")
def test_zero_carry(readings: dict) -> Iterator[Case]:
    yield from ELMAN.zero_carry(readings)


@clause("elman.default-outputs")
def test_default_outputs(readings: dict, default: str) -> Iterator[Case]:
    yield from ELMAN.default_outputs(readings, default)


@clause("elman.shape")
def test_shape(readings: dict, lean: bool) -> Iterator[Case]:
    yield from ELMAN.shapes(readings, lean)


# ---- relations between calls


@clause("elman.steps")
def test_steps(trial) -> None:
    ELMAN.steps(trial)


@clause("elman.chunks")
def test_chunks(trial) -> None:
    ELMAN.chunks(trial)


@clause("elman.order")
def test_order(trial) -> None:
    x, table, carry = arrays()
    turned = x[:, [1, 0, *range(2, TIME)]].copy()
    before, after = (wide(trial.call(y, table, carry, **ELMAN.last)) for y in (x, turned))
    moved = float(np.abs(before - after).max())
    trial.require(moved > 1e-3, f"two inputs exchanged change no state by more than {moved:.2g}")


@clause("elman.prefix")
def test_prefix(trial) -> None:
    ELMAN.prefix(trial)


# ---- lengths


@clause("elman.lengths")
def test_lengths(readings: dict, lean: bool) -> Iterator[Case]:
    yield from ELMAN.lengths(readings, lean)


@clause("elman.padded-outputs")
def test_padded_outputs(readings: dict) -> Iterator[Case]:
    yield from ELMAN.padded_outputs(readings)


@clause("elman.padding")
def test_padding(trial) -> None:
    ELMAN.of_padding(trial)


@clause("elman.empty-sequence")
def test_empty_sequence(trial) -> None:
    ELMAN.empty_sequence(trial)


@clause("elman.no-steps")
def test_no_steps(trial) -> None:
    ELMAN.no_steps(trial)


# ---- the other direction


@clause("elman.reverse")
def test_reverse(readings: dict, lean: bool) -> Iterator[Case]:
    yield from ELMAN.reverse(readings, lean)


@clause("elman.reverse-order")
def test_reverse_order(readings: dict) -> Iterator[Case]:
    yield from ELMAN.reverse_order(readings)


@clause("elman.reverse-start")
def test_reverse_start(trial) -> None:
    ELMAN.reverse_start(trial)


# ---- refusals


@clause("elman.lengths-range")
def test_lengths_range(readings: dict) -> Iterator[ErrorCase]:
    yield from ELMAN.lengths_range(readings)


@clause("elman.lengths-integer")
def test_lengths_integer(readings: dict) -> Iterator[ErrorCase]:
    yield from ELMAN.lengths_integer(readings)
