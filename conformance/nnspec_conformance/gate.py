"""The gate: whether specification, tests, mutants and the source's table are in step. Part of the test run."""

from __future__ import annotations

from pathlib import Path

from nnspec_conformance.clauses import Spec
from nnspec_conformance.suite_loader import Suite


def check(suite: Suite) -> list[str]:
    """One line for each thing out of step; empty if all is well."""
    spec = suite.spec
    return [*_tests(suite), *_tables(spec), *_source(spec), *_links(spec)]


def _tests(suite: Suite) -> list[str]:
    spec, problems = suite.spec, []
    for clause in spec.clauses.values():
        place = f"{spec.root.name}/{clause.page}.md:{clause.line}"
        if clause.id not in suite.tests and clause.id not in spec.untestable and clause.level != "MAY":
            problems.append(f"{place}: {clause.id} has no test; write one or give a reason in untestable.toml")
        if clause.id in suite.tests and clause.id in spec.untestable:
            problems.append(f"{place}: {clause.id} has a test and stands in untestable.toml; take it out there")
        if clause.id in spec.retired:
            problems.append(f"{place}: {clause.id} is retired; ids are never used again, choose another")
    for experiment in spec.experiments.values():
        if experiment.id in spec.retired:
            place = f"{spec.root.name}/{experiment.page}.md:{experiment.line}"
            problems.append(f"{place}: {experiment.id} is retired; ids are never used again, choose another")
    for clause_id, tests in suite.tests.items():
        if clause_id not in spec.clauses:
            problems.append(f"{tests[0].name}: proves '{clause_id}', which no page has")
    return problems


def _tables(spec: Spec) -> list[str]:
    problems = []
    for name, table in (("untestable", spec.untestable), ("retired", spec.retired)):
        for clause_id, entry in table.items():
            if not entry.get("reason"):
                problems.append(f"{spec.root.name}/{name}.toml: {clause_id} has no reason; say why")
            if name == "untestable" and clause_id not in spec.clauses:
                problems.append(f"{spec.root.name}/{name}.toml: {clause_id} is no clause; take it out")
    return problems


def _source(spec: Spec) -> list[str]:
    """Every statement of the source leads to a clause or an experiment, or its page does not exist yet."""
    problems = []
    table = f"{spec.root.name}/source.toml"
    cited = {i for e in spec.experiments.values() for i in e.source_ids}
    for source_id in cited - set(spec.source):
        problems.append(f"{table}: experiment cites {source_id}, which is not listed")
    for source_id, entry in spec.source.items():
        clauses, experiments = entry.get("clauses", []), entry.get("experiments", [])
        problems += [f"{table}: {source_id} names no clause: {c}" for c in clauses if c not in spec.clauses]
        problems += [f"{table}: {source_id} names no experiment: {e}" for e in experiments if e not in spec.experiments]
        opened = any(page.strip() in spec.pages for page in str(entry.get("page", "")).split(","))
        if opened and not clauses and not experiments:
            problems.append(f"{table}: {source_id} leads nowhere though its page is open; name a clause or experiment")
    return problems


def planned(spec: Spec) -> list[str]:
    """Statements of the source whose topic is not opened yet; derived, never kept by hand."""
    return [name for name, entry in spec.source.items() if not entry.get("clauses") and not entry.get("experiments")]


def _links(spec: Spec) -> list[str]:
    """References to clauses, ``[relu.value][]``, lead to clauses."""
    import re

    problems = []
    for page in spec.pages.values():
        for number, line in enumerate(Path(page.path).read_text(encoding="utf-8").splitlines(), 1):
            for name in re.findall(r"\[([a-z][a-z0-9-]*\.[a-z0-9.-]+)\]\[\]", line):
                if name not in spec.clauses:
                    problems.append(f"{spec.root.name}/{page.name}.md:{number}: no clause '{name}'")
    return problems
