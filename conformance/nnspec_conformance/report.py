"""A subject's report: what every clause made of it, as JSON in one file or in files by topic, and as JUnit XML."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from nnspec_conformance import __version__, results
from nnspec_conformance.dependencies import topic_hash
from nnspec_conformance.described import Described
from nnspec_conformance.errors import HarnessError, one_line
from nnspec_conformance.old_results import report_of
from nnspec_conformance.outcome import (
    FAIL,
    HARNESS_ERROR,
    KNOWN,
    NOT_ASKED,
    NOT_IMPLEMENTED,
    OUTCOMES,
    Result,
    summary_of,
)
from nnspec_conformance.results import by_topic, check_writable, installed, jsonable, read_json, results_dirs, write
from nnspec_conformance.subject import Subject
from nnspec_conformance.suite_loader import Suite

SCHEMA, SUBJECT_SCHEMA, TOPIC_SCHEMA = "nnspec-report/2", "nnspec-subject/2", "nnspec-results/2"
DIGITS = 6  # of a ratio
ONE_LINE_EACH = 4  # levels above the instances of a report: topics, page, results, instance
SKIPPED = (NOT_IMPLEMENTED, NOT_ASKED, KNOWN)  # as JUnit calls it


def in_files(path: Path) -> bool:
    """Whether a report's path is a folder, of files by topic; else it is one file, whose name ends in .json."""
    return path.suffix != ".json"


def as_report(
    suite: Suite, subject: Subject | Described, found: Iterable[Result], hashes: dict[str, str] | None = None
) -> dict:
    """The report of a run, JSON-ready.

    Args:
        suite: tests and specification.
        subject: who was asked.
        found: what came.
        hashes: of the pages' files, as far as they are known, by page; those that are not are put there.
    """
    by_page, hashes = dict[str, dict](), {} if hashes is None else hashes
    for result in found:
        by_page.setdefault(result.page, {})[result.instance] = result.as_record()
    hashes |= {page: topic_hash(suite, page, subject.adapter) for page in by_page if page not in hashes}
    return jsonable(
        {
            "schema": SCHEMA,
            "subject": {
                "name": subject.name,
                "version": subject.version,
                "role": subject.role,
                "dtypes": list(subject.dtypes),
                **({"subnormals": subject.subnormals} if subject.subnormals else {}),
            },
            "environment": {
                "platform": f"{platform.system()}-{platform.machine()}",
                "device": subject.device,
                "packages": subject.packages,
            },
            "suite": {"version": __version__},
            "topics": {
                page: {
                    "date": results.today(),
                    "inputs": hashes[page],
                    "results": records,
                }
                for page, records in by_page.items()
            },
        },
        DIGITS,
    )


