"""Tests of architectures/gru: the gates of one step, and sequences."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case, ErrorCase, call, clause, gradient
from nnspec_conformance.dtypes import DTYPES, float_dtype
from nnspec_conformance.inputs import normal_draws, wide
from nnspec_conformance.oracles.architectures import gru as oracle
from nnspec_conformance.suite.architectures._sequences import BATCH, HIDDEN, Layer
from nnspec_conformance.suite.components.test_forward_propagation import activation_error
from nnspec_conformance.tolerance import Want, bound, carried, exact, product_error, spread, ulp, unit

FORCED = 1000.0  # a bias that leaves a gate no choice: its sigmoid is 1, or 0, in every dtype
TALL = 40  # steps through which a state is held


def weights(features: int, units: int, dtype: str, readings: dict) -> dict[str, np.ndarray]:
    """The table of the subject's reading; recurrent kernels are far from symmetric."""
    shapes = {"kernel": (features, units), "recurrent_kernel": (units, units), "bias": (units,)}
    scales = {"kernel": features**-0.5, "recurrent_kernel": units**-0.5, "bias": 1.0}
    found = {}
    for seed, name in enumerate(oracle.names(readings["reset"]), 100):
        kind = "bias" if name == "recurrent_bias_n" else name.rsplit("_", 1)[0]
        found[name] = normal_draws(seed, shapes[kind], dtype, scale=scales[kind])
    return found


GRU = Layer("gru", oracle.gru, oracle.gru_vjp, weights, {}, ("reset",))


def step_arrays(readings: dict, dtype: str = "float32") -> tuple[np.ndarray, dict[str, np.ndarray], np.ndarray]:
    x, table, carry = GRU.arrays(readings, dtype)
    return x[:, 2], table, carry


def forced(readings: dict, dtype: str = "float32", **biases: float) -> tuple:
    """The arrays of a step whose gates, by name, have these biases."""
    x, table, carry = step_arrays(readings, dtype)
    return x, table | {f"bias_{k}": np.full_like(table[f"bias_{k}"], b) for k, b in biases.items()}, carry


# ---- what is expected


def sum_error(parts: list[tuple], bias: np.ndarray, z: np.ndarray, dtype: str) -> np.ndarray:
    """What a sum may be off by: of pairs of factors, what the first ones are off by, and kernels."""
    a, da, kernels = (np.concatenate([part[i] for part in parts], axis) for i, axis in ((0, -1), (1, -1), (2, 0)))
    error = product_error(a, da, kernels, 0 * kernels, len(kernels) + 1, dtype, plus=np.abs(bias))
    return error + ulp(z, dtype) / 2


def step_want(readings: dict, **fixed: float) -> Callable[..., Want]:
    """The oracle's step, within the bound of its sums, gates and products; gates that are given by name are so."""
    reset = readings["reset"]

    def want(x: np.ndarray, table: dict, h: np.ndarray) -> Want:
        dtype, (x, table, h) = str(x.dtype), wide((x, table, h))
        right = oracle.gates(x, oracle.packed(table, reset), h, reset=reset)
        sums = dict(zip("rz", np.split(right["sums"], 2, -1), strict=True))
        gates, errors, zero = {}, {}, np.zeros_like(h)
        for k, z in sums.items():
            parts = [(x, 0 * x, table[f"kernel_{k}"]), (h, zero, table[f"recurrent_kernel_{k}"])]
            dz = sum_error(parts, table[f"bias_{k}"], z, dtype)
            gates[k] = oracle.sigmoid(z) if k not in fixed else zero + fixed[k]
            errors[k] = activation_error(z, dz, gates[k], "sigmoid", dtype) if k not in fixed else zero
        r, z, kernel, bias = gates["r"], gates["z"], table["recurrent_kernel_n"], table["bias_n"]
        if reset == "before":
            read, dread = r * h, product_error(r, errors["r"], h, zero, 1, dtype, times=np.multiply)
            total = x @ table["kernel_n"] + read @ kernel + bias
            dtotal = sum_error([(x, 0 * x, table["kernel_n"]), (read, dread, kernel)], bias, total, dtype)
        else:
            second = table.get("recurrent_bias_n", np.zeros_like(bias))
            product = h @ kernel + second
            dproduct = sum_error([(h, zero, kernel)], second, product, dtype)
            inner = r * product
            dinner = product_error(r, errors["r"], product, dproduct, 1, dtype, times=np.multiply)
            total = x @ table["kernel_n"] + bias + inner
            dtotal = sum_error([(x, 0 * x, table["kernel_n"])], np.abs(bias) + np.abs(inner), total, dtype) + dinner
        n = np.tanh(total)
        dn = activation_error(total, dtotal, n, "tanh", dtype)
        state = (1 - z) * n + z * h
        error = np.abs(1 - z) * dn + errors["z"] * (np.abs(h - n) + dn)
        rounding = 4 * unit(dtype) * (2 * np.abs(n) + np.abs(z) * (np.abs(h) + np.abs(n)))  # n + z (h - n), too
        return carried(state, error + rounding + ulp(state, dtype) / 2, dtype)

    return want


