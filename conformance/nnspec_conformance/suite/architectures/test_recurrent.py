"""Tests of architectures/recurrent: one step, sequences, their lengths and directions."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case, ErrorCase, call, clause, refusal
from nnspec_conformance.dtypes import DTYPES, float_dtype, is_float
from nnspec_conformance.errors import Refused
from nnspec_conformance.inputs import normal_draws, wide
from nnspec_conformance.oracles.architectures import recurrent as oracle
from nnspec_conformance.suite.components.test_forward_propagation import activation_error
from nnspec_conformance.tolerance import Shape, Want, carried, exact, product_error, spread, ulp
from nnspec_conformance.trees import leaves, mapped

BATCH, TIME, IN, HIDDEN = 4, 7, 3, 5  # no two alike
LENGTHS = np.array([7, 3, 1, 5])  # the longest is as long as the array, and one is a single step
TANH: dict[str, Any] = {"activation": "tanh"}
ALL: dict[str, Any] = TANH | {"outputs": "all"}
LAST: dict[str, Any] = TANH | {"outputs": "last"}


def arrays(dtype: str = "float32", time: int = TIME) -> tuple[np.ndarray, dict[str, np.ndarray], np.ndarray]:
    """x, weights and a carry: no entry zero, no two alike."""
    weights = {
        "kernel": normal_draws(82, (IN, HIDDEN), dtype, scale=IN**-0.5),
        "recurrent_kernel": normal_draws(83, (HIDDEN, HIDDEN), dtype, scale=HIDDEN**-0.5),
        "bias": normal_draws(84, (HIDDEN,), dtype),
    }
    return normal_draws(81, (BATCH, time, IN), dtype), weights, normal_draws(85, (BATCH, HIDDEN), dtype)


def step_arrays(dtype: str = "float32") -> tuple[np.ndarray, dict[str, np.ndarray], np.ndarray]:
    x, weights, carry = arrays(dtype)
    return x[:, 2], weights, carry


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


def widened(operands: tuple) -> tuple:
    """The floating-point arrays of a call in float64; lengths stay integers."""
    return mapped(lambda x: np.asarray(x, np.float64) if is_float(x) else x, operands)


def told(readings: dict, operands: tuple, given: dict) -> dict[str, str]:
    """The readings on which this answer depends, so that the others do not have it computed once more."""
    names = ["no_steps"] if not operands[0].shape[1] else []
    names += ["padded_outputs", "empty_sequence"] if any(x.dtype.kind in "iu" for x in leaves(operands)) else []
    names += ["reverse_order"] if given.get("reverse") else []
    return {name: readings[name] for name in names if name in readings}


def left_open(want: Any, readings: dict, operands: tuple, given: dict) -> Any:
    """Any numbers, where states come in the order of processing, and padding is read first or last as one likes."""
    has_lengths = any(x.dtype.kind in "iu" for x in leaves(operands))
    if not (has_lengths and given.get("reverse") and readings.get("reverse_order") == "processing"):
        return want
    if isinstance(want, Want):
        return replace(want, allowed=np.full_like(want.allowed, np.inf))
    if isinstance(want, dict):
        return {name: left_open(part, readings, operands, given) for name, part in want.items()}
    return type(want)(left_open(part, readings, operands, given) for part in want)


def remembered(want: Callable) -> Callable:
    """The function of arrays and attributes with its answers kept: a spread is many runs of the oracle."""
    found: dict[Any, Any] = {}

    def again(*operands: Any, **given: Any) -> Any:
        key = tuple((str(x.dtype), x.shape, x.tobytes()) for x in leaves(operands)), tuple(sorted(given.items()))
        if key not in found:
            found[key] = want(*operands, **given)
        return found[key]

    return again


@remembered
def value(*operands: Any, **given: Any) -> Want:
    """The oracle's sequence, and what it moves when all operands are rounded at random."""
    dtype = float_dtype(operands) or ""
    return spread(lambda rounded: oracle.elman(*widened(operands), **given, rounded=rounded), dtype)


def expected(readings: dict, **more: Any) -> Callable[..., Want]:
    """The oracle's sequence in the subject's reading, with what it may be off by."""

    def want(*operands: Any, **given: Any) -> Want:
        found = value(*operands, **told(readings, operands, more | given) | more | given)
        last = (more | given).get("outputs") == "last"
        return found if last else left_open(found, readings, operands, more | given)

    return want


