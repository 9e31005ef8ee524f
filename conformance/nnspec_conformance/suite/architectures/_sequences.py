"""What every recurrent layer is asked about sequences: written once, and bound to the clauses of each cell."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case, ErrorCase, call, gradient, refusal
from nnspec_conformance.dtypes import DTYPES, float_dtype, is_float
from nnspec_conformance.errors import Refused
from nnspec_conformance.inputs import normal_draws, wide
from nnspec_conformance.rounded import most_runs
from nnspec_conformance.tolerance import Shape, Want, exact, spread
from nnspec_conformance.trees import leaves, mapped, rebuilt

BATCH, TIME, IN, HIDDEN = 4, 7, 3, 5  # no two alike
LENGTHS = np.array([7, 3, 1, 5])  # the longest is as long as the array, and one is a single step
SHORTER = np.array([5, 3, 1, 4]), np.array([4, 4, 4, 4])  # none is as long as the array; all are alike


def padding() -> np.ndarray:
    """Which steps lie behind the end, [batch, time]."""
    return np.arange(TIME) >= LENGTHS[:, None]


def widened(operands: tuple) -> tuple:
    """The floating-point arrays of a call in float64; lengths stay integers."""
    return mapped(lambda x: np.asarray(x, np.float64) if is_float(x) else x, operands)


def where(want: Want, mask: np.ndarray) -> Want:
    """The expected numbers at some places."""
    return replace(want, value=want.value[mask], allowed=want.allowed[mask], flushed=want.flushed[mask])


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
        arrays = tuple((str(x.dtype), x.shape, x.tobytes()) for x in leaves(operands))
        key = arrays, tuple(sorted(given.items())), most_runs()
        if key not in found:
            found[key] = want(*operands, **given)
        return found[key]

    return again


def told(readings: dict, operands: tuple, given: dict, always: tuple[str, ...] = ()) -> dict[str, str]:
    """The readings on which an answer depends, so that the others do not have it computed once more."""
    names = [*always]
    names += ["no_steps"] if not operands[0].shape[1] else []
    names += ["padded_outputs", "empty_sequence"] if any(x.dtype.kind in "iu" for x in leaves(operands)) else []
    names += ["reverse_order"] if given.get("reverse") else []
    return {name: readings[name] for name in names if name in readings}


@dataclass(frozen=True)
class Layer:
    """A recurrent layer whose state is one array, [batch, hidden].

    Attributes:
        name: of its operation; ``<name>_step`` is one step.
        oracle: of a sequence, with a keyword ``rounded``.
        vjp: its gradients.
        weights: of the features, the units, a dtype and the readings.
        given: the keywords that every call has.
        readings: the keywords whose readings every answer depends on.
    """

    name: str
    oracle: Callable
    vjp: Callable
    weights: Callable[..., dict[str, np.ndarray]]
    given: dict[str, Any]
    readings: tuple[str, ...] = ()
    _value: Callable = field(init=False, repr=False)
    _gradients: Callable = field(init=False, repr=False)

    def __post_init__(self) -> None:
        def value(*operands: Any, **given: Any) -> Any:
            dtype = float_dtype(operands) or ""
            return spread(lambda rounded: self.oracle(*widened(operands), **given, rounded=rounded), dtype)

        def gradients(*operands: Any, **given: Any) -> Any:
            dtype = float_dtype(operands) or ""
            return spread(lambda rounded: self.vjp(*widened(operands), **given, rounded=rounded), dtype)

        object.__setattr__(self, "_value", remembered(value))
        object.__setattr__(self, "_gradients", remembered(gradients))

    @property
    def every(self) -> dict[str, Any]:
        """The keywords of a call that wants all states."""
        return self.given | {"outputs": "all"}

    @property
    def last(self) -> dict[str, Any]:
        """The keywords of a call that wants the last state."""
        return self.given | {"outputs": "last"}

    def arrays(self, readings: dict, dtype: str = "float32", time: int = TIME) -> tuple[np.ndarray, dict, np.ndarray]:
        """x, weights and a carry: no entry zero, no two alike."""
        x, carry = normal_draws(81, (BATCH, time, IN), dtype), normal_draws(85, (BATCH, HIDDEN), dtype)
        return x, self.weights(IN, HIDDEN, dtype, readings), carry

    def told(self, readings: dict, operands: tuple, given: dict) -> dict[str, str]:
        """The readings on which this answer depends."""
        return told(readings, operands, given, self.readings)

    def expected(self, readings: dict, **more: Any) -> Callable[..., Want]:
        """The oracle's states in the subject's reading, and what they move when all operands are rounded at random."""

        def want(*operands: Any, **given: Any) -> Want:
            told = self.told(readings, operands, more | given)
            found = self._value(*operands, **told | more | given)
            last = (more | given).get("outputs") == "last"
            return found if last else left_open(found, readings, operands, more | given)

        return want

    def gradients(self, readings: dict) -> Callable[..., tuple]:
        """The oracle's gradients in that reading, and what they move when all operands are rounded at random."""

        def want(*operands: Any, **given: Any) -> tuple:
            found = self._gradients(*operands, **self.told(readings, operands, given) | given)
            return found if given.get("outputs") == "last" else left_open(found, readings, operands, given)

        return want

    def with_padding(self, fill: float) -> np.ndarray:
        """Inputs with this number behind the end of each sequence."""
        x = normal_draws(81, (BATCH, TIME, IN)).copy()
        x[padding()] = fill
        return x

    # ---- values
    def values(self, readings: dict, lean: bool) -> Iterator[Case]:
        want = self.expected(readings)
        for dtype in DTYPES:
            arrays = self.arrays(readings, dtype)
            yield call(self.name, *arrays, **self.every, want=want, note="the carry, or the order of the steps")
        for time in (40,) if lean else (1, 2, 40):
            arrays = self.arrays(readings, time=time)
            yield call(self.name, *arrays, **self.every, want=want, note=f"{time} steps")
        arrays = self.arrays(readings)
        yield call(self.name, *arrays, **self.last, want=want, note="the state before the last step")

    def zero_carry(self, readings: dict) -> Iterator[Case]:
        x, weights, _ = self.arrays(readings)
        want = self.expected(readings)
        yield call(self.name, x, weights, **self.every, want=want, note="the first step without its bias")

    def default_outputs(self, readings: dict, default: str) -> Iterator[Case]:
        want = self.expected(readings, outputs=default)
        yield call(self.name, *self.arrays(readings), **self.given, want=want, note=f"others than {default}")

    def shapes(self, readings: dict, lean: bool) -> Iterator[Case]:
        grid = list(itertools.product((1, 4), (0, 1, 7), (1, 3), (1, 5)))
        for batch, time, features, units in grid[::3] if lean else grid:
            if not time and readings["no_steps"] == "refused":
                continue
            x, carry = np.ones((batch, time, features), np.float32), np.ones((batch, units), np.float32)
            arrays = x, self.weights(features, units, "float32", readings), carry
            every, last = Shape((batch, time, units)), Shape((batch, units))
            yield call(self.name, *arrays, **self.every, want=every, note="an axis that is lost")
            yield call(self.name, *arrays, **self.last, want=last, note="an axis that is left over")

    # ---- relations between calls
    def steps(self, trial: Any) -> None:
        told = {name: word for name, word in trial.setting.told.items() if name in self.readings}
        for dtype in ("float32", "bfloat16"):
            if dtype in trial.dtypes:
                x, weights, h = self.arrays(trial.readings, dtype)
                want, states = self.expected(trial.readings)(x, weights, h, **self.every), []
                trial.expect(trial.call(x, weights, h, **self.every), want, "the sequence")
                for t in range(TIME):
                    h = trial.call(x[:, t], weights, h, operation=f"{self.name}_step", **self.given | told)
                    states.append(h)
                trial.expect(np.stack(states, 1), want, "its steps, one after the other")

    def chunks(self, trial: Any) -> None:
        x, weights, carry = self.arrays(trial.readings, time=2 * TIME)
        want = self.expected(trial.readings)(x, weights, carry, **self.every)
        front, back = np.split(x, 2, 1)
        first = trial.call(front, weights, carry, **self.every)
        between = trial.call(front, weights, carry, **self.last)
        second = trial.call(back, weights, between, **self.every)
        trial.expect(np.concatenate([first, second], 1), want, "two halves, the carry handed on")

    def prefix(self, trial: Any) -> None:
        x, weights, carry = self.arrays(trial.readings)
        other = np.concatenate([x[:, :4], -3 * x[:, 4:]], 1)
        before, after = (trial.call(y, weights, carry, **self.every)[:, :4] for y in (x, other))
        trial.expect(after, exact(wide(before)), "the first four states, other inputs behind them")

    # ---- lengths
    def lengths(self, readings: dict, lean: bool) -> Iterator[Case]:
        want = self.expected(readings)
        for dtype in ("float32", "bfloat16") if lean else DTYPES:
            arrays = self.arrays(readings, dtype)
            yield call(self.name, *arrays, LENGTHS, **self.last, want=want, note="the state behind the end")
        for lengths in SHORTER:
            yield call(self.name, *self.arrays(readings), lengths, **self.last, want=want, note="no lengths, all alike")

    def padded_outputs(self, readings: dict) -> Iterator[Case]:
        want = self.expected(readings)
        for lengths in (LENGTHS, *SHORTER):
            arrays = *self.arrays(readings), lengths
            yield call(self.name, *arrays, **self.every, want=want, note="other numbers behind the end")

    def of_padding(self, trial: Any) -> None:
        _, weights, carry = self.arrays(trial.readings)
        for given in (self.every, self.last):
            kept = ~padding() if given == self.every else np.ones(BATCH, bool)
            before = trial.call(self.with_padding(0.5), weights, carry, LENGTHS, **given)[kept]
            for fill in (np.nan, np.inf, 1e30):
                after = trial.call(self.with_padding(fill), weights, carry, LENGTHS, **given)[kept]
                trial.expect(after, exact(wide(before)), f"{given['outputs']} outputs with {fill} behind the end")

    def empty_sequence(self, trial: Any) -> None:
        x, weights, carry = self.arrays(trial.readings)
        trial.call(x, weights, carry, LENGTHS, **self.last)
        reading = trial.readings["empty_sequence"]
        try:
            got = trial.call(x, weights, carry, np.array([7, 0, 1, 5]), **self.last)
        except Refused:
            trial.require(reading == "refused", "a sequence of length 0 is refused")
            return
        trial.require(reading == "handed-through", "a sequence of length 0 is taken")
        trial.expect(got[1], exact(wide(carry[1])), "the state after a sequence of length 0")
        g = normal_draws(86, (BATCH, HIDDEN))
        found = trial.vjp((x, weights, carry, np.array([7, 0, 1, 5])), g, **self.last)[2]
        trial.expect(found[1], exact(wide(g[1])), "the gradient of the state before a sequence of length 0")

    def no_steps(self, trial: Any) -> None:
        x, weights, carry = self.arrays(trial.readings)
        trial.call(x, weights, carry, **self.last)
        reading = trial.readings["no_steps"]
        try:
            got = trial.call(x[:, :0], weights, carry, **self.last)
        except Refused:
            trial.require(reading == "refused", "sequences without steps are refused")
            return
        trial.require(reading == "handed-through", "sequences without steps are taken")
        trial.expect(got, exact(wide(carry)), "the state after no step")

    # ---- the other direction
    def reverse(self, readings: dict, lean: bool) -> Iterator[Case]:
        want = self.expected(readings)
        for dtype in ("float32",) if lean else DTYPES:
            arrays = self.arrays(readings, dtype)
            yield call(self.name, *arrays, **self.last, reverse=True, want=want, note="from the front on")

    def reverse_order(self, readings: dict) -> Iterator[Case]:
        want, arrays = self.expected(readings), self.arrays(readings)
        yield call(self.name, *arrays, **self.every, reverse=True, want=want, note="states in the other order")

    def reverse_start(self, trial: Any) -> None:
        arrays = (*self.arrays(trial.readings), LENGTHS)
        want = self.expected(trial.readings, reverse=True)
        got = trial.call(*arrays, **self.last, reverse=True)
        trial.expect(got, want(*arrays, **self.last), "the last state of each sequence, from its end on")
        if trial.readings["reverse_order"] == "aligned":
            got, right = trial.call(*arrays, **self.every, reverse=True), want(*arrays, **self.every)
            trial.expect(got[~padding()], where(right, ~padding()), "the states of each sequence, from its end on")

    # ---- gradients
    def through_time(self, readings: dict, lean: bool) -> Iterator[Case]:
        want = self.gradients(readings)
        for dtype in ("float32", "bfloat16") if lean else DTYPES:
            g, arrays = normal_draws(87, (BATCH, TIME, HIDDEN), dtype), self.arrays(readings, dtype)
            note = "the gradient of one step alone"
            yield gradient(self.name, *arrays, **self.every, cotangents=g, want=want, note=note)
        for time in (40,) if lean else (1, 2, 40):
            g, arrays = normal_draws(87, (BATCH, time, HIDDEN)), self.arrays(readings, time=time)
            yield gradient(self.name, *arrays, **self.every, cotangents=g, want=want, note="a window of few steps")
        g, arrays = normal_draws(86, (BATCH, HIDDEN)), self.arrays(readings)
        note = "no gradient through the last state"
        yield gradient(self.name, *arrays, **self.last, cotangents=g, want=want, note=note)
        if not lean:
            g, turned = normal_draws(87, (BATCH, TIME, HIDDEN)), self.every | {"reverse": True}
            yield gradient(self.name, *arrays, **turned, cotangents=g, want=want, note="in the order of time")

    def of_lengths(self, readings: dict) -> Iterator[Case]:
        last, every = normal_draws(86, (BATCH, HIDDEN)), normal_draws(87, (BATCH, TIME, HIDDEN))
        asked = (
            (self.last, last, "through steps behind the end"),
            (self.last | {"reverse": True}, last, "backwards from the padding on"),
            (self.every, np.where(padding()[..., None], 0, every), "the end of another sequence"),
        )
        want, arrays = self.gradients(readings), self.arrays(readings)
        for given, g, note in asked:
            yield gradient(self.name, *arrays, LENGTHS, **given, cotangents=g, want=want, note=note)

    def of_padded_outputs(self, readings: dict) -> Iterator[Case]:
        g, want = normal_draws(87, (BATCH, TIME, HIDDEN)), self.gradients(readings)
        arrays, note = self.arrays(readings), "cotangents behind the end"
        yield gradient(self.name, *arrays, LENGTHS, **self.every, cotangents=g, want=want, note=note)

    def of_padding_gradient(self, trial: Any) -> None:
        _, weights, carry = self.arrays(trial.readings)
        g = normal_draws(87, (BATCH, TIME, HIDDEN)).copy()
        g[padding()] = 0
        before = trial.vjp((self.with_padding(0.5), weights, carry, LENGTHS), g, **self.every)
        after = trial.vjp((self.with_padding(np.nan), weights, carry, LENGTHS), g, **self.every)
        want = rebuilt(before, [exact(wide(part)) for part in leaves(before)])
        trial.expect(after, want, "the gradients with NaN behind the end")
        trial.expect(before[0][padding()], exact(np.zeros(before[0][padding()].shape)), "the gradient for the padding")

    # ---- refusals
    def lengths_range(self, readings: dict) -> Iterator[ErrorCase]:
        arrays = self.arrays(readings)
        for wrong in (TIME + 1, -1):
            lengths, note = np.array([wrong, 3, 1, 5]), f"a length of {wrong} in {TIME} steps"
            yield refusal(self.name, *arrays, lengths, **self.last, valid=(*arrays, LENGTHS), note=note)

    def lengths_integer(self, readings: dict) -> Iterator[ErrorCase]:
        arrays, lengths = self.arrays(readings), np.array([7, 2.5, 1, 5], np.float32)
        yield refusal(self.name, *arrays, lengths, **self.last, valid=(*arrays, LENGTHS), note="a length of 2.5")