def environment_hash(report: dict) -> str:
    """The hash of what holds for all topics of a report; a topic that was measured under another is stale."""
    text = json.dumps([report["subject"]["version"], report["environment"]], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


# ---- writing
def write_report(report: dict, path: Path, *, keep: bool = False, unfinished: frozenset[str] = frozenset()) -> None:
    """Write a report to one file, or to files by topic.

    Args:
        report: as ``as_report`` makes it.
        path: a name that ends in .json, or a folder.
        keep: leave what a file has of other topics. A folder's other topics stay always, and within a topic what was
            measured of the same files stays too.
        unfinished: pages of which not all was asked yet; an older record of one, of other files, stays until it was.

    Raises:
        HarnessError: it cannot be written.
    """
    old = _earlier(path) if keep or in_files(path) else None
    before = old["topics"] if old else {}
    same = bool(old) and environment_hash(old) == environment_hash(report)
    topics = dict(before) if same else {}
    for page, new in report["topics"].items():
        there = before.get(page)
        kept = there.get("results", {}) if there and same and there.get("inputs") == new["inputs"] else {}
        if there is None or kept or page not in unfinished or not (same or in_files(path)):
            topics[page] = new | {"results": kept | new["results"]}
    report = report | {"topics": topics}
    if not in_files(path):
        write(report, path, ONE_LINE_EACH)
        return
    shared = {name: value for name, value in report.items() if name != "topics"}
    write(shared | {"schema": SUBJECT_SCHEMA}, path / "subject.json")
    for page, topic in report["topics"].items():
        head = {"schema": TOPIC_SCHEMA, "environment": environment_hash(report)}
        write(head | topic, path / f"{page}.json")


def _earlier(path: Path) -> dict | None:
    try:
        return read_report(path)
    except HarnessError:
        return None


def check_report_writable(path: Path) -> None:
    """See before a long run whether a report can be written.

    Raises:
        HarnessError: it cannot, or something else than a report stands there.
    """
    file = path / "subject.json" if in_files(path) else path
    check_writable(file)
    if file.is_file() and file.stat().st_size:
        try:
            read_report(path)
        except HarnessError as error:
            raise HarnessError(f"{file}: is there and is no report; remove it or choose another name") from error


# ---- reading
def read_report(path: Path) -> dict:
    """A report, of one file or of files by topic, also one of an earlier version.

    Raises:
        HarnessError: there is none, or it is no report.
    """
    if path.is_file():
        report = report_of(read_json(path), path)
        _expect(report, ("subject", "environment", "topics"), path, SCHEMA)
    else:
        shared = read_json(path / "subject.json")
        _expect(shared, ("subject", "environment"), path / "subject.json", SUBJECT_SCHEMA)
        report = shared | {"schema": SCHEMA, "topics": {page: read_json(file) for page, file in by_topic(path).items()}}
    _expect(report["subject"], ("name", "version", "role", "dtypes"), path)
    _expect(report["environment"], ("packages",), path)
    _expect(report["topics"], (), path)
    for page, topic in report["topics"].items():
        _expect(topic, ("date", "inputs", "results"), f"{path}: {page}")
        _expect(topic["results"], (), f"{path}: {page}")
        for instance, record in topic["results"].items():
            _expect(record, ("outcome", "entries"), f"{path}: {page}: {instance}")
    return report


def _expect(data: Any, names: Iterable[str], place: object, schema: str | None = None) -> None:
    if not isinstance(data, dict):
        raise HarnessError(f"{place}: is {type(data).__name__}, expected an object; write it again")
    if schema and data.get("schema") != schema:
        raise HarnessError(f"{place}: schema is {data.get('schema')!r}, expected {schema!r}; write it again")
    for name in names:
        if name not in data:
            raise HarnessError(f"{place}: has no '{name}'; write it again")


def load_subjects() -> dict[str, dict]:
    """What every subject came to: the reference first, then the oracle, then the others by name.

    A report has ``subject``, ``environment``, ``date`` and ``results``, which hold what follows from their entries and,
    where they were measured in another environment than the report says, ``stale``.

    Raises:
        HarnessError: a file is no report, or contradicts itself.
    """
    found = {}
    for root in results_dirs():
        folder = root / "subjects"
        for path in [*sorted(folder.glob("*.json")), *sorted(p.parent for p in folder.glob("*/subject.json"))]:
            found[path.stem] = _flat(read_report(path), path)
    order = {"reference": 0, "oracle": 1}
    return dict(sorted(found.items(), key=lambda item: (order.get(item[1]["subject"]["role"], 2), item[0])))


def _flat(report: dict, path: Path) -> dict:
    shown, now = {}, environment_hash(report)
    for page, topic in report["topics"].items():
        stale = {"stale": True} if topic.get("environment", now) != now else {}
        for instance, record in topic["results"].items():
            try:
                shown[instance] = summary_of(record) | stale
            except (KeyError, TypeError, ValueError) as error:
                raise HarnessError(f"{path}: {page}: {instance}: {one_line(error)}; write it again") from error
    dates = [topic["date"] for topic in report["topics"].values()]
    return report | {"date": max(dates, default="–"), "results": shown}


# ---- is it current?
def stale_pages(suite: Suite, subject: Subject | Described, chosen: list[str], reports: Iterable[dict]) -> list[str]:
    """The pages of the chosen instances that no report covers as their files are now, without a failure."""
    wanted: dict[str, set[str]] = {}
    for instance in chosen:
        wanted.setdefault(suite.page_of(instance), set()).add(instance)
    known = list(reports)
    return [page for page, names in wanted.items() if not any(_current(suite, subject, page, names, r) for r in known)]


def _current(suite: Suite, subject: Subject | Described, page: str, names: set[str], report: dict) -> bool:
    outcomes = {name: record["outcome"] for name, record in measured(suite, subject, page, report).items()}
    return names <= set(outcomes) and not {FAIL, HARNESS_ERROR} & set(outcomes.values())


def same_packages(recorded: Any, now: dict[str, str]) -> bool:
    """Whether the versions are the same; a bug-fix release of Python is the same Python."""

    def named(packages: dict[str, str]) -> dict[str, str]:
        return {name: v.rpartition(".")[0] if name == "python" else v for name, v in packages.items()}

    return isinstance(recorded, dict) and named(recorded) == named(now)


def measured(suite: Suite, subject: Subject | Described, page: str, report: dict) -> dict[str, dict]:
    """The records that a report has of one page, if they were measured with its files and packages as they are now."""
    topic, now, packages = report["topics"].get(page), environment_hash(report), report["environment"]["packages"]
    if report["subject"]["version"] != subject.version or not same_packages(packages, installed(packages)):
        return {}
    if topic is None or topic.get("environment", now) != now:
        return {}
    return topic["results"] if topic["inputs"] == topic_hash(suite, page, subject.adapter) else {}


def junit(subject: Subject | Described, found: list[Result]) -> str:
    """JUnit XML: a test case for every instance."""
    suites = ElementTree.Element("testsuites")
    counts = {
        "tests": str(len(found)),
        "failures": str(sum(r.outcome == FAIL for r in found)),
        "errors": str(sum(r.outcome == HARNESS_ERROR for r in found)),
        "skipped": str(sum(r.outcome in SKIPPED for r in found)),
        "time": f"{sum(r.seconds for r in found):.3f}",
    }
    suite = ElementTree.SubElement(suites, "testsuite", {"name": f"nnspec {subject.name}"} | counts)
    for r in found:
        place = {"classname": r.page.replace("/", "."), "name": r.instance, "time": f"{r.seconds:.3f}"}
        case = ElementTree.SubElement(suite, "testcase", place)
        kinds = {FAIL: "failure", HARNESS_ERROR: "error", **dict.fromkeys(SKIPPED, "skipped")}
        if r.outcome in kinds:
            text = one_line(r.message or "", 1000)
            told = {"message": one_line(r.reason, 1000) if r.reason else text}
            ElementTree.SubElement(case, kinds[r.outcome], told).text = text
        if r.not_run:
            ElementTree.SubElement(case, "system-out").text = one_line(f"not run {', '.join(r.not_run)}", 1000)
    return ElementTree.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def counts(found: list[Result]) -> dict[str, int]:
    """How many of each outcome; outcomes that did not occur are left out."""
    return {o: n for o in OUTCOMES if (n := sum(r.outcome == o for r in found))}
