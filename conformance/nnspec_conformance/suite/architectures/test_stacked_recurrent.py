"""Tests of architectures/stacked_recurrent: layers above one another, and two directions side by side."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case, call, clause, gradient
from nnspec_conformance.dtypes import DTYPES, float_dtype
from nnspec_conformance.inputs import normal_draws, wide
from nnspec_conformance.oracles.architectures import stacked_recurrent as oracle
from nnspec_conformance.suite.architectures._sequences import (
    BATCH,
    HIDDEN,
    IN,
    LENGTHS,
    TIME,
    padding,
    remembered,
    where,
    widened,
)
from nnspec_conformance.tolerance import Shape, Want, exact, spread

LAYERS = 3


def table(cell: str, features: int, units: int, dtype: str, seed: int) -> dict[str, np.ndarray]:
    """The weights of one layer; recurrent kernels are far from symmetric."""
    found = {}
    for i, name in enumerate(oracle.NAMES[cell]):
        vector = "bias" in name
        rows = units if name.startswith("recurrent") else features
        shape = (units,) if vector else (rows, units)
        found[name] = normal_draws(seed + i, shape, dtype, scale=1.0 if vector else rows**-0.5)
    return found


def stack(cell: str, features: int = IN, units: int = HIDDEN, dtype: str = "float32") -> dict[str, np.ndarray]:
    return {
        f"{name}_{number}": w
        for number in range(LAYERS)
        for name, w in table(cell, units if number else features, units, dtype, 200 + 20 * number).items()
    }


def halves(cell: str, features: int = IN, units: int = HIDDEN, dtype: str = "float32") -> dict[str, np.ndarray]:
    return {
        f"{direction}_{name}": w
        for seed, direction in ((300, "forward"), (320, "backward"))
        for name, w in table(cell, features, units, dtype, seed).items()
    }


def inputs(dtype: str = "float32") -> np.ndarray:
    return normal_draws(81, (BATCH, TIME, IN), dtype)


def of(function: Callable) -> Callable[..., Any]:
    """What the oracle gives, and what that moves when every operand of every step is rounded at random."""

    @remembered
    def want(*operands: Any, **given: Any) -> Any:
        dtype = float_dtype(operands) or ""
        return spread(lambda rounded: function(*widened(operands), **given, rounded=rounded), dtype)

    return want


STACKED, STACKED_BACK = of(oracle.stacked_recurrent), of(oracle.stacked_recurrent_vjp)
BOTH, BOTH_BACK = of(oracle.bidirectional), of(oracle.bidirectional_vjp)


def asked(lean: bool) -> Iterator[tuple[str, str]]:
    """Every cell in float32, and one of them in every dtype; of a subject that compiles each kind of state once."""
    yield from (("tanh", dtype) for dtype in (("float32",) if lean else DTYPES))
    yield from ((cell, "float32") for cell in (("lstm", "gru") if lean else oracle.CELLS[1:]))


# ---- layers above one another


@clause("stacked-recurrent.example")
def test_example_of_a_stack(lean: bool) -> Iterator[Case]:
    for dtype in ("float32",) if lean else ("bfloat16", "float32"):  # every number is one of the narrowest dtype
        number = DTYPES[dtype]
        x = np.array(oracle.EXAMPLE_X, number).reshape(1, -1, 1)
        weights = {}
        for layer, bias in enumerate(oracle.EXAMPLE_BIASES):
            weights |= {f"{name}_{layer}": np.ones((1, 1), number) for name in ("kernel", "recurrent_kernel")}
            weights[f"bias_{layer}"] = np.full(1, bias, number)
        states = exact(np.array(oracle.EXAMPLE_TOPMOST).reshape(1, -1, 1), dtype)
        last = exact(np.array(oracle.EXAMPLE_LAYERS).reshape(-1, 1, 1), dtype)
        yield call("stacked_recurrent", x, weights, cell="relu", want=(states, last), note="the layers turned round")


@clause("stacked-recurrent.value")
def test_stack(lean: bool) -> Iterator[Case]:
    for cell, dtype in asked(lean):
        arrays = inputs(dtype), stack(cell, dtype=dtype)
        yield call("stacked_recurrent", *arrays, cell=cell, want=STACKED, note="the weights of another layer")


@clause("stacked-recurrent.last")
def test_last_of_the_stack(trial) -> None:
    x, weights = inputs(), stack("tanh")
    states, last = trial.call(x, weights, cell="tanh")
    trial.expect(last[-1], exact(wide(states[:, -1])), "the last state of the topmost layer")
    other = {name: w if name.endswith("_0") else -w for name, w in weights.items()}
    trial.expect(trial.call(x, other, cell="tanh")[1][0], exact(wide(last[0])), "that of the lowest, others above it")


@clause("stacked-recurrent.prefix")
def test_prefix(trial) -> None:
    x, weights = inputs(), stack("tanh")
    other = np.concatenate([x[:, :4], -3 * x[:, 4:]], 1)
    before, after = (trial.call(y, weights, cell="tanh")[0][:, :4] for y in (x, other))
    trial.expect(after, exact(wide(before)), "the first four states, other inputs behind them")


@clause("stacked-recurrent.gradient")
def test_gradient_of_the_stack(lean: bool) -> Iterator[Case]:
    for cell, dtype in list(asked(lean))[: 2 if lean else None]:  # a state of one array, and one of two
        g = normal_draws(87, (BATCH, TIME, HIDDEN), dtype), normal_draws(86, (LAYERS, BATCH, HIDDEN), dtype)
        arrays, note = (inputs(dtype), stack(cell, dtype=dtype)), "a layer that is cut off from the graph"
        yield gradient("stacked_recurrent", *arrays, cell=cell, cotangents=g, want=STACKED_BACK, note=note)


@clause("stacked-recurrent.shape")
def test_shape_of_the_stack(lean: bool) -> Iterator[Case]:
    for batch, time, features, units in grid(lean):
        arrays = np.ones((batch, time, features), np.float32), stack("tanh", features, units)
        want = Shape((batch, time, units)), Shape((LAYERS, batch, units))
        yield call("stacked_recurrent", *arrays, cell="tanh", want=want, note="an axis of length 1 that is lost")


def grid(lean: bool) -> Sequence[tuple[int, ...]]:
    found = list(itertools.product((1, 4), (1, 7), (1, 3), (1, 5)))
    return found[::7] if lean else found


# ---- two directions


@clause("bidirectional.example")
def test_example(lean: bool) -> Iterator[Case]:
    for dtype in ("float32",) if lean else ("bfloat16", "float32"):
        number = DTYPES[dtype]
        x = np.array(oracle.EXAMPLE_X, number).reshape(1, -1, 1)
        weights = {}
        for direction, recurrent in oracle.EXAMPLE_RECURRENT.items():
            weights |= {f"{direction}_kernel": np.ones((1, 1), number), f"{direction}_bias": np.zeros(1, number)}
            weights[f"{direction}_recurrent_kernel"] = np.full((1, 1), recurrent, number)
        want = exact(np.array([oracle.EXAMPLE_STATES]), dtype), exact(np.array([oracle.EXAMPLE_LAST]), dtype)
        yield call("bidirectional", x, weights, cell="relu", want=want, note="the last row for the last state")


@clause("bidirectional.value")
def test_both(lean: bool) -> Iterator[Case]:
    for cell, dtype in asked(lean):
        arrays = inputs(dtype), halves(cell, dtype=dtype)
        yield call("bidirectional", *arrays, cell=cell, want=BOTH, note="one table for both directions")


@clause("bidirectional.aligned")
def test_aligned(trial) -> None:
    x, weights, at = inputs(), halves("tanh"), 2
    other = x.copy()
    other[:, at] *= -1
    before, after = (np.split(trial.call(y, weights, cell="tanh")[0], 2, -1) for y in (x, other))
    trial.expect(after[0][:, :at], exact(wide(before[0][:, :at])), "the forward states before another input")
    trial.expect(after[1][:, at + 1 :], exact(wide(before[1][:, at + 1 :])), "the backward states behind it")
    for half, name in enumerate(oracle.DIRECTIONS):
        moved = np.abs(wide(after[half][:, at]) - wide(before[half][:, at])).max()
        trial.require(bool(moved > 1e-3), f"another input moves the {name} state beside it by {moved:.2g} alone")


@clause("bidirectional.last")
def test_last_of_both(trial) -> None:
    states, last = trial.call(inputs(), halves("tanh"), cell="tanh")
    trial.expect(last[:, :HIDDEN], exact(wide(states[:, -1, :HIDDEN])), "the forward state at the last input")
    trial.expect(last[:, HIDDEN:], exact(wide(states[:, 0, HIDDEN:])), "the backward state at the first input")


@clause("bidirectional.turned")
def test_turned(trial) -> None:
    x, weights = inputs(), halves("tanh")
    exchanged = {name.replace("forward", "?").replace("backward", "forward").replace("?", "backward"): w
                 for name, w in weights.items()}  # fmt: skip
    given = x[:, ::-1].copy(), {name: exchanged[name] for name in weights}
    states, last = trial.call(*given, cell="tanh")
    turned, ends = BOTH(x, weights, cell="tanh")
    trial.expect(np.roll(states[:, ::-1], HIDDEN, -1), turned, "the states of the turned sequence, turned back")
    trial.expect(np.roll(last, HIDDEN, -1), ends, "its last state, the halves exchanged")


@clause("bidirectional.gradient")
def test_gradient_of_both(lean: bool) -> Iterator[Case]:
    for cell, dtype in list(asked(lean))[: 2 if lean else None]:
        g = normal_draws(88, (BATCH, TIME, 2 * HIDDEN), dtype), normal_draws(89, (BATCH, 2 * HIDDEN), dtype)
        arrays, note = (inputs(dtype), halves(cell, dtype=dtype)), "the gradient of one half alone"
        yield gradient("bidirectional", *arrays, cell=cell, cotangents=g, want=BOTH_BACK, note=note)


@clause("bidirectional.shape")
def test_shape_of_both(lean: bool) -> Iterator[Case]:
    for batch, time, features, units in grid(lean):
        arrays = np.ones((batch, time, features), np.float32), halves("tanh", features, units)
        want = Shape((batch, time, 2 * units)), Shape((batch, 2 * units))
        yield call("bidirectional", *arrays, cell="tanh", want=want, note="an axis of length 1 that is lost")


# ---- lengths


def inside(want: Want) -> Want:
    """The expected states before the end of each sequence."""
    return where(want, ~padding())


@clause("bidirectional.lengths")
def test_lengths(trial, lean: bool) -> None:
    for cell in ("tanh",) if lean else oracle.CELLS:
        weights = halves(cell)
        states, last = trial.call(inputs(), weights, LENGTHS, cell=cell)
        right, end = BOTH(inputs(), weights, LENGTHS, cell=cell)
        trial.expect(states[~padding()], inside(right), f"{cell}: the states before the end of each sequence")
        trial.expect(last, end, f"{cell}: the last state of each sequence")


@clause("bidirectional.padding")
def test_padding(trial) -> None:
    weights, found = halves("tanh"), []
    for fill in (0.5, np.nan, np.inf, 1e30):
        x = inputs().copy()
        x[padding()] = fill
        states, last = trial.call(x, weights, LENGTHS, cell="tanh")
        found.append((states[~padding()], last, fill))
    for states, last, fill in found[1:]:
        trial.expect(states, exact(wide(found[0][0])), f"states before the end with {fill} behind it")
        trial.expect(last, exact(wide(found[0][1])), f"last states with {fill} behind the end")


@clause("bidirectional.lengths-gradient")
def test_gradient_of_lengths() -> Iterator[Case]:
    states = np.where(padding()[..., None], 0, normal_draws(88, (BATCH, TIME, 2 * HIDDEN))).astype(np.float32)
    g, arrays = (states, normal_draws(89, (BATCH, 2 * HIDDEN))), (inputs(), halves("tanh"), LENGTHS)
    note = "backwards from the padding on"
    yield gradient("bidirectional", *arrays, cell="tanh", cotangents=g, want=BOTH_BACK, note=note)
