"""The duty of NaN and infinity: they show in the result where the definition has them, and nowhere else."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from nnspec_conformance.answers import at, each_with, held, in_full, name_of, replaced, same
from nnspec_conformance.asked import question
from nnspec_conformance.cases import clause
from nnspec_conformance.clauses import own_spec
from nnspec_conformance.errors import NotAsked
from nnspec_conformance.fitting import may_be_any_number
from nnspec_conformance.home import Home
from nnspec_conformance.operations import Place
from nnspec_conformance.rounded import at_most
from nnspec_conformance.tolerance import Want
from nnspec_conformance.trees import mapped
from nnspec_conformance.trial import Trial

STRANGE = {"NaN": np.nan, "infinity": np.inf, "minus infinity": -np.inf}


@clause("duty.nan")
def test_nan(operation: str, readings: dict, lean: bool, trial: Trial) -> None:
    home = Home(own_spec().operations[operation], readings)
    first = "float32" if "float32" in trial.dtypes else trial.dtypes[0]
    another_reading = lean and not trial.subject.compiles
    for number, dtype in enumerate(trial.dtypes if in_full(trial, lean) else (first,)):
        places = [place for place, array in held(home, home.arrays(dtype)).items() if may_be_any_number(array)]
        for place in places[:1] if number or another_reading else places:
            beside = [other for other in places if other.argument == place.argument]
            outermost = place in (beside[0], beside[-1])
            for words, strange in STRANGE.items() if outermost else [("NaN", STRANGE["NaN"])]:
                with trial.part():
                    shows(trial, home, dtype, place, words, strange)
    for place in optional_places(home, first) if in_full(trial, lean) else ():
        for words, strange in STRANGE.items():
            with trial.part(arrays="all"):
                shows(trial, replace(home, complete=True), first, place, words, strange)


def optional_places(home: Home, dtype: str) -> list[Place]:
    """Where the arrays are that a call may leave out and in which any number may stand; of a table the first one."""
    every = replace(home, complete=True)
    usual, whole = held(home, home.arrays(dtype)), held(every, every.arrays(dtype))
    places = [place for place, array in whole.items() if place not in usual and may_be_any_number(array)]
    return list({place.argument: place for place in reversed(places)}.values())


def shows(trial: Trial, home: Home, dtype: str, place: Place, words: str, strange: float) -> None:
    """Compare where the result is NaN, infinite or a number; of infinities only where the definition has no NaN."""
    with at_most(0), np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        case = question(home, "call", dtype, changed=with_one(place, strange))
    if case is None:
        raise NotAsked("a clause that states the values of any arrays")
    expected, got = patterns(case.want), mapped(pattern, trial.ask(case))
    if np.isinf(strange):
        got = each_with(got, expected, lambda came, right: np.where(np.isnan(right), right, came))
    about = f"{case.describe(trial.setting.told)}: {words} in {name_of(home, place)}, finite numbers shown as 0"
    trial.expect(got, same(expected), about, arrays=case.arrays)


def with_one(place: Place, number: float) -> Callable[[tuple], tuple]:
    """Put a number into the middle of one array."""

    def changed(arrays: tuple) -> tuple:
        x = np.array(at(arrays, place))
        x.flat[x.size // 2] = number
        return replaced(arrays, {place: x})

    return changed


def pattern(x: np.ndarray) -> np.ndarray:
    """NaN and infinities where they are, zero where there is any other number."""
    wide = np.asarray(x).astype(np.float64)
    return np.where(np.isfinite(wide), 0.0, wide)


def patterns(tree: Any) -> Any:
    """The patterns of the expected arrays of a result."""
    return mapped(pattern, values(tree))


def values(tree: Any) -> Any:
    """The expected arrays of a result, without their tolerances."""
    if isinstance(tree, Want):
        return np.asarray(tree.value)
    if isinstance(tree, dict):
        return {name: values(part) for name, part in tree.items()}
    return type(tree)(map(values, tree))
