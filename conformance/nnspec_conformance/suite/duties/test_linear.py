"""The duty of linearity: a gradient follows its cotangents, whatever their size and sign."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nnspec_conformance.answers import added, each_with, in_full, multiple, near, same, scaled, slopes
from nnspec_conformance.cases import clause
from nnspec_conformance.clauses import own_spec
from nnspec_conformance.home import Home
from nnspec_conformance.keywords import other_settings
from nnspec_conformance.tolerance import smallest_normal
from nnspec_conformance.trial import Trial

FACTORS = (2.0**12, 2.0**-20, 2.0**40, 2.0**-40)  # beyond what half precision holds, too
NARROW = (4.0, 0.25)  # in float16, whose range holds no more, and where products leave the normal numbers all the same
ROOM = 2.0**24  # so many times the smallest normal number leave every product on the way a normal one
UNITS = 8.0


@clause("duty.linear")
def test_linear(operation: str, readings: dict, lean: bool, trial: Trial) -> None:
    home = Home(own_spec().operations[operation], readings)
    for dtype in trial.dtypes[:1] if lean else trial.dtypes:
        with trial.part():
            follows(trial, home, dtype)
    if not in_full(trial, lean):
        return
    if home.optional:
        with trial.part(arrays="all"):
            follows(trial, replace(home, complete=True), trial.dtypes[0], may_refuse="all arrays")
    for other, changed in other_settings(home):
        with trial.part(**changed):
            follows(trial, other, trial.dtypes[0])


def follows(trial: Trial, home: Home, dtype: str, *, may_refuse: str = "") -> None:
    """Multiples of one cotangent, none at all, and the sums with two others."""
    arrays, cotangents = home.arrays(dtype), home.cotangents(dtype)
    about = f"{slopes(home, arrays, cotangents).describe(trial.setting.told)}: the cotangents"

    def ask(given: object) -> tuple:
        return trial.ask(slopes(home, arrays, given, may_refuse=may_refuse))

    first = ask(cotangents)
    for factor in NARROW if dtype == "float16" else FACTORS:
        exactly = multiple(first, factor, ROOM * smallest_normal(dtype))
        want = near(scaled(first, factor), UNITS) if dtype == "float16" else exactly
        trial.expect(ask(scaled(cotangents, factor)), want, f"{about} times {factor:g}")
    trial.expect(ask(scaled(cotangents, -1.0)), same(scaled(first, -1.0)), f"{about} times -1")
    nothing = scaled(first, 0.0)  # where an unused branch makes NaN of any cotangent it stays
    trial.expect(ask(scaled(cotangents, 0.0)), same(nothing), f"{about} all 0")
    for seed in (1, 2):
        others = home.cotangents(dtype, seed=seed)
        both = each_with(cotangents, others, np.add)
        trial.expect(ask(both), added(first, ask(others), UNITS), f"{about} with others added to them")
