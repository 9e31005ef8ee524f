"""What holds of a clause and for whom: one line for its card, and the tables of its own page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from nnspec_conformance.clauses import Clause
from nnspec_conformance.subnormals import WORDS
from nnspec_conformance.verdict import WEAK
from nnspec_site.data import Data, Report
from nnspec_site.html import Element, breakable, code, linked, make, number, plural, prose, table
from nnspec_site.outcomes import OUTCOMES, chip, tally, worst
from nnspec_site.rendering import clause_address

HELD = {"pass", "variant"}
NAMED = 3  # operations of a family that a line names; of more it says how many
MANY = 8  # from which on a table of wrong implementations counts the operations
GOOD = {"pass", "variant", "not run"}


def subjects_in_order(data: Data) -> list[str]:
    """Frameworks first, since they are what a reader looks for; the reference and the oracle, no evidence, last."""
    place = {"reference": 1, "oracle": 2}
    return sorted(data.subjects, key=lambda name: place.get(data.role(name), 0))


# ------------------------------------------------------------------ the line
def line(data: Data, clause: Clause) -> Element:
    """The reference's word, the worst error, the wrong implementations caught, everybody's outcome; links the proof."""
    more = make("a", "nn-more", "Proof", href=clause_address(clause.page, clause.id))
    if not data.subjects:
        return make("p", "nn-verdict", kind(clause), make("span", "nn-unproven", "Not measured yet."), more)
    facts = [_held(data, clause), _worst(data, clause), _caught(data, clause)]
    words = make("span", "nn-facts", _mark(data, clause), ", ".join(fact for fact in facts if fact))
    return make("p", "nn-verdict", kind(clause), words, *groups(data, clause), more)


def kind(clause: Clause) -> Element:
    """The kind of a clause."""
    return make("span", "nn-kind", clause.kind)


def _mark(data: Data, clause: Clause) -> Element | None:
    """The symbol of the reference's worst outcome; the words follow it."""
    reference = _reference(data)
    if reference is None:
        return None
    symbol, css = OUTCOMES[worst(data.outcomes(reference, clause))]
    mark = make("span", f"nn-mark nn-{css}", symbol, aria_hidden="true")
    mark.tail = " "
    return mark


def _reference(data: Data) -> str | None:
    return next((name for name in data.subjects if data.role(name) == "reference"), None)


def _held(data: Data, clause: Clause) -> str:
    reference = _reference(data)
    if reference is None:
        return "not measured on the reference"
    outcomes = data.outcomes(reference, clause)
    held, total = sum(outcome in HELD for outcome in outcomes), len(outcomes)
    if "stale" in outcomes:
        return "stale: the text has changed since it was measured"
    if total == 1:
        return "holds on the reference" if held else f"reference: {outcomes[0]}"
    if held == total:
        return f"all {total} hold on the reference"
    return f"{held} of {total} hold on the reference"


def _worst(data: Data, clause: Clause) -> str:
    reference = _reference(data)
    results = [data.result(reference, clause, instance) for instance in clause.instances] if reference else []
    ratios = [float(result["ratio"]) for result in results if result.get("ratio") is not None]
    if not ratios:
        return ""
    return f"worst error {number(max(ratios))} of the allowed one" if max(ratios) else "no error"


def _caught(data: Data, clause: Clause) -> str:
    caught = {
        mutant["name"]
        for instance in clause.instances
        for mutant in data.mutants.get(instance, {}).get("mutants", [])
        if mutant.get("caught")
    }
    return f"catches {plural(len(caught), 'wrong implementation')}" if caught else ""


def groups(data: Data, clause: Clause) -> list[Element]:
    """One chip an outcome or reading: the frameworks whose worst it is, and with which operations of a family."""
    return [chip(outcome, words) for outcome, words in _grouped(data, clause)]


def said(data: Data, clause: Clause) -> list[str]:
    """The same in words, ``known failure: torch (gelu, silu)``; of a clause about a value that: ``0.9: torch``."""
    return [words for _, words in _grouped(data, clause)]


