"""Everything the blocks show: the specification and the recorded results, read once and again when a file changes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nnspec_conformance import history, results
from nnspec_conformance.clauses import Clause, Spec, find_spec, load_spec
from nnspec_conformance.kill_table import load_mutants
from nnspec_conformance.report import load_subjects
from nnspec_conformance.statements import StatementTest, find_tests
from nnspec_conformance.suite_loader import load_suite
from nnspec_site.assets import GENERATED
from nnspec_site.kept import digest
from nnspec_site.listing import SOURCES

KINDS = {".md", ".toml", ".json", ".jsonl", ".py", ".svg"}
Report = dict[str, Any]


@dataclass
class Data:
    """The specification and its results.

    Attributes:
        spec: pages, clauses, experiments.
        subjects: subject name -> report.
        experiments: experiment id -> outcome.
        benchmarks: machine -> measurements.
        mutants: instance -> ``{"power", "nearest", "mutants"}``.
        tests: clause id -> names of the tests that check it.
        statement_tests: the tests of the reference that prove its own statements.
        history: subject name -> what each of its versions came to, the oldest first.
    """

    spec: Spec
    subjects: dict[str, Report] = field(default_factory=dict)
    experiments: dict[str, Report] = field(default_factory=dict)
    benchmarks: dict[str, Report] = field(default_factory=dict)
    mutants: dict[str, Report] = field(default_factory=dict)
    tests: dict[str, list[str]] = field(default_factory=dict)
    statement_tests: list[StatementTest] = field(default_factory=list)
    history: dict[str, list[Report]] = field(default_factory=dict)

    def result(self, subject: str, clause: Clause, instance: str) -> Report:
        """What ``subject`` did on ``instance``; 'stale' where the clause's text or what it ran on has changed since."""
        found = self.subjects[subject]["results"].get(instance)
        if found is None:
            return {"outcome": "not run"}
        if found.get("text_hash") != clause.text_hash or found.get("stale"):
            return found | {"outcome": "stale", "was": found["outcome"]}
        if not clause.measured and float(found.get("ratio") or 0) <= 1:  # it admits no error, so there is none to show
            return {name: value for name, value in found.items() if name != "ratio"}
        return found

    def outcomes(self, subject: str, clause: Clause) -> list[str]:
        return [self.result(subject, clause, instance)["outcome"] for instance in clause.instances]

    def role(self, subject: str) -> str:
        return self.subjects[subject]["subject"].get("role", "framework")


_fixed: list[Data] = []
_loaded: Data | None = None
_stamps: dict[str, str] = {}


@contextlib.contextmanager
def using(data: Data) -> Iterator[Data]:
    """Let the blocks show ``data`` instead of the project's own, for tests."""
    _fixed.append(data)
    try:
        yield data
    finally:
        _fixed.pop()


def current() -> Data:
    """The data of this build."""
    if _fixed:
        return _fixed[-1]
    if _loaded is None:
        refresh()
    assert _loaded is not None
    return _loaded


def refresh() -> None:
    """Read everything again where a file has changed since (``--serve``)."""
    global _loaded, _stamps
    found = {kind: _stamp(roots) for kind, roots in _roots().items()}
    if _loaded is None or any(found[kind] != _stamps.get(kind) for kind in ("spec", "results")):
        _loaded = load()
    _stamps = found


def stamps() -> dict[str, str]:
    """What changes with the specification, with the results, with the sources and the figures that pages show."""
    return _stamps


def load() -> Data:
    """Read the project's specification and results."""
    subjects = load_subjects()
    return Data(
        spec=load_spec(),
        subjects=subjects,
        experiments=results.load_experiments(),
        benchmarks=results.load_benchmarks(),
        mutants=load_mutants(),
        tests=_tests(),
        statement_tests=find_tests() or [],
        history={name: _versions(name, report) for name, report in subjects.items()},
    )


def _versions(name: str, report: Report) -> list[Report]:
    """What was kept of a subject's versions, with what was measured last, even where that was not kept yet."""
    folder = results.COMMITTED / "subjects" / name
    return history.with_new(history.read(folder), history.line(report))


def _tests() -> dict[str, list[str]]:
    """Clause id -> names of its tests, from the suite's own index."""
    return {clause: [test.name for test in tests] for clause, tests in load_suite().tests.items()}


def _roots() -> dict[str, list[Path]]:
    sources = [SOURCES, Path(results.__file__).parent]
    figures = [GENERATED / "figures"]
    return {"spec": [find_spec()], "results": results.results_dirs(), "sources": sources, "figures": figures}


def _stamp(roots: list[Path]) -> str:
    files = [path for root in roots for path in sorted(root.rglob("*")) if path.suffix in KINDS]
    return digest(f"{path} {path.stat().st_mtime_ns}" for path in files)