def step_gradients(readings: dict) -> Callable[..., tuple]:
    """The gradients of a step, and what they move when every operand is rounded at random."""

    def want(*operands: Any) -> tuple:
        told, dtype = {"reset": readings["reset"]}, float_dtype(operands) or ""
        return spread(lambda rounded: oracle.gru_step_vjp(*wide(operands), **told, rounded=rounded), dtype)

    return want


# ---- one step


@clause("gru-step.value")
def test_step(readings: dict) -> Iterator[Case]:
    for dtype in DTYPES:
        arrays = step_arrays(readings, dtype)
        yield call("gru_step", *arrays, want=step_want(readings), note="a recurrent kernel transposed")


@clause("gru-step.example")
def test_example(readings: dict, lean: bool) -> Iterator[Case]:
    for dtype in ("float32",) if lean else ("bfloat16", "float32"):  # every number is one of the narrowest dtype
        table = {name: np.array(w, DTYPES[dtype]) for name, w in oracle.EXAMPLE_WEIGHTS.items()}
        if readings["reset"] == "after":
            table["recurrent_bias_n"] = np.zeros(2, DTYPES[dtype])
        x, carry = (np.array(a, DTYPES[dtype]) for a in (oracle.EXAMPLE_X, oracle.EXAMPLE_CARRY))
        want = exact(np.array(oracle.EXAMPLE_STATES[readings["reset"]]), dtype)
        yield call("gru_step", x, table, carry, want=want, note="the reset gate on the other side of the product")


@clause("gru.reset")
def test_reset(operation: str, readings: dict, lean: bool) -> Iterator[Case]:
    note = "the reset gate on the other side of the product, or a bias that it leaves out"
    for dtype in ("float32",) if lean else ("bfloat16", "float32", "float64"):
        if operation == "gru_step":
            yield call(operation, *step_arrays(readings, dtype), want=step_want(readings), note=note)
        else:
            yield call(operation, *GRU.arrays(readings, dtype), **GRU.every, want=GRU.expected(readings), note=note)


@clause("gru-step.reset-gate")
def test_reset_gate(readings: dict, lean: bool) -> Iterator[Case]:
    for dtype in ("float32",) if lean else DTYPES:
        for bias, gate in ((-FORCED, 0.0), (FORCED, 1.0)):
            want, note = step_want(readings, r=gate), f"a reset gate that does not do what {gate:g} says"
            yield call("gru_step", *forced(readings, dtype, r=bias), want=want, note=note)


@clause("gru-step.update-gate")
def test_update_gate(readings: dict, lean: bool) -> Iterator[Case]:
    for dtype in ("float32",) if lean else DTYPES:
        for bias, gate in ((-FORCED, 0.0), (FORCED, 1.0)):
            want, note = step_want(readings, z=gate), f"an update gate that does not do what {gate:g} says"
            yield call("gru_step", *forced(readings, dtype, z=bias), want=want, note=note)


@clause("gru-step.update-sign")
def test_update_sign(trial) -> None:
    for dtype in ("float32", "float64"):
        if dtype not in trial.dtypes:
            continue
        x, table, carry = step_arrays(trial.readings, dtype)
        negated = {name: -w if name.endswith("_z") else w for name, w in table.items()}
        x64, table64, carry64 = wide((x, table, carry))
        reset = trial.readings["reset"]
        found = oracle.gates(x64, oracle.packed(table64, reset), carry64, reset=reset)
        exchanged = found["new"] * carry64 + found["kept"] * found["n"]
        allowed = step_want(trial.readings)(x, negated, carry).allowed
        trial.expect(trial.call(x, negated, carry), carried(exchanged, allowed, dtype), "update weights negated")


