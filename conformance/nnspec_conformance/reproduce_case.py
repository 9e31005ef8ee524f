"""Which failing case a script is about: the one that the published report states, and a shorter one of long arrays."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case
from nnspec_conformance.errors import ClauseFailed, HarnessError, NotImplementedBySubject, Refused
from nnspec_conformance.reproduce_script import Failing, mapped_wants
from nnspec_conformance.results import read_json, results_dirs
from nnspec_conformance.subject import Subject
from nnspec_conformance.suite_loader import Suite
from nnspec_conformance.tolerance import Shape, Want
from nnspec_conformance.trees import leaves, mapped

KEPT = 48  # entries of a long array
AT = re.compile(r"at index \((\d+),\)$")


def published(suite: Suite, name: str, instance: str) -> list[dict]:
    """The entries of a subject's published report that state a failure, the one furthest off first."""
    entries: list[dict] = []
    for root in results_dirs():
        path = root / "subjects" / name / f"{suite.page_of(instance)}.json"
        if path.is_file():
            entries = read_json(path)["results"].get(instance, {}).get("entries", entries)
    return sorted((one for one in entries if one.get("worst")), key=lambda one: -float(one.get("ratio", 0)))


def stated(found: list[Failing], entries: list[dict]) -> Failing:
    """The case that a report states, whichever is furthest off on this machine; without one the furthest off."""
    for entry in entries:
        asked = (entry.get("test"), entry["worst"].get("call"))
        same = [one for one in found if (one.test, one.finding.call) == asked and asked[1]]
        if same:
            return max(same, key=_off)
    return max(found, key=_off)


def _off(one: Failing) -> float:
    return one.finding.ratio


def shortened(subject: Subject, one: Failing) -> Failing | None:
    """The question at a few entries of long arrays, where these alone are answered as they were among all.

    So it is for operations that act element by element. None where the worst entry is right then, or another one.
    """
    place = AT.search(one.finding.input or "")
    arrays = leaves((one.case.arrays, one.case.cotangents))
    if one.refusal or place is None or not arrays or any(x.shape != arrays[0].shape for x in arrays):
        return None
    count = arrays[0].size
    at = np.unique([int(place[1]), *np.linspace(0, count - 1, KEPT - 1).astype(int)])
    try:
        case = _at(one.case, lambda x: x[at] if x.shape == (count,) else x)
        finding = case.judge(case.ask(subject, one.setting.told), one.setting.told, subnormals=one.setting.subnormals)
    except (ClauseFailed, Refused, NotImplementedBySubject, HarnessError):
        return None
    same = (finding.got, finding.expected) == (one.finding.got, one.finding.expected)
    return replace(one, case=case, finding=replace(finding, message=one.finding.message)) if same else None


def _at(case: Case, part: Callable[[np.ndarray], np.ndarray]) -> Case:
    def of_want(want: Want | Shape) -> Any:
        if isinstance(want, Shape):
            return want
        value = np.asarray(want.value)
        wide = {name: np.broadcast_to(getattr(want, name), value.shape) for name in ("allowed", "flushed")}
        return replace(want, value=part(value), **{name: part(x) for name, x in wide.items()})

    return replace(
        case,
        arrays=mapped(part, case.arrays),
        cotangents=mapped(part, case.cotangents),
        want=mapped_wants(of_want, case.want),
        rule=None,
    )
