"""The gate: whether specification, tests, mutants and the source's table are in step. Part of the test run."""

from __future__ import annotations

import difflib
import re
from pathlib import Path

from nnspec_conformance.clauses import Spec
from nnspec_conformance.errors import did_you_mean
from nnspec_conformance.pages import SECTIONS
from nnspec_conformance.suite_loader import Suite

ENTRIES = {"kind", "statement", "page"}
PAGE_FORM = re.compile(rf"({'|'.join(SECTIONS)})(/[a-z][a-z0-9_]*)*/([a-z][a-z0-9_]*|\*)")


def check(suite: Suite) -> list[str]:
    """One line for each thing out of step; empty if all is well."""
    spec = suite.spec
    return [
        *_tests(suite),
        *_operations(spec),
        *_statements(suite),
        *_exercises(suite),
        *_heads(spec),
        *_tables(spec),
        *_source(spec),
        *_links(spec),
    ]


def _tests(suite: Suite) -> list[str]:
    spec, problems = suite.spec, []
    for clause in spec.clauses.values():
        place = f"{spec.root.name}/{clause.page}.md:{clause.line}"
        if clause.id not in suite.tests and clause.id not in spec.untestable and clause.level != "MAY":
            problems.append(f"{place}: {clause.id} has no test; write one or give a reason in untestable.toml")
        if clause.id in suite.tests and clause.id in spec.untestable:
            problems.append(f"{place}: {clause.id} has a test and stands in untestable.toml; take it out there")
        if spec.pages[clause.page].species == "reference":
            problems.append(f"{place}: {clause.id} is a clause on a page about the reference alone; write a statement")
    for entry in spec.entries():
        if entry.id in spec.retired:
            place = f"{spec.root.name}/{entry.page}.md:{entry.line}"
            problems.append(f"{place}: {entry.id} is retired; ids are never used again, choose another")
    for clause_id, tests in suite.tests.items():
        if clause_id not in spec.clauses:
            problems.append(f"{tests[0].name}: proves '{clause_id}', which no page has")
    return problems


def _operations(spec: Spec) -> list[str]:
    """Every operation that a clause concerns is declared, and every declared one has a clause beside its duties."""
    problems = []
    for clause in spec.clauses.values():
        for name in clause.operations:
            if name not in spec.operations:
                near = difflib.get_close_matches(name, spec.operations, n=1)
                hint = f"did you mean {near[0]}?" if near else f"declare it: /// operation | {name}"
                problems.append(
                    f"{spec.root.name}/{clause.page}.md:{clause.line}: {clause.id} concerns the operation '{name}', "
                    f"which no page declares; {hint}"
                )
    concerned = {name for clause in spec.clauses.values() if not clause.forms for name in clause.operations}
    for operation in spec.operations.values():
        if operation.name not in concerned:
            place = f"{spec.root.name}/{operation.page}.md:{operation.line}"
            problems.append(f"{place}: operation {operation.name} has no clause; write one or take the block out")
    return problems


def _statements(suite: Suite) -> list[str]:
    """Every reference statement has a test of the reference, and each such test wrong implementations to fail on."""
    spec, tests, problems = suite.spec, suite.statement_tests, []
    if tests is None:
        return []
    for statement in spec.statements.values():
        if statement.id not in {test.statement for test in tests}:
            place = f"{spec.root.name}/{statement.page}.md:{statement.line}"
            mark = f"@pytest.mark.statement('{statement.id}', ...)"
            problems.append(f"{place}: {statement.id} has no test in reference/tests; mark one with {mark}")
    for test in tests:
        if test.statement not in spec.statements:
            problems.append(f"reference/tests/{test.name}: proves '{test.statement}', which no page states")
        if not test.mutants:
            problems.append(f"reference/tests/{test.name}: has no wrong implementation to fail on; add it to 'mutants'")
    return problems


def _exercises(suite: Suite) -> list[str]:
    """Every wrong implementation that an exercise is made from is one of the suite's."""
    spec, problems = suite.spec, []
    known = {mutant.name for module in suite.mutant_modules for mutant in module.MUTANTS}
    for block in spec.blocks:
        mutant = block.options.get("mutant") if block.name == "exercise" else None
        if mutant is not None and mutant not in known:
            place = f"{spec.root.name}/{block.path.relative_to(spec.root)}:{block.line}"
            hint = did_you_mean(str(mutant), sorted(known))
            problems.append(f"{place}: exercise {block.argument} is made from '{mutant}', which is no mutant{hint}")
    return problems


def _heads(spec: Spec) -> list[str]:
    """What a page needs is another topic, and its first sentence can stand on another page."""
    problems = []
    for page in spec.pages.values():
        place = f"{spec.root.name}/{page.name}.md"
        for need in page.needs:
            if need == page.name or need not in spec.pages:
                problems.append(f"{place}: needs '{need}', which is no topic; write the name of another page")
        if re.search(r"\]\s*[(\[]", page.summary):
            problems.append(f"{place}: the first sentence holds a link, which an index cannot follow; move it down")
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
    """Every statement of the source has its proof, or no page of its own yet; every proof is of a statement."""
    problems, proofs = [], spec.proofs()
    table = f"{spec.root.name}/source.toml"
    for statement in proofs.keys() - spec.source.keys():
        for proof in proofs[statement]:
            place = f"{spec.root.name}/{proof.page}.md:{proof.line}"
            problems.append(f"{place}: {proof.id} proves {statement}, which {table} does not list")
    for statement, entry in spec.source.items():
        problems += [f"{table}: {statement} has the unknown entry '{name}'" for name in entry.keys() - ENTRIES]
        forms = _forms(entry)
        for form in forms or [""]:
            if form not in spec.pages and not PAGE_FORM.fullmatch(form):
                problems.append(f"{table}: {statement} names no page: '{form}'; write training/adam or training/*")
        if opened := [name for form in forms for name in spec.pages if _is_of(name, form)]:
            if statement not in proofs:
                where = f"though {spec.root.name}/{opened[0]}.md is there"
                problems.append(f"{table}: nothing proves {statement} {where}; give a block 'proves: {statement}'")
    return problems


def _forms(entry: dict) -> list[str]:
    """The pages that own a statement, as ``source.toml`` names them."""
    return [form.strip() for form in str(entry.get("page", "")).split(",") if form.strip()]


def _is_of(name: str, form: str) -> bool:
    """Whether a page is the one that is named, lies in the folder of that name, or matches ``folder/*``."""
    return name == form or name.startswith(form.removesuffix("/*") + "/")


def opened_by(spec: Spec, page: str) -> list[str]:
    """Statements of the source that nothing proves yet, and that a page of this name would have to prove."""
    return [name for name in planned(spec) if any(_is_of(page, form) for form in _forms(spec.source[name]))]


def planned(spec: Spec) -> list[str]:
    """Statements of the source that nothing proves yet; the gate sees to it that none of their pages exists."""
    return [statement for statement in spec.source if statement not in spec.proofs()]


def _links(spec: Spec) -> list[str]:
    """References, ``[relu.value][]``, lead to clauses or reference statements."""
    problems = []
    for page in spec.pages.values():
        for number, line in enumerate(Path(page.path).read_text(encoding="utf-8").splitlines(), 1):
            for name in re.findall(r"\[([a-z][a-z0-9-]*\.[a-z0-9.-]+)\]\[\]", line):
                if name not in spec.clauses and name not in spec.statements:
                    problems.append(f"{spec.root.name}/{page.name}.md:{number}: no clause '{name}'")
    return problems
