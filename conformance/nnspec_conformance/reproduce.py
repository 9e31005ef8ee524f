"""``nnspec reproduce SUBJECT INSTANCE``: finds the case that the reports state, and writes it as a script.

That is the one of the published report or, where there is none, the one furthest off; where it cannot be written down,
a few of its entries, or the smallest case that can.
"""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case, ErrorCase, Test
from nnspec_conformance.compare import Finding
from nnspec_conformance.errors import ClauseFailed, HarnessError, NotImplementedBySubject, Refused, did_you_mean
from nnspec_conformance.loading import built_in, load_subject
from nnspec_conformance.reproduce_case import published, shortened, stated
from nnspec_conformance.reproduce_script import Failing, arrays_in, refuse_wrapped, script
from nnspec_conformance.setting import Setting
from nnspec_conformance.subject import Subject
from nnspec_conformance.suite_loader import Suite, load_suite
from nnspec_conformance.trial import Trial

TRIED = 20  # cases that are tried where the one that reports state cannot be written down


@dataclass
class Watched(Trial):
    """A trial that knows what was asked last when something failed."""

    subject: Subject
    operation: str
    setting: Setting
    test: str
    failing: list[Failing] = field(default_factory=list)

    def __post_init__(self) -> None:
        Trial.__init__(self, self.subject, self.operation, self.setting)
        self._last: Case | None = None
        self._came: Any = None

    def ask(self, case: Case) -> Any:
        self._last, self._came = case, None
        self._came = super().ask(case)
        return self._came

    def call(self, *arrays: Any, operation: str | None = None, **attributes: Any) -> Any:
        case = Case(operation=operation or self.operation, arrays=arrays, attributes=attributes)
        self._last, self._came = case, None
        self._came = super().call(*arrays, operation=operation, **attributes)
        return self._came

    def expect(self, got: Any, want: Any, about: str, arrays: tuple = ()) -> None:
        if self._last is not None and got is self._came:  # else it is about what the test made of the answers
            self._last = replace(self._last, want=want)
        super().expect(got, want, about, arrays)

    def _note(self, what: Finding | Exception) -> None:
        super()._note(what)
        found = what if isinstance(what, Finding) else _failure(what)
        if found.ratio > 1 and self._last is not None and not isinstance(what, NotImplementedBySubject):
            derived = isinstance(what, Finding | ClauseFailed) and self._last.want is None and self._came is not None
            one = Failing(self._last, self.setting, found, self.test, derived=derived)
            self.failing.append(one)


def _failure(error: Exception) -> Finding:
    return Finding(float("inf"), str(error), call=getattr(error, "call", None))


# ------------------------------------------------------------------ the case
def failing(suite: Suite, subject: Subject, instance: str) -> Iterator[Failing]:
    """Every question of an instance whose answer is wrong, in the order in which they are asked."""
    clause, operation = suite.instances[instance]
    for setting in subject.settings(suite.spec, clause, operation):
        for test in suite.tests.get(clause.id, []):
            yield from _of_test(subject, operation, test, setting)


def _of_test(subject: Subject, operation: str, test: Test, setting: Setting) -> Iterator[Failing]:
    given = {"operation": operation, "readings": setting.readings, "default": setting.default, "slow": False}
    given |= {"lean": subject.compiles, "layouts": subject.layouts, "subnormals": setting.subnormals}
    arguments = {name: given[name] for name in test.wants if name in given}
    if "trial" in test.wants:
        trial = Watched(subject, operation, setting, test.name)
        try:
            test.function(**arguments, trial=trial)
        except (NotImplementedBySubject, ClauseFailed, Refused) as error:
            trial._note(error)
        yield from trial.failing
        return
    for case in test.function(**arguments):
        bad = case.bad.in_a_dtype_of(subject) if isinstance(case, ErrorCase) else case
        if bad.dtype and bad.dtype not in subject.dtypes_of(bad.operation):
            continue
        try:
            if isinstance(case, ErrorCase):
                finding = case.run(subject, setting.told)
            else:
                finding = case.judge(case.ask(subject, setting.told), setting.told, subnormals=setting.subnormals)
        except (ClauseFailed, Refused) as error:
            finding = _failure(error)
        except NotImplementedBySubject:
            continue
        if finding.ratio > 1:
            yield Failing(bad, setting, finding, test.name, refusal=isinstance(case, ErrorCase))


def among(
    found: Iterable[Failing], test: str | None = None, dtype: str | None = None, given: Iterable[str] = ()
) -> list[Failing]:
    """The cases of one test, one dtype and some keywords or readings, as ``form=tanh``, where these are given."""

    def words(one: Failing) -> set[str]:
        return {f"{name}={value}" for name, value in (one.setting.readings | one.case.attributes).items()}

    return [
        one for one in found if test in (None, one.test) and dtype in (None, one.dtype) and set(given) <= words(one)
    ]


def in_order(found: list[Failing], entries: Iterable[dict] = ()) -> list[Failing]:
    """The one that reports state, and the others from the smallest on; float32 before others."""

    def size(one: Failing) -> tuple:
        count = sum(np.size(x) for x in arrays_in((one.case.arrays, one.case.cotangents)))
        return bool(one.case.layout), callable(one.case.grads), one.case.dtype != "float32", count

    first = stated(found, list(entries))
    return [first, *sorted((one for one in found if one is not first), key=size)]


def written(suite: Suite, subject: Subject, name: str, instance: str, found: list[Failing]) -> tuple[str, Failing]:
    """The script of the first case that has one, and the case.

    Raises:
        HarnessError: none has; says why the first has none.
    """
    first: HarnessError | None = None
    for one in in_order(found, published(suite, name, instance))[:TRIED]:
        try:
            return script(suite, subject, name, instance, one), one
        except HarnessError as error:
            first = first or error
        if few := shortened(subject, one):
            with contextlib.suppress(HarnessError):
                return script(suite, subject, name, instance, few), one
    raise first or HarnessError(f"{instance}: there is nothing to reproduce")


# ------------------------------------------------------------------ the command
def run(options: argparse.Namespace) -> int:
    """Write the script, to standard output or to a file."""
    suite = load_suite()
    if options.adapter not in built_in():
        raise HarnessError(
            f"'{options.adapter}' is none of the adapters that come with the suite"
            f"{did_you_mean(options.adapter, built_in())}; of your own you have the source"
        )
    if options.instance not in suite.instances:
        raise HarnessError(f"no instance '{options.instance}'{did_you_mean(options.instance, suite.instances)}")
    subject = load_subject(options.adapter)
    operation = suite.instances[options.instance][1]
    if not subject.has(operation):
        raise HarnessError(f"{options.adapter} has no {operation}")
    refuse_wrapped(subject, operation, options.adapter, options.instance)
    found = among(failing(suite, subject, options.instance), options.test, options.dtype, options.given)
    if not found:
        print(f"nnspec: {options.adapter} answers {options.instance} rightly: there is nothing to reproduce")
        return 1
    text, _ = written(suite, subject, options.adapter, options.instance, found)
    if options.out is None:
        print(text, end="")
    else:
        options.out.write_text(text, encoding="utf-8")
        print(f"nnspec: wrote {options.out}, {len(text):,} letters")
    return 0