@clause("gru-step.gradient")
def test_step_gradient(readings: dict, lean: bool) -> Iterator[Case]:
    want = step_gradients(readings)
    for dtype in ("float32", "bfloat16") if lean else DTYPES:
        g, arrays = normal_draws(86, (BATCH, HIDDEN), dtype), step_arrays(readings, dtype)
        yield gradient("gru_step", *arrays, cotangents=g, want=want, note="a path through one of the gates cut off")


# ---- what the gates make of a state


@clause("gru.bounded")
def test_bounded(trial) -> None:
    x, table, carry = GRU.arrays(trial.readings, time=TALL)
    steep = {name: 3 * w for name, w in table.items()}
    carry = carry / np.abs(carry).max()
    largest = float(np.abs(wide(trial.call(9 * x, steep, carry, **GRU.every))).max())
    allowed = 1 + 4 * TALL * unit("float32")
    trial.require(largest <= allowed, f"a state of {largest:.7g}, expected 1 at most")


@clause("gru.held-state")
def test_held_state(trial) -> None:
    x, table, carry = GRU.arrays(trial.readings, time=TALL)
    shut, g = table | {"bias_z": np.full_like(table["bias_z"], FORCED)}, normal_draws(86, (BATCH, HIDDEN))
    size, terms = wide(np.abs(carry)) + 1, 3 * TALL
    got = trial.call(x, shut, carry, **GRU.last)
    trial.expect(got, bound(wide(carry), size, terms, "float32"), f"the state after {TALL} steps")
    found = trial.vjp((x, shut, carry), g, **GRU.last)[-1]
    trial.expect(found, bound(wide(g), wide(np.abs(g)), terms, "float32"), f"its gradient after {TALL} steps")


# ---- sequences


@clause("gru.value")
def test_value(readings: dict, lean: bool) -> Iterator[Case]:
    yield from GRU.values(readings, lean)


@clause("gru.zero-carry")
def test_zero_carry(readings: dict) -> Iterator[Case]:
    yield from GRU.zero_carry(readings)


@clause("gru.default-outputs")
def test_default_outputs(readings: dict, default: str) -> Iterator[Case]:
    yield from GRU.default_outputs(readings, default)


@clause("gru.shape")
def test_shape(readings: dict, lean: bool) -> Iterator[Case]:
    yield from GRU.shapes(readings, lean)


@clause("gru.steps")
def test_steps(trial) -> None:
    GRU.steps(trial)


@clause("gru.chunks")
def test_chunks(trial) -> None:
    GRU.chunks(trial)


@clause("gru.prefix")
def test_prefix(trial) -> None:
    GRU.prefix(trial)


@clause("gru.lengths")
def test_lengths(readings: dict, lean: bool) -> Iterator[Case]:
    yield from GRU.lengths(readings, lean)


@clause("gru.padded-outputs")
def test_padded_outputs(readings: dict) -> Iterator[Case]:
    yield from GRU.padded_outputs(readings)


@clause("gru.padding")
def test_padding(trial) -> None:
    GRU.of_padding(trial)


@clause("gru.empty-sequence")
def test_empty_sequence(trial) -> None:
    GRU.empty_sequence(trial)


@clause("gru.no-steps")
def test_no_steps(trial) -> None:
    GRU.no_steps(trial)


@clause("gru.reverse")
def test_reverse(readings: dict, lean: bool) -> Iterator[Case]:
    yield from GRU.reverse(readings, lean)


@clause("gru.reverse-order")
def test_reverse_order(readings: dict) -> Iterator[Case]:
    yield from GRU.reverse_order(readings)


@clause("gru.reverse-start")
def test_reverse_start(trial) -> None:
    GRU.reverse_start(trial)


# ---- gradients through time


@clause("gru.gradient")
def test_through_time(readings: dict, lean: bool) -> Iterator[Case]:
    yield from GRU.through_time(readings, lean)


@clause("gru.lengths-gradient")
def test_of_lengths(readings: dict) -> Iterator[Case]:
    yield from GRU.of_lengths(readings)


@clause("gru.padded-outputs-gradient")
def test_of_padded_outputs(readings: dict) -> Iterator[Case]:
    yield from GRU.of_padded_outputs(readings)


@clause("gru.padding-gradient")
def test_of_padding(trial) -> None:
    GRU.of_padding_gradient(trial)


# ---- refusals


@clause("gru.lengths-range")
def test_lengths_range(readings: dict) -> Iterator[ErrorCase]:
    yield from GRU.lengths_range(readings)


@clause("gru.lengths-integer")
def test_lengths_integer(readings: dict) -> Iterator[ErrorCase]:
    yield from GRU.lengths_integer(readings)