def where(want: Want, mask: np.ndarray) -> Want:
    """The expected numbers at some places."""
    return replace(want, value=want.value[mask], allowed=want.allowed[mask], flushed=want.flushed[mask])


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
    want = expected(readings)
    for dtype in DTYPES:
        yield call("elman", *arrays(dtype), **ALL, want=want, note="the carry, or the order of the steps")
    for time in (1, 2, 40):
        yield call("elman", *arrays(time=time), **ALL, want=want, note=f"{time} steps")
    yield call("elman", *arrays(), **LAST, want=want, note="the state before the last step")
    yield call("elman", *arrays(), **ALL | {"activation": "relu"}, want=want, note="tanh whatever is asked")


@clause("elman.zero-carry")
def test_zero_carry(readings: dict) -> Iterator[Case]:
    x, weights, _ = arrays()
    yield call("elman", x, weights, **ALL, want=expected(readings), note="the first step without its bias")


@clause("elman.default-outputs")
def test_default_outputs(readings: dict, default: str) -> Iterator[Case]:
    yield call("elman", *arrays(), **TANH, want=expected(readings, outputs=default), note=f"others than {default}")


@clause("elman.shape")
def test_shape(readings: dict, lean: bool) -> Iterator[Case]:
    grid = list(itertools.product((1, 4), (0, 1, 7), (1, 3), (1, 5)))
    for batch, time, features, units in grid[::3] if lean else grid:
        if not time and readings["no_steps"] == "refused":
            continue
        x = np.ones((batch, time, features), np.float32)
        weights = {
            "kernel": np.ones((features, units), np.float32),
            "recurrent_kernel": np.ones((units, units), np.float32),
            "bias": np.ones(units, np.float32),
        }
        carry = np.ones((batch, units), np.float32)
        yield call("elman", x, weights, carry, **ALL, want=Shape((batch, time, units)), note="an axis that is lost")
        yield call("elman", x, weights, carry, **LAST, want=Shape((batch, units)), note="an axis that is left over")


# ---- relations between calls


@clause("elman.steps")
def test_steps(trial) -> None:
    for dtype in ("float32", "bfloat16"):
        if dtype in trial.dtypes:
            x, weights, h = arrays(dtype)
            want, states = expected(trial.readings)(x, weights, h, **ALL), []
            trial.expect(trial.call(x, weights, h, **ALL), want, "the sequence")
            for t in range(TIME):
                h = trial.call(x[:, t], weights, h, operation="elman_step", **TANH)
                states.append(h)
            trial.expect(np.stack(states, 1), want, "its steps, one after the other")


@clause("elman.chunks")
def test_chunks(trial) -> None:
    x, weights, carry = arrays(time=2 * TIME)
    want = expected(trial.readings)(x, weights, carry, **ALL)
    front, back = np.split(x, 2, 1)
    first = trial.call(front, weights, carry, **ALL)
    between = trial.call(front, weights, carry, **LAST)
    second = trial.call(back, weights, between, **ALL)
    trial.expect(np.concatenate([first, second], 1), want, "two halves, the carry handed on")


@clause("elman.order")
def test_order(trial) -> None:
    x, weights, carry = arrays()
    turned = x[:, [1, 0, *range(2, TIME)]].copy()
    changed = np.abs(wide(trial.call(x, weights, carry, **LAST)) - wide(trial.call(turned, weights, carry, **LAST)))
    trial.require(bool(changed.max() > 1e-3), f"two inputs exchanged change no state by more than {changed.max():.2g}")


@clause("elman.prefix")
def test_prefix(trial) -> None:
    x, weights, carry = arrays()
    other = np.concatenate([x[:, :4], -3 * x[:, 4:]], 1)
    before, after = (trial.call(y, weights, carry, **ALL)[:, :4] for y in (x, other))
    trial.expect(after, exact(wide(before)), "the first four states, other inputs behind them")


# ---- lengths


@clause("elman.lengths")
def test_lengths(readings: dict, lean: bool) -> Iterator[Case]:
    for dtype in ("float32", "bfloat16") if lean else DTYPES:
        yield call("elman", *arrays(dtype), LENGTHS, **LAST, want=expected(readings), note="the state behind the end")


