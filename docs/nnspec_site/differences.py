"""Every clause and topic with everybody's outcomes, in a form small enough that a browser asks it: one file.

What the clauses say is a second one, which is loaded when somebody looks for a word or points at a clause. A family's
clause, and a duty above all, has a row for each topic whose operations it is put to.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from nnspec_conformance.clauses import Clause
from nnspec_site.data import Data, Report
from nnspec_site.outcomes import MEANING, OUTCOMES, WORST_FIRST
from nnspec_site.own_page import description
from nnspec_site.proof import readings_of, subjects_in_order
from nnspec_site.rendering import clause_address

SCHEMA = "nnspec-differences/3"
WORDS = "nnspec-words/1"
LETTERS = {"pass": "p", "variant": "v", "known failure": "k", "fail": "f", "not implemented": "n", "not asked": "a"}
LETTERS |= {"harness error": "e", "stale": "s", "not run": "r"}


@dataclass(frozen=True)
class Row:
    """One clause put to the operations of one topic."""

    clause: Clause
    topic: str

    @property
    def operations(self) -> tuple[str, ...]:
        return self.clause.applies_to


def rows(data: Data) -> Iterator[Row]:
    """Topic after topic, in the order of the specification; duties after the topic's own clauses."""
    own: dict[str, list[Row]] = {}
    owed: dict[str, list[Row]] = {}
    for clause in data.spec.clauses.values():
        if not clause.forms:
            own.setdefault(clause.page, []).append(Row(clause, clause.page))
            continue
        for topic in dict.fromkeys(clause.topics.values()):
            names = tuple(name for name in clause.applies_to if clause.topics[name] == topic)
            owed.setdefault(topic, []).append(Row(replace(clause, applies_to=names), topic))
    for topic in data.spec.pages:
        yield from own.get(topic, [])
        yield from owed.get(topic, [])


def content(data: Data) -> Report:
    """The file: names once, and rows that count in them. A cell has a letter for each operation, or one for all."""
    subjects, topics = subjects_in_order(data), list(dict.fromkeys(row.topic for row in rows(data)))
    clauses: dict[str, list[str]] = {}
    operations: dict[str, int] = {}
    listed = []
    for row in rows(data):
        clause = row.clause
        address = clause_address(clause.page, clause.id)[1:]
        clauses.setdefault(clause.id, [clause.level, clause.kind, address, *_usual(clause)])
        asked = [operations.setdefault(name, len(operations)) for name in row.operations]
        cells = [_cell(data.outcomes(name, clause)) for name in subjects]
        made = [[*clauses].index(clause.id), topics.index(row.topic), asked, cells]
        listed.append([*made, said] if (said := _readings(data, clause, subjects)) else made)
    return {
        "schema": SCHEMA,
        "outcomes": {
            LETTERS[name]: [name, *shown, WORST_FIRST.index(name), MEANING[name]] for name, shown in OUTCOMES.items()
        },
        "subjects": [
            [name, str(data.subjects[name]["subject"].get("version", "")), data.role(name)] for name in subjects
        ],
        "topics": [[name, data.spec.pages[name].title] for name in topics],
        "clauses": [[name, *told] for name, told in clauses.items()],
        "operations": list(operations),
        "rows": listed,
    }


def words(data: Data) -> Report:
    """The second file: what each clause says, in the order of the first."""
    said = {row.clause.id: description(row.clause.text) for row in rows(data)}
    return {"schema": WORDS, "words": list(said.values())}


def _cell(outcomes: list[str]) -> str:
    letters = "".join(LETTERS[one] for one in outcomes)
    return letters[0] if len(set(letters)) == 1 else letters


def _usual(clause: Clause) -> list[str]:
    """The definition's reading or default, which a report leaves out; nothing where there is but one."""
    if not clause.variants and clause.kind != "default":
        return []
    return [str(clause.default if clause.kind == "default" else clause.definition)]


def _readings(data: Data, clause: Clause, subjects: list[str]) -> list[str]:
    """The reading or default that each subject was found to have; nothing where there is but one."""
    if not clause.variants and clause.kind != "default":
        return []
    return [", ".join(readings_of(data, clause, name)) for name in subjects]
