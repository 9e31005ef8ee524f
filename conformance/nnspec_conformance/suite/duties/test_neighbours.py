"""The duty of neighbours: an example's answer, and the gradient for it, know nothing of the other examples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from nnspec_conformance.answers import at, flowing, held, in_full, name_of, named, near, replaced, same, slopes, value
from nnspec_conformance.cases import clause
from nnspec_conformance.clauses import own_spec
from nnspec_conformance.home import Home
from nnspec_conformance.operations import Array
from nnspec_conformance.trial import Trial

TWO = (5, 3)  # leading axes where one of them holds no examples, as that of a softmax
STRANGE = {"NaN": np.nan, "infinity": np.inf, "large numbers": 1e30}
LARGEST = {"float16": 6e4}
UNITS = 16.0


@clause("duty.neighbours")
def test_neighbours(operation: str, readings: dict, lean: bool, trial: Trial) -> None:
    home = Home(own_spec().operations[operation], readings)
    if not Examples(home, trial.dtypes[0]).name:
        home = replace(home, leading=TWO)
    full = in_full(trial, lean)
    first = "float32" if "float32" in trial.dtypes else trial.dtypes[0]
    for dtype in trial.dtypes if full else (first,):
        with trial.part():
            other_contents(trial, Examples(home, dtype))
    with trial.part():
        another_place(trial, Examples(home, first))
    for count in (1, 3) if full else ():
        with trial.part():
            fewer(trial, Examples(home, first), count)


# ---- where examples lie


@dataclass(frozen=True)
class Examples:
    """The examples of a home question in one dtype."""

    home: Home
    dtype: str

    def axes(self, array: Array) -> dict[str, int]:
        """The axes of an array along which examples lie, by name."""
        home, array = self.home, array.with_indices(self.home.lengths)
        along = home.operation.example_axes(array, home.lengths, home.given)
        return {name: n for n, name in array.named_axes(home.lengths) if n in along}

    @property
    def name(self) -> str:
        """The first axis along which examples lie; empty if there is none."""
        arrays = self.home.operation.places(self.home.lengths, self.home.given).values()
        return next((name for array in arrays for name in self.axes(array)), "")

    @property
    def have_cotangents(self) -> bool:
        """Whether the answer has a floating-point row for each example, and gradients."""
        rows: list[Array] = []
        self.home.answer(rows.append)
        return self.home.has_gradient and any(array.dtype == "float" and self.axes(array) for array in rows)

    def index(self, array: Array, x: np.ndarray) -> tuple:
        """Where the example in the middle lies."""
        along = self.axes(array).values()
        return tuple(n // 2 if i in along else slice(None) for i, n in enumerate(x.shape))

    def drawn(self, seed: int = 0) -> tuple[tuple, Any]:
        """The arrays of a call, and cotangents."""
        return self.home.arrays(self.dtype, seed=seed), self.home.cotangents(self.dtype, seed=seed)

    def changed(self, function: Callable, *draws: tuple[tuple, Any]) -> tuple[tuple, Any]:
        """``function(array as declared, its entries in each of the draws)`` of whatever holds examples."""
        rows = {p: a for p, a in held(self.home, draws[0][0]).items() if self.axes(a)}
        arrays = {p: function(a, *(at(d[0], p) for d in draws)) for p, a in rows.items()}
        given = [named(self.home, d[1]) for d in draws]

        def of(array: Array) -> np.ndarray:
            entries = [one[array.name] for one in given]
            return function(array, *entries) if self.axes(array) else entries[0]

        return replaced(draws[0][0], arrays), self.home.answer(of)

    def asked(
        self, trial: Trial, drawn: tuple[tuple, Any], may_refuse: str = ""
    ) -> dict[str, tuple[Array, np.ndarray]]:
        """What holds examples of an answer and of the gradient, as declared and as it came, by name."""
        home, (arrays, cotangents) = self.home, drawn
        answer = named(home, trial.ask(value(home, arrays, may_refuse=may_refuse)))
        declared = named(home, home.answer(lambda array: array))
        found = {name: (array, answer[name]) for name, array in declared.items()}
        with trial.part():  # without a gradient the answers are compared all the same
            if home.has_gradient:
                rows = held(home, arrays)
                gradients = flowing(home, arrays, trial.ask(slopes(home, arrays, cotangents, may_refuse=may_refuse)))
                found |= {f"gradient for {name_of(home, p)}": (rows[p], g) for p, g in gradients.items()}
        return {name: pair for name, pair in found.items() if self.axes(pair[0])}


# ---- what is asked


def other_contents(trial: Trial, examples: Examples) -> None:
    """The example in the middle keeps its bits, whatever lies beside it."""

    def kept(array: Array, x: np.ndarray, other: np.ndarray) -> np.ndarray:
        found, here = np.array(other), examples.index(array, x)
        found[here] = x[here]
        return found

    def alone(answer: dict) -> dict:
        return {name: np.asarray(x[examples.index(array, x)]) for name, (array, x) in answer.items()}

    plain, others = examples.drawn(), examples.drawn(seed=1)
    before = same(alone(examples.asked(trial, plain)))
    after = alone(examples.asked(trial, examples.changed(kept, plain, others)))
    trial.expect(after, before, f"{examples.home.operation.name}: the example in the middle, others beside it")
    for what, number in STRANGE.items():
        entry = float(LARGEST.get(examples.dtype, number) if np.isfinite(number) else number)

        def among(array: Array, x: np.ndarray, other: np.ndarray, entry: float = entry) -> np.ndarray:
            is_free = array.dtype == "float" and array.interval is None and not array.values and not array.normalized
            return kept(array, x, np.full_like(x, entry) if is_free else other)

        arrays, cotangents = examples.changed(among, plain, others)
        about = f"{examples.home.operation.name}: the example in the middle, {what} beside it"
        trial.expect(alone(examples.asked(trial, (arrays, plain[1]))), before, about)
        if examples.have_cotangents:
            after = alone(examples.asked(trial, (plain[0], cotangents)))
            trial.expect(after, before, f"{about}, in the cotangents")


def another_place(trial: Trial, examples: Examples) -> None:
    """Examples that are moved on by one take their answers with them."""

    def rolled(array: Array, x: np.ndarray, by: int = 1) -> np.ndarray:
        axes = examples.axes(array)
        return np.roll(x, by, axes[examples.name]) if examples.name in axes else x

    plain = examples.drawn()
    before = {name: x for name, (_, x) in examples.asked(trial, plain).items()}
    after = examples.asked(trial, examples.changed(rolled, plain))
    back = {name: rolled(array, x, -1) for name, (array, x) in after.items()}
    trial.expect(back, near(before, UNITS), f"{examples.home.operation.name}: the examples one place further")


def fewer(trial: Trial, examples: Examples, count: int) -> None:
    """The first examples alone give what they give among more."""

    def first(array: Array, x: np.ndarray) -> np.ndarray:
        axes = examples.axes(array)
        index = (slice(None),) * axes.get(examples.name, 0) + (slice(count),)
        return x[index] if examples.name in axes else x

    plain = examples.drawn()
    before = {name: first(array, x) for name, (array, x) in examples.asked(trial, plain).items()}
    words = "a single example" if count == 1 else f"{count} examples"
    after = examples.asked(trial, examples.changed(first, plain), may_refuse=words)
    about = f"{examples.home.operation.name}: {words} of 5"
    trial.expect({name: x for name, (_, x) in after.items()}, near(before, UNITS), about)
