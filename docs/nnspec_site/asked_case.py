"""The question that an entry of a report states, found among those of its test without asking the subject.

A test is a generator of questions, which are made without a framework. One that asks for itself is run on the oracle,
which is asked the same until the test says what the report says.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case, ErrorCase, Test
from nnspec_conformance.clauses import Clause
from nnspec_conformance.errors import ClauseFailed, HarnessError, NotImplementedBySubject, Refused
from nnspec_conformance.loading import load_subject
from nnspec_conformance.reproduce_script import mapped_wants
from nnspec_conformance.setting import Setting
from nnspec_conformance.subject import Subject
from nnspec_conformance.suite_loader import Suite
from nnspec_conformance.tolerance import Shape, Want
from nnspec_conformance.trees import leaves, mapped
from nnspec_conformance.trial import Trial
from nnspec_site.data import Report

LANES = 32  # as many equal entries as a kernel takes at once; of fewer it may take another one
LONG = 64  # entries of an array that is cut
AT = " at index ("
ALONG = "along a random direction"  # of a number that the test makes of several answers


class AsReported(Subject):
    """A subject as a result of it tells: its readings and dtypes; it answers nothing."""

    def __init__(self, report: Report, suite: Suite, instance: str):
        result = report["results"][instance]
        clause, operation = suite.instances[instance]
        self.adapter = SimpleNamespace(__name__=report["subject"]["name"])
        self.variants, self.defaults, self.subnormals = {}, {}, report["subject"].get("subnormals", {})
        for one, met in result.get("readings", {}).items():
            self._declare(suite.spec.clauses[one], operation, met, clause)
        self._dtypes = {"*": tuple(report["subject"]["dtypes"])}
        self.layouts = ()

    def _declare(self, clause: Clause, operation: str, met: list, asked: Clause) -> None:
        if clause.kind == "default":
            self.defaults[clause.instance(operation)] = met[0]
        else:
            self.variants[clause.instance(operation)] = tuple(met) if len(met) > 1 else met[0]


@dataclass
class Overheard(Trial):
    """A trial that remembers every question with the words that the test said of its answer."""

    subject: Subject
    operation: str
    setting: Setting
    asked_in: tuple[str, ...]

    def __post_init__(self) -> None:
        Trial.__init__(self, self.subject, self.operation, self.setting)
        self._last: Case | None = None
        self._came: Any = None
        self.heard: list[tuple[str, Case]] = []

    @property
    def dtypes(self) -> tuple[str, ...]:
        return self.asked_in

    def ask(self, case: Case) -> Any:
        self._hear(case)
        self._came = super().ask(case)
        return self._came

    def call(self, *arrays: Any, operation: str | None = None, **attributes: Any) -> Any:
        self._hear(Case(operation=operation or self.operation, arrays=arrays, attributes=attributes))
        self._came = super().call(*arrays, operation=operation, **attributes)
        return self._came

    def _hear(self, case: Case) -> None:
        self._last, self._came = case, None
        self.heard.append((case.describe(self.setting.told), case))

    def expect(self, got: Any, want: Any, about: str, arrays: tuple = ()) -> None:
        if self._last is not None and got is self._came:  # else it is about what the test made of several answers
            self.heard.append((about, replace(self._last, want=want)))
        super().expect(got, want, about, arrays)


def find(suite: Suite, report: Report, instance: str, entry: Report) -> tuple[Case, dict[str, str]]:
    """The question, and the readings that were told beside its keywords.

    Args:
        suite: whose tests are run.
        report: of the subject.
        instance: whose result has the entry.
        entry: test, dtype, readings and, at its worst, the question as a line of code.

    Raises:
        HarnessError: no question of the test reads so.
    """
    clause, operation = suite.instances[instance]
    subject = AsReported(report, suite, instance)
    told_as = entry.get("worst", {}).get("call") or entry.get("message", "")
    test = next((one for one in suite.tests.get(clause.id, []) if one.name == entry.get("test")), None)
    if test is None or not told_as:
        raise HarnessError(f"{instance}: it is told of no question")
    if ALONG in told_as and entry["worst"].get("got") != "0":
        raise HarnessError(f"{instance}: what came is a sum over a direction, which no answer shows")
    settings = [
        one
        for one in subject.settings(suite.spec, clause, operation)
        if all(one.readings.get(name) == value for name, value in entry.get("readings", {}).items())
    ]
    ways = (False, True) if "lean" in test.wants else (False,)  # who compiles is asked less
    for lean, setting in itertools.product(ways, settings):
        found = [
            case
            for words, case in _asked(subject, operation, test, setting, lean=lean, of=entry.get("message", ""))
            if (told_as == words or told_as.startswith((f"{words} ", f"{words},", f"{words}:")))
            and case.dtype in (None, entry.get("dtype"))
            and _expects(case, entry)
        ]
        if len(found) == 1:  # of several that read alike it is not told which is meant
            return cut(found[0], entry), setting.told
    raise HarnessError(f"{instance}: no question of {entry.get('test')} reads {told_as}")


def _expects(case: Case, entry: Report) -> bool:
    """Whether the number that a report calls right is among those that are expected, where they are known."""
    wants: list[np.ndarray] = []
    mapped_wants(lambda one: wants.append(np.asarray(one.value)) if isinstance(one, Want) else None, case.want)
    try:
        right = float(entry.get("worst", {}).get("expected", "no number"))
    except ValueError:
        return True
    with np.errstate(all="ignore"):
        return not wants or any(np.isclose(x, right, rtol=1e-5, atol=0, equal_nan=True).any() for x in wants)


def _asked(
    subject: Subject, operation: str, test: Test, setting: Setting, *, lean: bool, of: str
) -> Iterator[tuple[str, Case]]:
    """Every question of a test with the words by which a report may state it; of refusals those of a message."""
    given = {"operation": operation, "readings": setting.readings, "default": setting.default, "slow": False}
    given |= {"lean": lean, "layouts": subject.layouts, "subnormals": setting.subnormals}
    arguments = {name: given[name] for name in test.wants if name in given}
    if "trial" in test.wants:
        trial = Overheard(load_subject("numpy_oracle"), operation, setting, subject.dtypes_of(operation))
        with contextlib.suppress(NotImplementedBySubject, ClauseFailed, Refused, HarnessError):
            test.function(**arguments, trial=trial)  # of one that ends early is known what it asked until then
        yield from trial.heard
        return
    for case in test.function(**arguments):
        if not isinstance(case, ErrorCase):
            yield case.describe(setting.told), case
        elif f"({case.note})" in of:
            yield case.bad.describe(setting.told), case.bad.in_a_dtype_of(subject)


def cut(case: Case, entry: Report) -> Case:
    """An elementwise question of long arrays at the entry that the report states, in as many places as a kernel takes.

    An entry behind the last whole kernel has as many of its places behind one. Any other question stays as it is.
    """
    place = entry.get("worst", {}).get("input", "").partition(AT)[2].rstrip(",)")
    arrays = leaves((case.arrays, case.cotangents))
    first = arrays[0] if arrays else np.zeros(0)
    if not place.isdigit() or first.size <= LONG or any(x.shape != (first.size,) for x in arrays):
        return case
    at, rest = int(place), first.size % LANES
    length = LANES + rest if at >= first.size - rest else LANES

    def part(x: np.ndarray) -> np.ndarray:
        return np.full(length, x[at], x.dtype)

    few = {"arrays": mapped(part, case.arrays), "cotangents": mapped(part, case.cotangents)}
    wants = (Shape((length,)),) * len(case.arrays) if case.what == "gradient" else Shape((length,))
    return replace(case, **few, want=wants, rule=None)
