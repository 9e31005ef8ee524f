"""The duty of diverged networks: NaN and infinity reach the gradients where the definition has them."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np

from nnspec_conformance.answers import by_place, held, in_full, name_of, same, slopes
from nnspec_conformance.asked import question
from nnspec_conformance.cases import Case, clause
from nnspec_conformance.clauses import own_spec
from nnspec_conformance.fitting import may_be_any_number
from nnspec_conformance.flat import float_places
from nnspec_conformance.home import Home
from nnspec_conformance.operations import Place
from nnspec_conformance.rounded import at_most
from nnspec_conformance.suite.duties.test_nan import STRANGE, optional_places, pattern, patterns, values, with_one
from nnspec_conformance.tolerance import Shape
from nnspec_conformance.trees import mapped
from nnspec_conformance.trial import Trial

INFINITIES = ("infinity", "minus infinity")


@clause("duty.diverged")
def test_diverged(operation: str, readings: dict, lean: bool, trial: Trial) -> None:
    home = Home(own_spec().operations[operation], readings)
    home = replace(home, keywords=home.attributes)
    dtype = "float32" if "float32" in trial.dtypes else trial.dtypes[0]
    with at_most(0):
        usual = question(home, "gradient", dtype)
    if usual is None:
        with trial.part():
            reaches_by_itself(trial, home, dtype)
        return
    broken = mapped(lambda g: np.full_like(g, np.nan), usual.cotangents)
    with trial.part():
        reaches(trial, usual, (usual.arrays, broken), "NaN in all cotangents")
    if home.optional and in_full(trial, lean):
        of_optional(trial, replace(home, complete=True), optional_places(home, dtype), dtype)
    places = [place for place, array in held(home, usual.arrays).items() if may_be_any_number(array)]
    if len(float_places(usual.arrays)) == 1:
        return
    for turn, place in enumerate(places if in_full(trial, lean) else places[:1]):
        beside = [other for other in places if other.argument == place.argument]
        left_out = () if place in (beside[0], beside[-1]) or trial.subject.slow else (INFINITIES[turn % 2],)
        for words, strange in STRANGE.items():
            if words in left_out:
                continue
            about = f"{words} in {name_of(home, place)}"
            with trial.part():
                arrays = with_one(place, strange)(usual.arrays)
                reaches(trial, usual, (arrays, usual.cotangents), about, place, np.isinf(strange))


def of_optional(trial: Trial, home: Home, places: list[Place], dtype: str) -> None:
    """NaN and infinity in the arrays that a call may leave out."""
    with at_most(0):
        usual = question(home, "gradient", dtype)
    if usual is None or Shape(None) in usual.want:  # a clause that is about some of the gradients
        return
    for place in places:
        for words, strange in STRANGE.items():
            with trial.part(arrays="all"):
                arrays = with_one(place, strange)(usual.arrays)
                about = f"{words} in {name_of(home, place)}"
                reaches(trial, usual, (arrays, usual.cotangents), about, place, np.isinf(strange))


def reaches(
    trial: Trial, usual: Case, operands: tuple, words: str, place: Place | None = None, infinite: bool = False
) -> None:
    """Compare where the definition's gradient has NaN or an infinity, and is not zero with ordinary numbers.

    Args:
        trial: the subject.
        usual: the question with ordinary numbers.
        operands: arrays and cotangents with a strange number.
        words: what it is and where.
        place: the array that has it, whose own gradient may be what it is.
        infinite: whether it is an infinity; a NaN may then be a product with zero, and a number a limit.
    """
    with at_most(0), np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        case = usual.on(*operands[0], cotangents=operands[1])
    right = by_place(usual.arrays, patterns(case.want))
    before, got = by_place(usual.arrays, values(usual.want)), by_place(usual.arrays, trial.ask(case))
    shown, expected = {}, {}
    for other, y in right.items():
        asked = (y != 0) & (before[other] != 0) & ~(infinite & np.isnan(y)) & (other != place)
        expected[name_of_place(other)] = np.where(asked, y, 0.0)
        came = got[other]
        shown[name_of_place(other)] = np.where(asked, pattern(came), 0.0) if came.shape == y.shape else came
    about = f"{case.describe(trial.setting.told)}: {words}, what is not asked is shown as 0"
    trial.expect(shown, same(expected), about, arrays=case.arrays)


def reaches_by_itself(trial: Trial, home: Home, dtype: str) -> None:
    """Compare with the gradients that the subject has for other cotangents, where no clause states them."""
    arrays, cotangents = home.arrays(dtype), home.cotangents(dtype)
    before = by_place(arrays, trial.ask(slopes(home, arrays, cotangents)))
    case = slopes(home, arrays, mapped(lambda g: np.full_like(g, np.nan), cotangents))
    got = by_place(arrays, trial.ask(case))
    expected = {name_of_place(p): np.where(y != 0, np.nan, 0.0) for p, y in before.items()}
    shown = {
        name_of_place(p): np.where(before[p] != 0, pattern(y), 0.0) if y.shape == before[p].shape else y
        for p, y in got.items()
    }
    about = f"{case.describe(trial.setting.told)}: NaN in all cotangents, what is not asked is shown as 0"
    trial.expect(shown, same(expected), about, arrays=arrays)


def name_of_place(place: Place) -> str:
    """The number of an argument, or the name of an array in a table."""
    return place.name or f"argument {place.argument}"