def _grouped(data: Data, clause: Clause) -> list[tuple[str, str]]:
    """Outcome and words of each group, the best outcome first."""
    found: dict[tuple[str, str], list[str]] = {}
    others = [name for name in data.subjects if data.role(name) not in ("reference", "oracle")]
    for name in others:
        outcomes = data.outcomes(name, clause)
        outcome = worst(outcomes)
        found.setdefault((outcome, _value(data, clause, name, outcome)), []).append(
            name + share(clause, outcomes, outcome)
        )
    if len(found) == 1 and next(iter(found.values())) == others and len(others) > 1:
        return [(outcome, f"{value}: all {len(others)}") for outcome, value in found]
    order = [outcome for outcome, _ in tally(outcome for outcome, _ in found)]
    groups = sorted(found.items(), key=lambda group: order.index(group[0][0]))
    return [(outcome, f"{value}: {', '.join(names)}") for (outcome, value), names in groups]


def _value(data: Data, clause: Clause, name: str, outcome: str) -> str:
    """What a framework is said to have: its readings or its default, where the clause is about that and holds."""
    is_about_a_value = clause.variants or clause.kind == "default"
    return ", ".join(readings_of(data, clause, name)) if is_about_a_value and outcome in HELD else outcome


def readings_of(data: Data, clause: Clause, subject: str, only: str = "") -> list[str]:
    """The readings or the default a subject was held to and met; the definition's where none was recorded.

    They are those of all instances, or of the one that is given.
    """
    found: list[str] = []
    for instance in [only] if only else clause.instances:
        result = data.result(subject, clause, instance)
        if result.get("was", result["outcome"]) in HELD:
            usual = clause.default if clause.kind == "default" else clause.definition
            found += map(str, result.get("readings", {}).get(clause.id) or [usual])
    return list(dict.fromkeys(found))


def share(clause: Clause, outcomes: Sequence[str], outcome: str) -> str:
    """Which operations of a family have an outcome: `` (gelu, silu)``; empty where all have it."""
    of = [operation for operation, one in zip(clause.operations, outcomes, strict=True) if one == outcome]
    if len(of) == len(outcomes):
        return ""
    return f" ({', '.join(of)})" if len(of) <= NAMED else f" ({len(of)} of {len(outcomes)})"


# ------------------------------------------------------------------ a page of its own
def measurements(data: Data, clause: Clause) -> Element:
    """Subjects down; a family has its operations across, a single clause the numbers."""
    if len(clause.instances) == 1:
        return _by_subject(data, clause)
    head: list[Element | str] = ["subject", *(code(operation) for operation in clause.operations)]
    rows = []
    for name in subjects_in_order(data):
        results = [data.result(name, clause, instance) for instance in clause.instances]
        rows.append([subject_name(data, name), *(_cell(result) for result in results)])
    return table(head, rows, "nn-measured")


def _by_subject(data: Data, clause: Clause) -> Element:
    instance = clause.instances[0]
    rows = []
    for name in subjects_in_order(data):
        result = data.result(name, clause, instance)
        readings = ", ".join(map(str, result.get("readings", {}).get(clause.id, [])))
        rows.append(
            [
                subject_name(data, name),
                _outcome(result),
                number(result.get("ratio")),
                code(readings) if readings else "–",
                str(result.get("cases", "–")),
                ", ".join(result.get("dtypes", [])) or "–",
            ]
        )
    head = ["subject", "outcome", "error / allowed", "reading", "cases", "dtypes"]
    return table(head, rows, "nn-measured")


def _outcome(result: Report) -> Element:
    """The outcome's chip, with the declaration by which it holds."""
    held = [f"{WORDS[reading]} ({', '.join(dtypes)})" for reading, dtypes in result.get("subnormals", {}).items()]
    made = make("span", "", chip(result["outcome"]), *(make("small", "", f" {words}") for words in held))
    if result.get("weak"):
        made.append(make("small", "", " ", make("a", "", WEAK, href="/spec/conformance.md#verdicts")))
    return made


def _cell(result: Report) -> Element:
    cell = make("span", "nn-cell", _outcome(result))
    if result.get("ratio") is not None:
        cell.append(make("span", "nn-ratio", number(result["ratio"])))
    return cell


def subject_name(data: Data, name: str) -> Element:
    """Name and version; an oracle and the reference are called that, since they are no independent evidence."""
    subject = data.subjects[name]["subject"]
    role = subject.get("role", "framework")
    extra = role if role in ("oracle",) else subject.get("version", "")
    made = breakable(name, "span", "nn-subject")
    made.append(make("small", "", f" {extra}"))
    return made


