"""The proof line of a clause: one line that says what holds and for whom, unfolding into every measurement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from nnspec_conformance.clauses import Clause
from nnspec_site.data import Data, Report
from nnspec_site.html import Element, code, folded, linked, make, number, plural, prose, table
from nnspec_site.outcomes import OUTCOMES, chip, tally, worst

HELD = {"pass", "variant"}


def proof(data: Data, clause: Clause) -> Element:
    """The folded proof of ``clause``."""
    if not data.subjects:
        return make("p", "nn-unproven", "Not measured yet.")
    return folded(
        summary(data, clause),
        measurements(data, clause),
        notes(data, clause),
        mutants(data, clause),
        tests(data, clause),
        css="nn-proof",
    )


# ------------------------------------------------------------------ the line
def summary(data: Data, clause: Clause) -> list[Element | str]:
    """The folded line: the reference's word, the worst error, the wrong implementations caught, everybody's outcome."""
    facts = [_held(data, clause), _worst(data, clause), _caught(data, clause)]
    line = make("span", "nn-facts", _mark(data, clause), ", ".join(fact for fact in facts if fact))
    return [line, *groups(data, clause)]


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
        return f"{total} instances hold on the reference"
    return f"{held} of {total} instances hold on the reference"


def _worst(data: Data, clause: Clause) -> str:
    reference = _reference(data)
    results = [data.result(reference, clause, instance) for instance in clause.instances] if reference else []
    ratios = [float(result["ratio"]) for result in results if result.get("ratio") is not None]
    if not ratios:
        return ""
    return f"worst error {number(max(ratios))} of allowed" if max(ratios) else "no error"


def _caught(data: Data, clause: Clause) -> str:
    caught = {
        mutant["name"]
        for instance in clause.instances
        for mutant in data.mutants.get(instance, {}).get("mutants", [])
        if mutant.get("caught")
    }
    return f"catches {plural(len(caught), 'wrong implementation')}" if caught else ""


def groups(data: Data, clause: Clause) -> list[Element]:
    """One chip an outcome, naming the frameworks whose worst outcome it is."""
    groups: dict[str, list[str]] = {}
    for name in data.subjects:
        if data.role(name) in ("reference", "oracle"):
            continue
        outcomes = data.outcomes(name, clause)
        outcome = worst(outcomes)
        share = sum(found == outcome for found in outcomes)
        part = f" ({share} of {len(outcomes)})" if share < len(outcomes) else ""
        groups.setdefault(outcome, []).append(name + part)
    return [chip(outcome, f"{outcome}: {', '.join(groups[outcome])}") for outcome, _ in tally(groups)]


# ------------------------------------------------------------------ unfolded
def measurements(data: Data, clause: Clause) -> Element:
    """Instances down, subjects across; for a single clause the subjects go down."""
    if len(clause.instances) == 1:
        return _by_subject(data, clause)
    head: list[Element | str] = ["instance", *(subject_name(data, name) for name in data.subjects)]
    rows = []
    for instance, operation in zip(clause.instances, clause.operations, strict=True):
        results = [data.result(name, clause, instance) for name in data.subjects]
        rows.append([code(operation), *(_cell(result) for result in results)])
    return table(head, rows, "nn-measured")


def _by_subject(data: Data, clause: Clause) -> Element:
    instance = clause.instances[0]
    rows = []
    for name in data.subjects:
        result = data.result(name, clause, instance)
        readings = ", ".join(map(str, result.get("readings", {}).get(clause.id, [])))
        rows.append(
            [
                subject_name(data, name),
                chip(result["outcome"]),
                number(result.get("ratio")),
                code(readings) if readings else "–",
                str(result.get("cases", "–")),
                ", ".join(result.get("dtypes", [])) or "–",
            ]
        )
    head = ["subject", "outcome", "error / allowed", "reading", "cases", "dtypes"]
    return table(head, rows, "nn-measured")


def _cell(result: Report) -> Element:
    cell = make("span", "nn-cell", chip(result["outcome"]))
    if result.get("ratio") is not None:
        cell.append(make("span", "nn-ratio", number(result["ratio"])))
    return cell


def subject_name(data: Data, name: str) -> Element:
    """Name and version; an oracle and the reference are called that, since they are no independent evidence."""
    subject = data.subjects[name]["subject"]
    role = subject.get("role", "framework")
    extra = role if role in ("oracle",) else subject.get("version", "")
    return make("span", "nn-subject", name, make("small", "", f" {extra}"))


def notes(data: Data, clause: Clause) -> Element | None:
    """Why a subject does not simply pass: the adapter's reason for a known failure, else what the test saw."""
    items = []
    for name in data.subjects:
        for instance in clause.instances:
            result = data.result(name, clause, instance)
            text = result.get("reason") or result.get("message") or ""
            uncovered = ", ".join(f"not {what}" for what in result.get("not_run", []))
            if (result["outcome"] not in ("pass", "not run") and text) or uncovered:
                told = ". ".join(part for part in (text, uncovered) if part)
                items.append(make("li", "", f"{name}, ", code(instance), ": ", *linked(told)))
    return make("div", "", _title("Notes"), make("ul", "nn-notes", *items)) if items else None


def mutants(data: Data, clause: Clause) -> Element | None:
    """The wrong implementations that this clause was proven to catch, and how far off each is."""
    rows: list[Sequence[Element | str]] = []
    for (name, story), found in caught_by(data, clause).items():
        where = [part for operation in found for part in (code(operation), " ")]
        rows.append(
            [
                code(name),
                *([make("span", "", *where)] if clause.applies_to else []),
                prose("span", story),
                distance(found.values()),
            ]
        )
    if not rows:
        return None
    head = ["wrong implementation", *(["of"] if clause.applies_to else []), "what it does", "its error"]
    return make("div", "", _title("What this clause catches"), table(head, rows, "nn-mutants"))


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


def tests(data: Data, clause: Clause) -> Element | None:
    names = data.tests.get(clause.id, [])
    if not names:
        return None
    return make(
        "p", "nn-tests", "Test: " if len(names) == 1 else "Tests: ", *_separated([code(name) for name in names])
    )


def _separated(items: Sequence[Element]) -> list[Element | str]:
    return [part for item in items for part in (", ", item)][1:]


def _title(text: str) -> Element:
    return make("p", "nn-proof-title", text)
