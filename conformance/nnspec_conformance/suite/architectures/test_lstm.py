"""Tests of architectures/lstm: one step, its gates, sequences, their lengths and directions."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case, ErrorCase, call, clause, refusal
from nnspec_conformance.dtypes import DTYPES, float_dtype
from nnspec_conformance.errors import Refused
from nnspec_conformance.inputs import normal_draws, wide
from nnspec_conformance.oracles.architectures import lstm as oracle
from nnspec_conformance.suite.architectures._sequences import (
    BATCH,
    HIDDEN,
    IN,
    LENGTHS,
    SHORTER,
    TIME,
    left_open,
    padding,
    remembered,
    told,
    where,
    widened,
)
from nnspec_conformance.suite.components.test_forward_propagation import activation_error
from nnspec_conformance.tolerance import Shape, carried, exact, product_error, spread, statistical, ulp

GATES = oracle.GATES
ACTIVATIONS = {"i": "sigmoid", "f": "sigmoid", "g": "tanh", "o": "sigmoid"}
OPEN, SHUT = 200.0, -200.0  # biases at which a sigmoid is 1, and next to nothing
UNITS = 400  # of the new layer that is looked at

Weights = dict[str, np.ndarray]
Near = tuple[np.ndarray, np.ndarray]  # a value, and what it may be off by


def arrays(dtype: str = "float32", time: int = TIME) -> tuple[np.ndarray, Weights, np.ndarray, np.ndarray]:
    """x, weights, a state and a cell: no entry zero, no two alike."""
    weights = {}
    for n, gate in enumerate(GATES):
        weights[f"kernel_{gate}"] = normal_draws(102 + n, (IN, HIDDEN), dtype, scale=IN**-0.5)
        weights[f"recurrent_kernel_{gate}"] = normal_draws(106 + n, (HIDDEN, HIDDEN), dtype, scale=HIDDEN**-0.5)
        weights[f"bias_{gate}"] = normal_draws(110 + n, (HIDDEN,), dtype)
    h, c = (normal_draws(seed, (BATCH, HIDDEN), dtype) for seed in (114, 115))
    return normal_draws(101, (BATCH, time, IN), dtype), weights, h, c


def step_arrays(dtype: str = "float32", **biases: float) -> tuple[np.ndarray, Weights, np.ndarray, np.ndarray]:
    """The same for one step, with all biases of some gates at a number."""
    x, weights, h, c = arrays(dtype)
    forced = {f"bias_{gate}": np.full_like(weights[f"bias_{gate}"], b) for gate, b in biases.items()}
    return x[:, 2], weights | forced, h, c


# ---- what is expected


def joined(x: np.ndarray, weights: Weights, h: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Inputs beside states, all kernels in one, and the sums of all gates: a step is one dense layer."""
    kernel, recurrent_kernel, bias = oracle.joined(weights)
    both, kernels = np.concatenate([x, h], -1), np.concatenate([kernel, recurrent_kernel])
    return both, kernels, both @ kernels + bias


def near_gates(x: np.ndarray, weights: Weights, h: np.ndarray, dtype: str) -> tuple[np.ndarray, Near, dict[str, Near]]:
    """Inputs beside states, the sums and the gates, in float64."""
    both, kernels, z = joined(x, weights, h)
    plus = np.abs(oracle.joined(weights)[2])
    dz = product_error(both, 0 * both, kernels, 0 * kernels, len(kernels) + 1, dtype, plus=plus) + ulp(z, dtype) / 2
    found = {}
    for gate, a, part, off in zip(GATES, oracle.gates_of(z), oracle.split(z), oracle.split(dz), strict=True):
        found[gate] = a, activation_error(part, off, a, ACTIVATIONS[gate], dtype)
    return both, (z, dz), found


def times(a: Near, b: Near, dtype: str, *, terms: int = 1, plus: Any = 0.0) -> Near:
    """The product of two values, of which so many are added."""
    return a[0] * b[0], product_error(*a, *b, terms, dtype, times=np.multiply, plus=plus)


def near_cell(gates: dict[str, Near], c: np.ndarray, dtype: str) -> tuple[Near, Near]:
    """The new cell, and its tanh."""
    kept, written = times(gates["f"], (c, 0 * c), dtype, terms=2), times(gates["i"], gates["g"], dtype, terms=2)
    new = kept[0] + written[0], kept[1] + written[1]
    t = np.tanh(new[0])
    return new, (t, activation_error(*new, t, "tanh", dtype))


