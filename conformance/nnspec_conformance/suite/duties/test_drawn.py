"""The duty of draws: whatever the size, the keywords and the layout, an answer is one that can be drawn."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from nnspec_conformance import keywords, sizes
from nnspec_conformance.answers import at, held, in_full, name_of, replaced, slopes, value
from nnspec_conformance.cases import Case, clause
from nnspec_conformance.clauses import own_spec
from nnspec_conformance.drawn import Drawn, drawn
from nnspec_conformance.errors import ClauseFailed, NotImplementedBySubject
from nnspec_conformance.fitting import may_be_any_number
from nnspec_conformance.home import Home
from nnspec_conformance.layouts import laid_out
from nnspec_conformance.operations import Place
from nnspec_conformance.programs import flattened
from nnspec_conformance.sizes import EVERY_DTYPE, Size
from nnspec_conformance.trial import Trial

SEEDS = 64  # of which none may draw the same in a place: at a rate of 1/4 that is one chance in a hundred million
MANY, FEW = 2**16, 16  # of so many entries fewer draws are asked
SOME = 4  # draws where it is the numbers that count, and not that they change
ONE = (5,)  # length of all axes, for keywords
BROKEN = 32  # draws in which NaN shows, where it shows in half of the oracle's
WITHOUT_ANSWER = (ArithmeticError, LookupError, ValueError)  # what an oracle raises: it draws nothing from nothing


@clause("duty.drawn")
def test_drawn(operation: str, readings: dict, lean: bool, trial: Trial) -> None:
    home, full = Home(own_spec().operations[operation], readings), in_full(trial, lean)
    first = "float32" if "float32" in trial.dtypes else trial.dtypes[0]
    for number, size in enumerate(sizes.plan(home, lean=not full, slow=trial.subject.slow)):
        with trial.part():
            of_size(trial, replace(home, sizes=size.lengths), size, first, number)
    for dtype in [other for other in trial.dtypes if other != first] if full else ():
        with trial.part():
            can_be_drawn(trial, home, dtype, seeds=range(SOME))
    for setting in keywords.plan(of_one_length(home), lean=not full):
        with trial.part():
            there = replace(setting.home, keywords={"seed": 0} | dict(setting.home.attributes))
            can_be_drawn(trial, there, first, seeds=range(SOME), may_refuse=setting.refusable)
    for place, layout in laid(home, trial.subject.layouts, first) if full else ():
        with trial.part():
            lies(trial, home, place, layout, first)
    places = [place for place, array in held(home, home.arrays(first)).items() if may_be_any_number(array)]
    for place in places if full else places[:1]:
        with trial.part():
            shows_nan(trial, home, place, first)


def of_size(trial: Trial, home: Home, size: Size, dtype: str, number: int) -> None:
    """One size; the first ones, and those with many entries, with so many draws that every entry has to change."""
    many = max((x.size for x in flattened(home.arrays(dtype))), default=0) > MANY
    seeds = SEEDS if number < (1 if trial.subject.compiles else EVERY_DTYPE) else FEW if many else 1
    can_be_drawn(trial, home, dtype, seeds=range(seeds), may_refuse=size.refusable, gradient=size.deep)


def of_one_length(home: Home) -> Home:
    """The question with axes of one length, where that is possible: what a keyword means beside others may be open."""
    lengths = sizes.Axes.of(home).size(ONE, ONE).lengths
    return replace(home, sizes=lengths) if sizes.is_possible(home, lengths) else home


def expected(home: Home, arrays: tuple, cotangents: Any = None) -> list[Drawn] | None:
    """What can be drawn; None where an empty array, or a keyword, leaves the oracle without an answer."""
    try:
        return drawn(home, arrays, cotangents)
    except WITHOUT_ANSWER:
        return None


def can_be_drawn(
    trial: Trial,
    home: Home,
    dtype: str,
    *,
    seeds: Sequence[int],
    may_refuse: str = "",
    gradient: bool = True,
    made: Any = lambda arrays: arrays,
    layout: str = "",
) -> None:
    """Every answer can be drawn; where enough of them are asked, each entry changes. So does the gradient of one."""
    arrays = home.arrays(dtype)
    if (known := expected(home, arrays)) is None:
        return
    case = replace(value(home, made(arrays), may_refuse=may_refuse), layout=layout)
    answers = [compared(trial, with_seed(case, seed), known, dtype) for seed in seeds]
    if len(seeds) >= FEW and not any(0 in one.low.shape for one in known):
        change(trial, case, answers, known)
    if not gradient or not home.is_differentiable:
        return
    cotangents = home.cotangents(dtype)
    if (slopes_known := expected(home, arrays, cotangents)) is not None:
        asked = replace(slopes(home, made(arrays), cotangents, may_refuse=may_refuse), layout=layout)
        compared(trial, asked, slopes_known, dtype)


def with_seed(case: Case, seed: int) -> Case:
    """The question with another seed."""
    return replace(case, attributes=dict(case.attributes) | {"seed": seed})


def compared(trial: Trial, case: Case, known: list[Drawn], dtype: str) -> list[np.ndarray]:
    """The arrays of the answer, each held to what can be drawn."""
    found, about = flattened(trial.ask(case)), case.describe(trial.setting.told)
    if len(found) != len(known):
        raise ClauseFailed(f"{len(found)} arrays, expected {len(known)}, for {about}")
    for got, one in zip(found, known, strict=True):
        got = np.asarray(got)
        trial.expect(got, one.want(got, dtype), f"{about}, beside what can be drawn", arrays=case.arrays)
    return found


def change(trial: Trial, case: Case, answers: list[list[np.ndarray]], known: list[Drawn]) -> None:
    """Hardly an entry stays the same in all draws, if it is drawn at all."""
    for place, one in enumerate(known):
        drawn_ones = [np.asarray(answer[place]) for answer in answers]
        if any(x.shape != one.low.shape for x in drawn_ones) or one.fixed:
            continue
        with np.errstate(invalid="ignore"):
            still = one.moves & np.all([x == drawn_ones[0] for x in drawn_ones[1:]], axis=0)
        words = f"{case.describe(trial.setting.told)}: {still.sum()} of {still.size} entries are the same for every"
        trial.require(bool(still.sum() <= still.size // len(answers)), f"{words} of {len(answers)} seeds")


# ---- layouts, and NaN


def laid(home: Home, layouts: Sequence[str], dtype: str) -> Iterator[tuple[Place, str]]:
    """The arrays of the call in turn, each in every layout that the subject keeps and it can have."""
    arrays = home.arrays(dtype)
    for layout in (name for name in layouts if name != "broadcast"):  # which has other values
        for place in held(home, arrays):
            if laid_out(at(arrays, place), layout) is not None:
                yield place, layout


def lies(trial: Trial, home: Home, place: Place, layout: str, dtype: str) -> None:
    """One array lies otherwise in memory."""

    def made(arrays: tuple) -> tuple:
        same = laid_out(at(arrays, place), layout)
        return arrays if same is None else replaced(arrays, {place: same})

    can_be_drawn(trial, home, dtype, seeds=range(SOME), made=made, layout=layout)


def shows_nan(trial: Trial, home: Home, place: Place, dtype: str) -> None:
    """NaN in an array shows in some draws where it does in the oracle's, and nowhere else."""
    arrays = home.arrays(dtype)
    x = np.array(at(arrays, place))
    x.flat[zlib.crc32(home.operation.name.encode()) % x.size] = np.nan
    known = expected(home, replaced(arrays, {place: x}))
    if known is None or not any(one.broken.any() for one in known):
        return
    case = value(home, replaced(arrays, {place: x}), may_refuse=f"NaN in {name_of(home, place)}")  # that shows it
    answers = [flattened(trial.ask(with_seed(case, seed))) for seed in range(BROKEN)]
    about = f"{case.describe(trial.setting.told)}: NaN in {name_of(home, place)}"
    results = [*home.operation.expanded(home.operation.result, home.lengths, home.given).values()]
    for number, (one, array) in enumerate(zip(known, results, strict=True)):
        if any(np.shape(answer[number]) != one.low.shape for answer in answers):
            raise NotImplementedBySubject("a result of the declared shape")  # told by the sizes
        seen = np.any([np.isnan(np.asarray(answer[number], np.float64)) for answer in answers], axis=0)
        examples = home.operation.example_axes(array, home.lengths, home.given)
        inside = tuple(n for n in range(one.low.ndim) if n not in examples)
        touched = (one.broken > 0).any(inside, keepdims=True)
        trial.require(not (~seen & (one.broken >= 0.5)).any(), f"{about} is in none of {BROKEN} draws where it belongs")
        trial.require(not (seen & ~touched).any(), f"{about} is in an example where no draw of the definition has it")
