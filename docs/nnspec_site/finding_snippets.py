"""The snippets of all findings; what was made once is kept."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable
from dataclasses import dataclass

from nnspec_conformance.dependencies import kills_hash
from nnspec_conformance.errors import HarnessError
from nnspec_conformance.suite_loader import Suite, load_suite
from nnspec_site import asked_case, cores, snippet
from nnspec_site.data import Data, Report
from nnspec_site.dialects import ADAPTERS
from nnspec_site.kept import digest, kept, maker


@dataclass(frozen=True)
class Wanted:
    """What a snippet is made of.

    Attributes:
        subject: who answers wrongly.
        anchor: of the finding on the subject's page.
        page: the topic of the operation.
        instance: the first one that has the finding.
        entry: of the instance's result.
    """

    subject: str
    anchor: str
    page: str
    instance: str
    entry: Report


def of(data: Data, wanted: Iterable[Wanted]) -> dict[tuple[str, str], str]:
    """The snippets by subject and anchor; a finding without one is left out."""
    suite = load_suite()
    work: dict[tuple[str, str], list[Wanted]] = {}
    for one in wanted:
        if one.instance in suite.instances:
            work.setdefault((one.subject, one.page), []).append(one)
    items = sorted(work.values(), key=len, reverse=True)
    depends = {page: kills_hash(suite, page) for _, page in work}  # the same for all findings of a page
    made = cores.spread(lambda its: [_kept(suite, data, one, depends[one.page]) for one in its], items)
    pairs = [pair for its, texts in zip(items, made, strict=True) for pair in zip(its, texts, strict=True)]
    return {(one.subject, one.anchor): text for one, text in pairs if text}


def _kept(suite: Suite, data: Data, one: Wanted, depends: str) -> str:
    report = data.subjects[one.subject]
    readings = report["results"][one.instance].get("readings")
    parts = [maker(snippet.__file__), maker(asked_case.__file__), _adapters(), depends]
    parts += [one.subject, one.instance, json.dumps([one.entry, readings, report["subject"]])]
    return kept("snippets", parts, lambda: make(suite, report, one.instance, one.entry))


def make(suite: Suite, report: Report, instance: str, entry: Report) -> str:
    """The snippet of one entry of a subject's report; empty where there is none."""
    try:
        case, told = asked_case.find(suite, report, instance, entry)
        return snippet.text(snippet.Source.of(report["subject"]["name"]), case, told, entry)
    except HarnessError:  # the question is none of the test's any more, or is no text
        return ""


@functools.cache
def _adapters() -> str:
    return digest(path.read_bytes() for path in sorted(ADAPTERS.rglob("*.py")))