def step_want(x: np.ndarray, weights: Weights, h: np.ndarray, c: np.ndarray) -> tuple:
    """The oracle's step, within what sums, products and activations may be off by."""
    dtype, (x, weights, h, c) = str(x.dtype), wide((x, weights, h, c))
    gates = near_gates(x, weights, h, dtype)[2]
    new, t = near_cell(gates, c, dtype)
    errors = times(gates["o"], t, dtype)[1], new[1]
    right = oracle.lstm_step(x, weights, h, c)
    return tuple(carried(y, error + ulp(y, dtype) / 2, dtype) for y, error in zip(right, errors, strict=True))


@remembered
def value(*operands: Any, **given: Any) -> tuple:
    """The oracle's sequence, and what it moves when all operands are rounded at random."""
    dtype = float_dtype(operands) or ""
    return spread(lambda rounded: oracle.lstm(*widened(operands), **given, rounded=rounded), dtype)


def expected(readings: dict, **more: Any) -> Callable[..., tuple]:
    """The oracle's sequence in the subject's reading, with what it may be off by."""

    def want(*operands: Any, **given: Any) -> tuple:
        states, *last = value(*operands, **told(readings, operands, more | given) | more | given)
        return left_open(states, readings, operands, more | given), *last

    return want


def states(trial, *operands: Any, **given: Any) -> np.ndarray:
    return trial.call(*operands, **given)[0]


# ---- one step, and what each gate does


@clause("lstm-step.value")
def test_step() -> Iterator[Case]:
    for dtype in DTYPES:
        yield call("lstm_step", *step_arrays(dtype), want=step_want, note="two gates exchanged")


@clause("lstm-step.input-gate")
def test_input_gate(trial) -> None:
    for dtype in trial.dtypes:
        x, weights, h, c = step_arrays(dtype, i=SHUT, f=OPEN)
        trial.expect(trial.call(x, weights, h, c)[1], exact(wide(c), dtype), "the cell behind a shut input gate")


@clause("lstm-step.forget-gate")
def test_forget_gate(trial) -> None:
    for dtype in trial.dtypes:
        x, weights, h, c = step_arrays(dtype, f=SHUT)
        before, after = (trial.call(x, weights, h, one) for one in (c, -3 * c))
        want = tuple(exact(wide(part), dtype) for part in before)
        trial.expect(after, want, "state and cell behind a shut forget gate, of another old cell")


@clause("lstm-step.candidate")
def test_candidate(trial) -> None:
    for dtype in trial.dtypes:
        x, weights, h, c = step_arrays(dtype, i=OPEN, f=SHUT)
        x_wide, weights_wide, h_wide = wide((x, weights, h))
        candidate, error = near_gates(x_wide, weights_wide, h_wide, dtype)[2]["g"]
        want = carried(candidate, error + ulp(candidate, dtype), dtype)
        trial.expect(trial.call(x, weights, h, c)[1], want, "the cell that is the candidate")


@clause("lstm-step.output-gate")
def test_output_gate(trial) -> None:
    for dtype in trial.dtypes:
        x, weights, h, c = step_arrays(dtype, o=OPEN)
        shown = trial.call(x, weights, h, c)
        hidden = trial.call(x, weights | {"bias_o": -weights["bias_o"]}, h, c)
        trial.expect(hidden[1], exact(wide(shown[1]), dtype), "the cell behind a shut output gate")
        most = np.abs(wide(hidden[0])).max()
        trial.require(bool(most < 1e-80), f"behind a shut output gate the state is {most:.3g}")


# ---- sequences


@clause("lstm.example")
def test_example() -> Iterator[Case]:
    x = np.array(oracle.EXAMPLE_X, np.float32).reshape(1, -1, 1)
    weights = {}
    for gate in GATES:
        weights[f"kernel_{gate}"] = np.full((1, 1), oracle.EXAMPLE_KERNEL[gate], np.float32)
        weights[f"recurrent_kernel_{gate}"] = np.zeros((1, 1), np.float32)
        weights[f"bias_{gate}"] = np.full(1, oracle.EXAMPLE_BIAS[gate], np.float32)
    carry = np.zeros((1, 1), np.float32), np.full((1, 1), oracle.EXAMPLE_CELL, np.float32)
    yield call("lstm", x, weights, *carry, want=value(x, weights, *carry), note="the cell kept whole")


@clause("lstm.value")
def test_value(readings: dict, lean: bool) -> Iterator[Case]:
    for dtype in DTYPES:
        yield call("lstm", *arrays(dtype), want=expected(readings), note="the carry, or the order of the gates")
    for time in (40,) if lean else (1, 2, 40):
        yield call("lstm", *arrays(time=time), want=expected(readings), note=f"{time} steps")


