"""The duty of the gradient: that of the call itself, as differences of calls show it along random directions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from nnspec_conformance.answers import at, by_place, held, in_full, near, pairs, replaced, slopes, value
from nnspec_conformance.beside import beside_the_gradient, is_recorded
from nnspec_conformance.cases import clause
from nnspec_conformance.clauses import own_spec
from nnspec_conformance.differences import (
    SCALE,
    WIDE,
    Difference,
    difference,
    direction,
    expect_where_settled,
    named_together,
    shares,
)
from nnspec_conformance.dtypes import is_float
from nnspec_conformance.errors import NotAsked
from nnspec_conformance.home import Home
from nnspec_conformance.keywords import other_settings
from nnspec_conformance.operations import Place
from nnspec_conformance.trees import leaves
from nnspec_conformance.trial import Trial

UNITS = 16.0  # eps of the largest entry, as between one place of a batch and another


@clause("duty.gradient")
def test_gradient(operation: str, readings: dict, lean: bool, trial: Trial) -> None:
    if "float64" not in trial.dtypes:
        raise NotAsked("float64, in which differences are taken")
    home = Home(own_spec().operations[operation], readings)
    with trial.part():
        differs(trial, home, lean=lean)
    for dtype in trial.dtypes if in_full(trial, lean) else ("float64",):
        with trial.part():
            comes_with_it(trial, home, dtype)
    if not in_full(trial, lean):
        return
    with trial.part():
        leading = WIDE if home.stars else home.leading
        differs(trial, replace(home, leading=leading), scale=SCALE, may_refuse="another shape")
    if home.optional:
        with trial.part(arrays="all"):
            differs(trial, replace(home, complete=True), may_refuse="all arrays", each=False)
    for other, changed in other_settings(home):
        with trial.part(**changed):
            differs(trial, other, each=len(changed) < 2)


def differs(
    trial: Trial, home: Home, *, scale: float = 1.0, may_refuse: str = "", each: bool = True, lean: bool = False
) -> None:
    """Compare the gradient with differences of the call, also for each argument alone."""

    def drawn(seed: int) -> tuple[str, list[Difference]]:
        arrays = home.arrays("float64", seed=seed, scale=scale)
        cotangents = home.cotangents("float64", seed=seed)
        asked = slopes(home, arrays, cotangents, may_refuse=may_refuse)
        gradients = by_place(arrays, trial.ask(asked))
        found = list(differences(trial, home, arrays, cotangents, gradients, seed, each=each, lean=lean))
        return asked.describe(trial.setting.told), found

    expect_where_settled(trial, drawn)


def differences(
    trial: Trial, home: Home, arrays: tuple, cotangents: object, gradients: dict, seed: int, *, each: bool, lean: bool
) -> Iterator[Difference]:
    """All arguments that carry a gradient at once, and each alone."""
    moving = {place: array for place, array in held(home, arrays).items() if place in gradients and array.gradient}
    random = np.random.default_rng(seed)
    step = {place: direction(random, at(arrays, place), array, home) for place, array in moving.items()}
    alone = shares(list(moving), lean) if each and len(moving) > 1 else []
    for places in [list(moving), *alone]:

        def sums(h: float, places: list[Place] = places) -> tuple[float, float]:
            ahead = {place: np.asarray(at(arrays, place) + h * step[place]) for place in places}
            return total(trial, home, replaced(arrays, ahead), cotangents)

        terms = [gradients[place].astype(np.float64) * step[place] for place in places]
        is_all = len(places) == len(moving) > 1
        yield difference(sums, terms, "all arguments" if is_all else named_together(home, places))


def total(trial: Trial, home: Home, arrays: tuple, cotangents: object) -> tuple[float, float]:
    """The sum of the products of a call's answer with the cotangents, and of their sizes."""
    terms = [c * y.astype(np.float64) for c, y in pairs(cotangents, trial.ask(value(home, arrays)))]
    return sum(float(t.sum()) for t in terms), sum(float(np.abs(t).sum()) for t in terms)


# ---- the answer that comes with it


def comes_with_it(trial: Trial, home: Home, dtype: str) -> None:
    """Compare the answer where a gradient is taken with that of the call by itself."""
    arrays = home.arrays(dtype)
    asked = value(home, arrays)
    if not is_recorded(trial):
        return
    answer = trial.ask(asked)
    floats = [y for y in leaves(answer) if is_float(y)]
    about = f"{asked.describe(trial.setting.told)}: the answer that comes with the gradient"
    trial.expect(beside_the_gradient(trial, asked, answer), near(floats, UNITS), about)
