"""What an experiment is: a function to what came, registered under the id of its block.

Hypothesis, measure, prediction, and the intervals that decide stand in the block on the spec page, and are written
before the first run.
"""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from nnspec_conformance import intervals
from nnspec_conformance.clauses import Experiment, Spec
from nnspec_conformance.errors import HarnessError
from nnspec_conformance.results import jsonable, today, versions

T = TypeVar("T")
DIGITS = 6  # of a recorded number


@dataclass(frozen=True)
class Effect:
    """The one number an experiment is about, with its interval over the seeds."""

    name: str
    value: float
    interval: tuple[float, float]
    unit: str = ""


@dataclass(frozen=True)
class Outcome:
    """What came of an experiment.

    Attributes:
        came: the measured numbers, by the names that the block's intervals have.
        effect: the effect size.
        rows: a small table for the page; every row has the same keys.
        series: numbers that figures draw.
        note: why it came otherwise than predicted, where it did, and what else a reader must know.
    """

    came: dict[str, float]
    effect: Effect
    rows: list[dict[str, Any]]
    series: dict[str, Any] = field(default_factory=dict)
    note: str | None = None


@dataclass(frozen=True)
class Registered:
    """An experiment's function and the arguments of its short form."""

    id: str
    run: Callable[..., Outcome]
    short: dict[str, Any]


EXPERIMENTS: dict[str, Registered] = {}


def experiment(id: str, *, short: dict[str, Any]) -> Callable[[Callable[..., Outcome]], Callable[..., Outcome]]:
    """Register a function as the experiment ``id``.

    Its full form is called with the block's number of seeds, where the block states one, and with nothing else.

    Args:
        id: that of its block on the spec page.
        short: the arguments of the short form: the smallest sizes with which every line still runs.
    """

    def register(function: Callable[..., Outcome]) -> Callable[..., Outcome]:
        if id in EXPERIMENTS and EXPERIMENTS[id].run.__module__ != function.__module__:
            raise ValueError(f"experiment {id} is registered twice; ids are unique")
        EXPERIMENTS[id] = Registered(id, function, short)
        return function

    return register


def discover() -> dict[str, Registered]:
    """Import every module of this package, so that each registers its experiments. JAX is not imported by that."""
    from nnspec_conformance import experiments

    for module in pkgutil.walk_packages(experiments.__path__, experiments.__name__ + "."):
        importlib.import_module(module.name)
    return EXPERIMENTS


def watched(items: Sequence[T], title: str) -> Iterator[T]:
    """The items, for instance the seeds, while standard error shows how far they are."""
    from nnspec_conformance.progress import progress

    return progress(items, title, slowest=False)


def block(spec: Spec, id: str) -> Experiment:
    """The experiment's block on its page.

    Raises:
        HarnessError: no page has one.
    """
    if id not in spec.experiments:
        raise HarnessError(f"experiment {id} has no '/// experiment | {id}' block below {spec.root}; write one first")
    return spec.experiments[id]


def run(registered: Registered, text: Experiment, *, slow: bool) -> dict[str, Any]:
    """Run one experiment and return its result as JSON-ready data.

    Args:
        registered: the experiment.
        text: its block.
        slow: the full form; else the short form, which has no outcome: it is ``as expected`` or not.

    Raises:
        HarnessError: the block has an interval for a number that is not measured.
    """
    given = {"seeds": text.seeds} if text.seeds else {}
    start = time.perf_counter()
    outcome = registered.run(**(given if slow else registered.short))
    seconds = round(time.perf_counter() - start, 2)
    came = jsonable(outcome.came, DIGITS)
    stated = [text.expect, text.holds, *text.unless.values()] if slow else [text.short]
    if lacking := intervals.lacking(stated, came):
        raise HarnessError(
            f"the block of {text.id} has intervals for {lacking}, which the run does not measure; it does: {list(came)}"
        )
    judged: dict[str, Any] = {"outcome": None, "when": None, "prediction": None, "as_expected": None}
    if slow:
        judged["outcome"], judged["when"] = intervals.outcome(text.holds, text.unless, came)
        judged["prediction"] = "met" if intervals.met(text.expect, came) else "missed"
    else:
        judged["as_expected"] = intervals.met(text.short, came)
    return {
        "id": text.id,
        "page": text.page,
        "kind": text.kind,
        "form": "full" if slow else "short",
        "text_hash": text.text_hash,
        "hypothesis": text.text,
        "predicted": text.predicted,
        "measure": text.measure,
        "came": came,
        **judged,
        "recorded": None,
        "note": outcome.note,
        "effect": jsonable(dataclasses.asdict(outcome.effect), DIGITS),
        "seeds": text.seeds if slow else registered.short.get("seeds"),
        "rows": jsonable(outcome.rows, DIGITS),
        "series": jsonable(outcome.series, DIGITS),
        "seconds": seconds,
        "versions": versions(),
        "date": today(),
    }