@clause("lstm.zero-carry")
def test_zero_carry(readings: dict) -> Iterator[Case]:
    yield call("lstm", *arrays()[:2], want=expected(readings), note="the first step without its biases")


@clause("lstm.carry")
def test_carry(trial) -> None:
    for dtype in trial.dtypes:
        y, h, c = trial.call(*arrays(dtype))
        trial.expect(h, exact(wide(y[:, -1]), dtype), "the state that comes back, beside that of the last step")
        apart = np.abs(wide(h) - wide(c)).min()
        trial.require(bool(apart > 1e-4), f"state and cell differ by no more than {apart:.2g}")


@clause("lstm.steps")
def test_steps(trial) -> None:
    for dtype in ("float32", "bfloat16"):
        if dtype in trial.dtypes:
            x, weights, h, c = arrays(dtype)
            want, found = expected(trial.readings)(x, weights, h, c), []
            trial.expect(trial.call(x, weights, h, c), want, "the sequence")
            for t in range(TIME):
                h, c = trial.call(x[:, t], weights, h, c, operation="lstm_step")
                found.append(h)
            trial.expect((np.stack(found, 1), h, c), want, "its steps, one after the other")


@clause("lstm.chunks")
def test_chunks(trial) -> None:
    x, weights, *carry = arrays(time=2 * TIME)
    want = expected(trial.readings)(x, weights, *carry)
    front, back = np.split(x, 2, 1)
    first, *between = trial.call(front, weights, *carry)
    second, *last = trial.call(back, weights, *between)
    trial.expect((np.concatenate([first, second], 1), *last), want, "two halves, the carry handed on")


@clause("lstm.prefix")
def test_prefix(trial) -> None:
    x, *rest = arrays()
    other = np.concatenate([x[:, :4], -3 * x[:, 4:]], 1)
    before, after = (states(trial, y, *rest)[:, :4] for y in (x, other))
    trial.expect(after, exact(wide(before)), "the first four states, other inputs behind them")


@clause("lstm.cell-unbounded")
def test_cell_unbounded(trial) -> None:
    x, weights, h, c = arrays(time=40)
    forced = {name: np.full_like(w, OPEN) for name, w in weights.items() if name.startswith("bias")}
    last = trial.call(x, weights | forced, h, 0 * c)[2]
    trial.expect(last, exact(np.full(c.shape, 40.0)), "a cell that grows by 1 at each of 40 steps")


@clause("lstm.state-bounded")
def test_state_bounded(trial) -> None:
    x, weights, h, c = arrays()
    for scale in (1e2, 1e6, 1e30):
        y, last, _ = trial.call(x, weights, h, np.float32(scale) * c)
        most = max(np.abs(wide(part)).max() for part in (y, last))
        trial.require(bool(most <= 1), f"with a cell of {scale:g} a state is {most:.3g}, expected 1 at most")


@clause("lstm.shape")
def test_shape(readings: dict, lean: bool) -> Iterator[Case]:
    grid = list(itertools.product((1, 4), (0, 1, 7), (1, 3), (1, 5)))
    for batch, time, features, units in grid[::3] if lean else grid:
        if not time and readings["no_steps"] == "refused":
            continue
        weights = {}
        for gate in GATES:
            weights[f"kernel_{gate}"] = np.ones((features, units), np.float32)
            weights[f"recurrent_kernel_{gate}"] = np.ones((units, units), np.float32)
            weights[f"bias_{gate}"] = np.ones(units, np.float32)
        x, carry = np.ones((batch, time, features), np.float32), np.ones((batch, units), np.float32)
        want = Shape((batch, time, units)), Shape(carry.shape), Shape(carry.shape)
        yield call("lstm", x, weights, carry, carry, want=want, note="an axis that is lost")


# ---- lengths


def with_padding(fill: float) -> np.ndarray:
    """Inputs with this number behind the end of each sequence."""
    x = arrays()[0].copy()
    x[padding()] = fill
    return x


@clause("lstm.lengths")
def test_lengths(trial) -> None:
    for dtype in ("float32", "bfloat16"):
        if dtype in trial.dtypes:
            operands = (*arrays(dtype), LENGTHS)
            want = expected(trial.readings)(*operands)
            trial.expect(trial.call(*operands)[1:], want[1:], "state and cell at the end of each sequence")
    for lengths in SHORTER:
        want = expected(trial.readings)(*arrays(), lengths)[1:]
        trial.expect(trial.call(*arrays(), lengths)[1:], want, f"state and cell at the ends {lengths.tolist()}")