def entries(data: Data, clause: Clause) -> list[list[Element | str]]:
    """A row for each test, reading, attribute and dtype of each subject, where a result has more than one."""
    rows = []
    for name in subjects_in_order(data):
        for instance, operation in zip(clause.instances, clause.operations, strict=True):
            found = data.result(name, clause, instance).get("entries", [])
            for entry in found if len(found) > 1 else []:
                words = entry.get("readings", {}) | entry.get("attributes", {})
                readings = ", ".join(f"{keyword}={word}" for keyword, word in words.items())
                rows.append(
                    [
                        code(name),
                        *([code(operation)] if clause.applies_to else []),
                        entry.get("test", "").rpartition("::")[2] or "–",
                        readings or "–",
                        entry.get("dtype") or "–",
                        chip(entry.get("outcome", "pass")),
                        number(entry.get("ratio")),
                        str(entry.get("cases", "–")),
                    ]
                )
    return rows


def entries_head(clause: Clause) -> list[str]:
    """The columns of ``entries``."""
    return [
        "subject",
        *(["of"] if clause.applies_to else []),
        "test",
        "reading",
        "dtype",
        "outcome",
        "error / allowed",
        "cases",
    ]


def failures(data: Data, clause: Clause) -> list[tuple[str, dict[str, list[str]], tuple[str, str, Report]]]:
    """What does not simply hold, merged by reason.

    Each is the reason, the operations by subject, and one case: subject, instance and result.
    """
    found: dict[str, tuple[dict[str, list[str]], tuple[str, str, Report]]] = {}
    for name in subjects_in_order(data):
        for instance, operation in zip(clause.instances, clause.operations, strict=True):
            result = data.result(name, clause, instance)
            text = result.get("reason") or result.get("message")
            if result["outcome"] in GOOD or not text:
                continue
            who, _ = found.setdefault(text, ({}, (name, instance, result)))
            who.setdefault(name, []).append(operation)
    return [(text, who, case) for text, (who, case) in found.items()]


def who(clause: Clause, subjects: dict[str, list[str]]) -> list[Element | str]:
    """``torch: gelu; keras_torch: gelu, silu``; the names alone where the clause has one operation."""
    parts: list[Element | str] = []
    for name, operations in subjects.items():
        parts += ["; " if parts else "", code(name)]
        if clause.applies_to:
            parts += [": ", ", ".join(operations)]
    return parts


def reason(text: str) -> list[Element | str]:
    """A reason with its addresses as links."""
    return linked(text)


def mutants(data: Data, clause: Clause) -> Element | None:
    """The wrong implementations that this clause was proven to catch, and how far off each is."""
    rows: list[Sequence[Element | str]] = []
    for (name, story), found in caught_by(data, clause).items():
        rows.append(
            [
                code(name),
                *([of_operations(clause, list(found))] if clause.applies_to else []),
                prose("span", story),
                distance(found.values()),
            ]
        )
    if not rows:
        return None
    head = ["wrong implementation", *(["of"] if clause.applies_to else []), "what it does", "its error"]
    return table(head, rows, "nn-mutants", labelled=True)


def of_operations(clause: Clause, operations: list[str]) -> Element:
    """The operations of a family: ``all 13``, ``all but softmax``, names, or how many of many; names as a tooltip."""
    names, others = ", ".join(operations), [name for name in clause.operations if name not in operations]
    if len(operations) > NAMED and not others:
        return make("span", "", f"all {len(operations)}", title=names)
    if len(operations) > NAMED and len(others) <= NAMED:
        return make("span", "", f"all but {', '.join(others)}", title=names)
    if len(operations) > MANY:
        return make("span", "", f"{len(operations)} of {len(clause.operations)}", title=names)
    return make("span", "", *[part for name in operations for part in (", ", code(name))][1:])


def caught_by(data: Data, clause: Clause) -> dict[tuple[str, str], dict[str, Report]]:
    """Name and story of each wrong implementation, with what it was caught as by operation."""
    groups: dict[tuple[str, str], dict[str, Report]] = {}
    for instance, operation in zip(clause.instances, clause.operations, strict=True):
        for mutant in data.mutants.get(instance, {}).get("mutants", []):
            groups.setdefault((mutant["name"], mutant["story"]), {})[operation] = mutant
    return groups


def distance(found: Iterable[Report]) -> Element | str:
    """The least error of some wrong implementations, as a multiple of the allowed one."""
    mutants = list(found)
    if not all(mutant.get("caught") for mutant in mutants):
        return chip("fail", "not caught")
    return f"{number(min(float(mutant['distance']) for mutant in mutants))} × allowed"
