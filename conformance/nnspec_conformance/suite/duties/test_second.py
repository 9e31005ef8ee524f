"""The duty of the second order: the gradient of the gradient, as differences of gradients show it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from nnspec_conformance.answers import at, by_place, each_with, held, in_full, pairs, replaced, slopes
from nnspec_conformance.cases import Case, clause
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
from nnspec_conformance.errors import NotAsked
from nnspec_conformance.flat import float_places, regrouped
from nnspec_conformance.home import Home
from nnspec_conformance.keywords import other_settings
from nnspec_conformance.operations import Array, Place
from nnspec_conformance.trial import Trial


@clause("duty.second")
def test_second(operation: str, readings: dict, lean: bool, trial: Trial) -> None:
    if "float64" not in trial.dtypes:
        raise NotAsked("float64, in which differences are taken")
    home = Home(own_spec().operations[operation], readings)
    with trial.part():
        differs(trial, home, each=True, lean=lean)
    if not in_full(trial, lean):
        return
    with trial.part():
        leading = WIDE if home.stars else home.leading
        differs(trial, replace(home, leading=leading), scale=SCALE, may_refuse="another shape")
    if home.optional:
        with trial.part(arrays="all"):
            differs(trial, replace(home, complete=True), may_refuse="all arrays")
    for other, changed in other_settings(home):
        with trial.part(**changed):
            differs(trial, other)


def differs(
    trial: Trial, home: Home, *, scale: float = 1.0, may_refuse: str = "", each: bool = False, lean: bool = False
) -> None:
    """Compare the gradient of the gradient with differences of the gradient, also for each array alone."""

    def drawn(seed: int) -> tuple[str, list[Difference]]:
        arrays = home.arrays("float64", seed=seed, scale=scale)
        cotangents = home.cotangents("float64", seed=seed)
        moving = {place: array for place, array in held(home, arrays).items() if is_moved(place, array, arrays)}
        weights = weights_of(home, arrays, moving, seed)
        asked = replace(
            slopes(home, arrays, cotangents, may_refuse=may_refuse),
            what="gradient of the gradient",
            directions=regrouped(float_places(arrays), [weights[Place(*p)] for p in float_places(arrays)]),
        )
        found = list(differences(trial, home, asked, moving, weights, seed, each=each, lean=lean))
        return asked.describe(trial.setting.told), found

    expect_where_settled(trial, drawn)


def is_moved(place: Place, array: Array, arrays: tuple) -> bool:
    """Whether a gradient flows to an array of a call."""
    return array.gradient and place in {Place(*p) for p in float_places(arrays)}


def weights_of(home: Home, arrays: tuple, moving: dict[Place, Array], seed: int) -> dict[Place, np.ndarray]:
    """What each entry of the gradient is multiplied with; zero where none flows."""
    random = np.random.default_rng([seed, 1])
    found = {}
    for place in (Place(*p) for p in float_places(arrays)):
        x, array = at(arrays, place), moving.get(place)
        drawn = random.standard_normal(x.shape)  # on the simplex, along it: a subject may refuse what lies beside
        along = direction(random, x, array, home) if array and array.normalized else drawn
        found[place] = np.asarray(along if array else 0 * x)
    return found


def differences(
    trial: Trial,
    home: Home,
    asked: Case,
    moving: dict[Place, Array],
    weights: dict[Place, np.ndarray],
    seed: int,
    *,
    each: bool,
    lean: bool,
) -> Iterator[Difference]:
    """Everything that moves the gradient at once, and each array and the cotangents alone."""
    arrays, cotangents = asked.arrays, asked.cotangents
    second, by_cotangents = trial.ask(asked)
    told = by_place(arrays, second)
    random = np.random.default_rng(seed)
    step = {place: direction(random, at(arrays, place), array, home) for place, array in moving.items()}
    turn = home.cotangents("float64", seed=seed + 1)

    def total(moved: tuple, turned: Any) -> tuple[float, float]:
        gradients = by_place(moved, trial.ask(replace(asked, what="gradient", arrays=moved, cotangents=turned)))
        terms = [weights[place] * gradients[place].astype(np.float64) for place in moving]
        return sum(float(t.sum()) for t in terms), sum(float(np.abs(t).sum()) for t in terms)

    alone = [*((share, False) for share in shares(list(moving), lean)), ([], True)] if each else []
    for places, turns in [(list(moving), True), *alone]:

        def sums(h: float, places: list[Place] = places, turns: bool = turns) -> tuple[float, float]:
            ahead = {place: np.asarray(at(arrays, place) + h * step[place]) for place in places}
            turned = each_with(cotangents, turn, lambda c, by, h=h: c + h * by) if turns else cotangents
            return total(replaced(arrays, ahead), turned)

        terms = [told[place].astype(np.float64) * step[place] for place in places]
        terms += [g.astype(np.float64) * w for g, w in pairs(by_cotangents, turn)] if turns else []
        one = named_together(home, places) if places else "the cotangents"
        yield difference(sums, terms, "everything" if places and turns else one)