@clause("lstm.padded-outputs")
def test_padded_outputs(readings: dict) -> Iterator[Case]:
    for lengths in (LENGTHS, *SHORTER):
        yield call("lstm", *arrays(), lengths, want=expected(readings), note="other numbers behind the end")


@clause("lstm.padding")
def test_padding(trial) -> None:
    _, *rest = arrays()

    def of(fill: float) -> tuple:
        y, *carry = trial.call(with_padding(fill), *rest, LENGTHS)
        return y[~padding()], *carry

    want = tuple(exact(wide(part)) for part in of(0.5))
    for fill in (np.nan, np.inf, 1e30):
        trial.expect(of(fill), want, f"states and carry with {fill} behind the end")


def taken(trial, *operands: Any, what: str, reading: str) -> tuple | None:
    """State and cell of a call that may be refused; whether it is must be as declared."""
    try:
        got = trial.call(*operands)
    except Refused:
        trial.require(reading == "refused", f"{what} is refused")
        return None
    trial.require(reading == "handed-through", f"{what} is taken")
    return got[1:]


@clause("lstm.empty-sequence")
def test_empty_sequence(trial) -> None:
    *operands, h, c = arrays()
    trial.call(*operands, h, c, LENGTHS)
    lengths, reading = np.array([7, 0, 1, 5]), trial.readings["empty_sequence"]
    got = taken(trial, *operands, h, c, lengths, what="a sequence of length 0", reading=reading)
    if got:
        want = exact(wide(h[1])), exact(wide(c[1]))
        trial.expect(tuple(part[1] for part in got), want, "state and cell after a sequence of length 0")
        g = normal_draws(117, h.shape), normal_draws(118, c.shape)
        back = trial.vjp((*operands, h, c, lengths), (np.zeros((BATCH, TIME, HIDDEN), np.float32), *g))[2:]
        want = tuple(exact(wide(part[1])) for part in g)
        trial.expect(tuple(part[1] for part in back), want, "the gradients of both before a sequence of length 0")


@clause("lstm.no-steps")
def test_no_steps(trial) -> None:
    x, weights, h, c = arrays()
    trial.call(x, weights, h, c)
    got = taken(trial, x[:, :0], weights, h, c, what="a sequence without steps", reading=trial.readings["no_steps"])
    if got:
        trial.expect(got, (exact(wide(h)), exact(wide(c))), "state and cell after no step")


# ---- the other direction


@clause("lstm.reverse")
def test_reverse(trial) -> None:
    want = expected(trial.readings, reverse=True)(*arrays())
    trial.expect(trial.call(*arrays(), reverse=True)[1:], want[1:], "state and cell after reading backwards")


@clause("lstm.reverse-order")
def test_reverse_order(readings: dict) -> Iterator[Case]:
    yield call("lstm", *arrays(), reverse=True, want=expected(readings), note="states in the other order")


@clause("lstm.reverse-start")
def test_reverse_start(trial) -> None:
    operands = (*arrays(), LENGTHS)
    y, *carry = trial.call(*operands, reverse=True)
    right, *last = expected(trial.readings, reverse=True)(*operands)
    trial.expect(tuple(carry), tuple(last), "state and cell of each sequence, from its end on")
    if trial.readings["reverse_order"] == "aligned":
        trial.expect(y[~padding()], where(right, ~padding()), "the states of each sequence, from its end on")


# ---- a new layer, and refusals


@clause("lstm-forget-bias.start")
def test_forget_bias(default: float) -> Iterator[Case]:
    deviation = (2 / 3) ** 0.5 * UNITS**-0.5  # of the sum of two draws between -1/sqrt(units) and 1/sqrt(units)
    want = statistical(default, deviation, UNITS, "float32")
    yield call("lstm_forget_bias", in_features=2, hidden_features=UNITS, want=want, note=f"others than {default}")


@clause("lstm.lengths-range")
def test_lengths_range() -> Iterator[ErrorCase]:
    for wrong in (TIME + 1, -1):
        lengths, valid = np.array([wrong, 3, 1, 5]), (*arrays(), LENGTHS)
        yield refusal("lstm", *arrays(), lengths, valid=valid, note=f"a length of {wrong} in {TIME} steps")


@clause("lstm.lengths-integer")
def test_lengths_integer() -> Iterator[ErrorCase]:
    lengths = np.array([7, 2.5, 1, 5], np.float32)
    yield refusal("lstm", *arrays(), lengths, valid=(*arrays(), LENGTHS), note="a length of 2.5")