@clause("elman.padded-outputs")
def test_padded_outputs(readings: dict) -> Iterator[Case]:
    yield call("elman", *arrays(), LENGTHS, **ALL, want=expected(readings), note="other numbers behind the end")


def with_padding(fill: float) -> np.ndarray:
    """Inputs with this number behind the end of each sequence."""
    x = arrays()[0].copy()
    x[padding()] = fill
    return x


def padding() -> np.ndarray:
    return np.arange(TIME) >= LENGTHS[:, None]


@clause("elman.padding")
def test_padding(trial) -> None:
    _, weights, carry = arrays()
    for given in (ALL, LAST):
        kept = ~padding() if given is ALL else np.ones(BATCH, bool)
        before = trial.call(with_padding(0.5), weights, carry, LENGTHS, **given)[kept]
        for fill in (np.nan, np.inf, 1e30):
            after = trial.call(with_padding(fill), weights, carry, LENGTHS, **given)[kept]
            trial.expect(after, exact(wide(before)), f"{given['outputs']} outputs with {fill} behind the end")


@clause("elman.empty-sequence")
def test_empty_sequence(trial) -> None:
    x, weights, carry = arrays()
    trial.call(x, weights, carry, LENGTHS, **LAST)
    reading = trial.readings["empty_sequence"]
    try:
        got = trial.call(x, weights, carry, np.array([7, 0, 1, 5]), **LAST)
    except Refused:
        trial.require(reading == "refused", "a sequence of length 0 is refused")
        return
    trial.require(reading == "handed-through", "a sequence of length 0 is taken")
    trial.expect(got[1], exact(wide(carry[1])), "the state after a sequence of length 0")


@clause("elman.no-steps")
def test_no_steps(trial) -> None:
    x, weights, carry = arrays()
    trial.call(x, weights, carry, **LAST)
    reading = trial.readings["no_steps"]
    try:
        got = trial.call(x[:, :0], weights, carry, **LAST)
    except Refused:
        trial.require(reading == "refused", "sequences without steps are refused")
        return
    trial.require(reading == "handed-through", "sequences without steps are taken")
    trial.expect(got, exact(wide(carry)), "the state after no step")


# ---- the other direction


@clause("elman.reverse")
def test_reverse(readings: dict, lean: bool) -> Iterator[Case]:
    for dtype in ("float32",) if lean else DTYPES:
        yield call("elman", *arrays(dtype), **LAST, reverse=True, want=expected(readings), note="from the front on")


@clause("elman.reverse-order")
def test_reverse_order(readings: dict) -> Iterator[Case]:
    yield call("elman", *arrays(), **ALL, reverse=True, want=expected(readings), note="states in the other order")


@clause("elman.reverse-start")
def test_reverse_start(trial) -> None:
    x, weights, carry = arrays()
    want = expected(trial.readings, reverse=True)
    got = trial.call(x, weights, carry, LENGTHS, **LAST, reverse=True)
    trial.expect(got, want(x, weights, carry, LENGTHS, **LAST), "the last state of each sequence, from its end on")
    if trial.readings["reverse_order"] == "aligned":
        got, right = (
            trial.call(x, weights, carry, LENGTHS, **ALL, reverse=True),
            want(x, weights, carry, LENGTHS, **ALL),
        )
        trial.expect(got[~padding()], where(right, ~padding()), "the states of each sequence, from its end on")


# ---- refusals


@clause("elman.lengths-range")
def test_lengths_range() -> Iterator[ErrorCase]:
    for wrong in (TIME + 1, -1):
        lengths = np.array([wrong, 3, 1, 5])
        valid = (*arrays(), LENGTHS)
        yield refusal("elman", *arrays(), lengths, **LAST, valid=valid, note=f"a length of {wrong} in {TIME} steps")


@clause("elman.lengths-integer")
def test_lengths_integer() -> Iterator[ErrorCase]:
    lengths = np.array([7, 2.5, 1, 5], np.float32)
    yield refusal("elman", *arrays(), lengths, **LAST, valid=(*arrays(), LENGTHS), note="a length of 2.5")
