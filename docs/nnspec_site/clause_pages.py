"""A page for each clause: all that was measured, what fails and why, what is caught, and how to run it."""

from __future__ import annotations

from collections.abc import Iterable

from nnspec_conformance.clauses import Clause
from nnspec_conformance.duties import exempt
from nnspec_site import cores, duties, letters, proof
from nnspec_site.blocks.clause import choices_of, level
from nnspec_site.data import Data
from nnspec_site.html import Element, code, make, plural, prose, table
from nnspec_site.own_page import document, neighbours, proven, section
from nnspec_site.rendering import Renderer, clause_address
from nnspec_site.snippets import snippet

MOST = 60  # rows of single entries that a page shows; the files of results have all


def pages(data: Data) -> Iterable[tuple[str, str]]:
    """Address below the site's root and HTML of every clause's page, in the order of the specification."""
    beside = [None, *data.spec.clauses.values(), None]
    places = range(1, len(beside) - 1)

    def made(at: int) -> str:
        clause = beside[at]
        assert clause is not None
        return page(data, clause, beside[at - 1], beside[at + 1])

    addresses = [clause_address(clause.page, clause.id)[1:] for clause in data.spec.clauses.values()]
    return zip(addresses, cores.spread(made, places), strict=True)


def page(data: Data, clause: Clause, before: Clause | None, after: Clause | None) -> str:
    """The HTML of one clause's page."""
    renderer = Renderer(data.spec, clause_address(clause.page, clause.id)[1:], f"spec/{clause.page}.md")
    beside = [other and (other.id, clause_address(other.page, other.id)) for other in (before, after)]
    parts = [main(data, clause, renderer), neighbours("Clauses", *beside)]
    return document(data, clause.id, clause.page, clause.text, parts, renderer)


def main(data: Data, clause: Clause, renderer: Renderer) -> Element:
    """Statement, reason, proof, what fails and why, what is caught, and how to run it."""
    head = make("div", "head", make("h1", "", clause.id), level(clause), proof.kind(clause))
    made = make("main", "", head, make("div", "statement", renderer.block(clause.text)))
    said = letters.explained(data.spec, clause)
    parts = [
        prose("p", said, "small") if said else None,
        about(data, clause),
        prose("p", clause.why, "why") if clause.why else None,
        readings(data, clause),
        *section("Run it", run(clause)),
        *section("Measured", measured(data, clause)),
        *section("Where it does not hold", failing(data, clause)),
        *section("Wrong implementations that it catches", proof.mutants(data, clause)),
        *section("Tests", tests(data, clause)),
    ]
    made.extend(part for part in parts if part is not None)
    return made


def about(data: Data, clause: Clause) -> Element | None:
    """What the clause applies to, what it is taken from, and what it proves."""
    parts: list[Element] = []
    if clause.forms:
        forms = ", ".join(clause.forms)
        having = f" that have {clause.about}" if clause.about else ""
        owing = f"Owed by all {len(clause.applies_to)} declared operations of the forms {forms}{having}"
        parts.append(make("li", "", owing))
        parts += [make("li", "", "Not owed by ", code(n), f": {why}") for n, why in exempt(data.spec, clause).items()]
    elif clause.applies_to:
        parts.append(make("li", "", "Applies to ", *[p for n in clause.applies_to for p in (", ", code(n))][1:]))
    if clause.source:
        parts.append(prose("li", f"Source: {clause.source}"))
    parts += proven(data, clause.proves)
    return make("ul", "about", *parts) if parts else None


def readings(data: Data, clause: Clause) -> Element | None:
    """Every reading, or every default, with its meaning and who has it; a default that nobody has is left out."""
    entries = make("dl", "readings")
    for name, meaning in choices_of(data, clause).items():
        has = [subject for subject in proof.subjects_in_order(data) if name in proof.readings_of(data, clause, subject)]
        ours = name == str(clause.default if clause.kind == "default" else clause.definition)
        if clause.kind == "default" and not has and not ours:
            continue
        line = prose("dd", meaning)
        line.append(make("span", "has", f"{', '.join(has)}" if has else "nobody measured"))
        entries.append(make("dt", "", code(name), make("span", "definition", " definition") if ours else None))
        entries.append(line)
    return entries if len(entries) else None


def run(clause: Clause) -> Element:
    """The command that puts this clause to an implementation."""
    return make("pre", "", code(f"nnspec check torch {clause.id}"))


def measured(data: Data, clause: Clause) -> Element | None:
    """Everybody's outcome, then every test, reading and dtype folded."""
    if not data.subjects:
        return make("p", "", "Not measured yet.")
    made = make("div", "", duties.by_topic(data, clause) if clause.forms else proof.measurements(data, clause))
    rows = proof.entries(data, clause)
    if 0 < len(rows) <= MOST:
        summary = make("summary", "", f"Each test, reading and dtype: {plural(len(rows), 'row')}")
        made.append(make("details", "", summary, table(proof.entries_head(clause), rows)))
    links = [
        part
        for name in proof.subjects_in_order(data)
        for part in (", ", make("a", "", name, href=f"/data/results/{name}.json"))
    ]
    made.append(make("p", "small", "All that was recorded: ", *links[1:], "."))
    return made


def failing(data: Data, clause: Clause) -> Element | None:
    """The reasons, each once, with a case: input, answer, what is right, and lines to paste."""
    made = make("div")
    for text, who, (name, instance, result) in proof.failures(data, clause):
        made.append(make("p", "reason", *proof.who(clause, who), ". ", *proof.reason(text)))
        worst = result.get("worst", {})
        if worst.get("got") is not None:
            made.append(make("p", "small", code(name), ": ", *_case(worst)))
        lines = snippet(name, worst)
        made.append(make("pre", "", code(lines or f"nnspec check {name} '{instance}'")))
    return made if len(made) else None


def _case(worst: dict) -> list[Element | str]:
    """``gelu(float16[63488]), at -inf at index (0,): nan, right is 0``."""
    at = [", at ", code(str(worst["input"]))] if worst.get("input") else []
    call = code(str(worst["call"])) if worst.get("call") else "the call"
    return [call, *at, ": ", code(str(worst["got"])), ", right is ", code(str(worst["expected"])), "."]


def tests(data: Data, clause: Clause) -> Element | None:
    names = data.tests.get(clause.id, [])
    return make("ul", "", *(make("li", "", code(name)) for name in names)) if names else None
