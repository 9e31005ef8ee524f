"""The duty of programs: between other steps, in a compiled program, an operation is still that operation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from nnspec_conformance import programs
from nnspec_conformance.answers import in_full
from nnspec_conformance.cases import clause
from nnspec_conformance.clauses import own_spec
from nnspec_conformance.errors import ClauseFailed, NotAsked
from nnspec_conformance.fitting import data_of, may_be_any_number
from nnspec_conformance.home import Home
from nnspec_conformance.operations import Array, Table
from nnspec_conformance.program_wants import Asked, asked
from nnspec_conformance.programs import ALSO, CALL, Chain, Chains, Step
from nnspec_conformance.sizes import ROWS, Axes, is_possible
from nnspec_conformance.trial import Trial

LEADING = (5, 7)  # of data that has no axes but those of which there may be any number
SCORES = (1.0, 1e3, 1e6, 1e10)  # how large the data is
HALF = {"float32": "bfloat16", "float64": "float32"}  # the dtypes that are asked, and what is cast from
OTHER_HALF = {"float32": "float16"}  # what is cast from besides
SLICED = Step("slice", (1, -2))
SUM = Step("reduce_sum")
SCALED: dict[str, Chain] = {"scaled before": (Step("scale", 0.7), CALL)}


@clause("duty.programs")
def test_programs(operation: str, readings: dict, lean: bool, trial: Trial) -> None:
    home = of_two_axes(Home(own_spec().operations[operation], readings))
    full = in_full(trial, lean)
    first, *others = [dtype for dtype in trial.dtypes if dtype in HALF] or trial.dtypes[:1]
    scores = SCORES if may_be_large(home) else SCORES[:1]
    run(trial, home, side_by_side(first) if full else joined(first), first, scores)
    if not full:
        return
    run(trial, home, other_chains(first), first, SCORES[:1])
    if half := OTHER_HALF.get(first):
        run(trial, home, {f"cast from {half}": (Step("cast", first), CALL)}, first, SCORES[:1], half)
    for dtype in others if trial.subject.slow else ():
        run(trial, home, side_by_side(dtype), dtype, scores[::2])
    for rows in (1, ROWS):
        if there := of_rows(home, rows):
            with trial.part():
                compare(
                    trial,
                    there,
                    {f"a batch of {rows}": SCALED["scaled before"]},
                    first,
                    SCORES[:1],
                    "call",
                    HALF.get(first, first),
                )


# ---- what is asked


def cast_to(dtype: str) -> Chain:
    """A cast from fewer digits, where there are some."""
    return (Step("cast", dtype),) if dtype in HALF else ()


def joined(dtype: str) -> dict[str, Chain]:
    """Everything, in three chains: what is compiled takes the time, and each chain compiles the operation once."""
    before = (*cast_to(dtype), SLICED, Step("transpose"), Step("scale", 6**-0.5), ALSO)
    words = "cast, sliced, transposed and scaled before, scaled after, with a second consumer"
    return SCALED | {words: (*before, CALL, Step("scale", 3.0)), "summed": (CALL, SUM)}


def side_by_side(dtype: str) -> dict[str, Chain]:
    """The same in four chains, of which each says more about what is wrong."""
    return SCALED | {
        "scaled before and after, with a second consumer": (Step("scale", 6**-0.5), ALSO, CALL, Step("scale", 3.0)),
        "cast, sliced and transposed": (*cast_to(dtype), SLICED, Step("transpose"), CALL),
        "summed": (CALL, SUM),
    }


def other_chains(dtype: str) -> dict[str, Chain]:
    """Each by itself."""
    return {
        "scaled before by 6^(-1/2)": (Step("scale", 6**-0.5), CALL),
        "scaled and shifted": (Step("scale", 0.7), Step("add", 1.0), CALL),
        "scaled after": (CALL, Step("scale", 0.7)),
        "cast": (*cast_to(dtype), CALL),
        "transposed": (Step("transpose"), CALL),
        "with a second consumer": (ALSO, CALL),
        "scaled on both sides and summed": (Step("scale", 0.7), CALL, Step("scale", 3.0), SUM),
    }


def may_be_large(home: Home) -> bool:
    """Whether the data alone may be large.

    Differences from another array of its size would cancel. Behind a table of weights units are saturated, and what is
    left of their slopes is less than the rounding of what it is made of.
    """
    at = data_of(home.operation)
    data, *others = (home.operation.arguments[at], *home.operation.arguments[:at], *home.operation.arguments[at + 1 :])
    if any(isinstance(other, Table) for other in others):
        return False
    arrays = [other for other in others if isinstance(other, Array) and may_be_any_number(other)]
    return isinstance(data, Array) and all(other.axes != data.axes for other in arrays)


def of_two_axes(home: Home) -> Home:
    """The home question; data that has no axes of its own gets two, so that it can be transposed."""
    data = home.operation.arguments[data_of(home.operation)]
    assert isinstance(data, Array)
    return replace(home, leading=LEADING) if len(data.axes) == 1 and home.stars else home


def of_rows(home: Home, count: int) -> Home | None:
    """The question with a batch of so many; None where examples see each other, or that is too large."""
    axes = Axes.of(home)
    lengths = axes.size((count,), (2,)).lengths
    return replace(home, sizes=lengths) if axes.separate and is_possible(home, lengths) else None


# ---- asking


def run(
    trial: Trial, home: Home, chains: Mapping[str, Chain], dtype: str, scores: Sequence[float], half: str = ""
) -> None:
    """Ask for the values of all chains in one program, and for their gradients in another.

    Args:
        trial: the subject.
        home: the operation, its readings and sizes.
        chains: by name.
        dtype: of what the operation is handed.
        scores: how large the data is.
        half: what is cast from, if not what ``HALF`` says.
    """
    for what in ("call", "gradient"):
        if what == "gradient" and not home.is_differentiable:
            continue
        with trial.part():
            compare(trial, home, chains, dtype, scores, what, half or HALF.get(dtype, dtype))


def compare(
    trial: Trial, home: Home, chains: Mapping[str, Chain], dtype: str, scores: Sequence[float], what: str, half: str
) -> None:
    """One program, with the data of each size in turn."""
    at, found = data_of(home.operation), dict[float, list[Asked]]()
    for score in scores:
        row = [asked(home, what, chain, at, score, dtype, half) for chain in chains.values()]
        found[score] = [one for one in row if one is not None]
    first = found[scores[0]]
    if not first:
        raise NotAsked(f"a clause that states the {what} of {home.operation.name} for any arrays")
    program = Chains(tuple(chains.values()), len(first[0].arrays), at)
    inputs = [tuple(x for one in row for x in one.arrays) for row in found.values()]
    told = first[0].case.attributes | trial.setting.told
    words = {"subject": trial.subject, "operation": home.operation.name, "program": program, "inputs": inputs}
    if what == "call":
        answers = programs.values(**words, attributes=told)
    else:
        answers = programs.slopes(**words, cotangents=[one.cotangents for one in first], attributes=told)
    for (score, row), answer in zip(found.items(), answers, strict=True):
        for name, one, part in zip(chains, row, parts(row, answer), strict=True):
            prefix = "the gradient of " if what == "gradient" else ""
            about = f"{prefix}{one.case.describe(told)}, {name}, at scores of {score:g}"
            trial.expect(part, one.wants, about)


def parts(row: list[Asked], answer: tuple) -> Iterator[tuple]:
    """What belongs to each chain."""
    if len(answer) != sum(len(one.wants) for one in row):
        raise ClauseFailed(f"a program returned {len(answer)} arrays, expected {sum(len(one.wants) for one in row)}")
    begin = 0
    for one in row:
        yield answer[begin : begin + len(one.wants)]
        begin += len(one.wants)
