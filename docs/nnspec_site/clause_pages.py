"""A page for each clause, from a small template of its own: the theme's emptiest page weighs three times as much.

They are written before MkDocs runs, as files that it copies and checks links to. They work from file:// and without
scripts.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

from nnspec_conformance.clauses import Clause
from nnspec_site import proof
from nnspec_site.blocks.clause import choices_of, level, readings_of
from nnspec_site.data import Data
from nnspec_site.html import Element, code, make, plural, prose, table
from nnspec_site.rendering import Renderer, clause_address
from nnspec_site.snippets import snippet

MOST = 60  # rows of single entries that a page shows; the files of results have all
LENGTH = 180  # of a description
TEMPLATE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>{title} - nnspec</title>
<meta name="description" content="{description}">
<meta property="og:title" content="{title}: {page}">
<meta property="og:description" content="{description}">
<meta property="og:type" content="article">
<meta property="og:site_name" content="nnspec">
{math}<link rel="stylesheet" href="{root}assets/clause-page.css">
<script src="{root}assets/clause-page.js"></script>
</head>
<body>
{body}
</body>
</html>
"""


def pages(data: Data) -> Iterator[tuple[str, str]]:
    """Address below the site's root and HTML of every clause's page, in the order of the specification."""
    clauses = list(data.spec.clauses.values())
    for i, clause in enumerate(clauses):
        before = clauses[i - 1] if i else None
        after = clauses[i + 1] if i + 1 < len(clauses) else None
        yield clause_address(clause.page, clause.id)[1:], page(data, clause, before, after)


def stage(data: Data, folder: Path) -> None:
    """Write every page below the folder that MkDocs reads."""
    for address, text in pages(data):
        path = folder / address
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def page(data: Data, clause: Clause, before: Clause | None, after: Clause | None) -> str:
    """The HTML of one clause's page."""
    address = clause_address(clause.page, clause.id)[1:]
    renderer = Renderer(data.spec, address, f"spec/{clause.page}.md")
    root = "../" * address.count("/")
    body = renderer.html(
        make("div", "page", bar(data, clause, root), main(data, clause, renderer), neighbours(before, after))
    )
    return TEMPLATE.format(
        title=clause.id,
        page=html.escape(data.spec.pages[clause.page].title),
        description=html.escape(description(clause), quote=True),
        math=f'<link rel="stylesheet" href="{root}assets/generated/math/math.css">\n' if "<math" in body else "",
        root=root,
        body=body,
    )


def description(clause: Clause) -> str:
    """The statement as plain text, cut at a word."""
    text = re.sub(r"\[([^\]]+)\](\[[^\]]*\]|\([^)]*\))", r"\1", clause.text)
    text = " ".join(re.sub(r"[*`$]", "", text).split())
    return text if len(text) <= LENGTH else text[:LENGTH].rpartition(" ")[0] + " ..."


def bar(data: Data, clause: Clause, root: str) -> Element:
    """Where one is: the site, the topic."""
    topic = make("a", "", data.spec.pages[clause.page].title, href=f"/spec/{clause.page}.md#{clause.id}")
    return make("nav", "bar", make("a", "home", "nnspec", href="/index.html"), " / ", topic, aria_label="Breadcrumb")


def neighbours(before: Clause | None, after: Clause | None) -> Element:
    """The clauses before and after this one."""
    links = [
        make("a", css, f"{words} ", code(clause.id), href=clause_address(clause.page, clause.id), rel=rel)
        for clause, css, rel, words in ((before, "before", "prev", "Previous:"), (after, "after", "next", "Next:"))
        if clause is not None
    ]
    return make("nav", "neighbours", *links, aria_label="Clauses")


def main(data: Data, clause: Clause, renderer: Renderer) -> Element:
    """Statement, reason, proof, what fails and why, what is caught, and how to run it."""
    head = make("div", "head", make("h1", "", clause.id), level(clause), proof.kind(clause))
    made = make("main", "", head, make("div", "statement", renderer.block(clause.text)))
    parts = [
        about(clause),
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


def section(title: str, body: Element | None) -> list[Element]:
    return [] if body is None else [make("h2", "", title), body]


def about(clause: Clause) -> Element | None:
    """What the clause applies to, what it is taken from, and what it proves."""
    parts: list[Element] = []
    if clause.applies_to:
        parts.append(make("li", "", "Applies to ", *[p for n in clause.applies_to for p in (", ", code(n))][1:]))
    if clause.source:
        parts.append(prose("li", f"Source: {clause.source}"))
    if clause.proves:
        statements = make("a", "", "what the source says", href="/spec/index.md")
        parts.append(make("li", "", f"Proves {', '.join(clause.proves)} of ", statements))
    return make("ul", "about", *parts) if parts else None


def readings(data: Data, clause: Clause) -> Element | None:
    """Every reading, or every default, with its meaning and who has it; a default that nobody has is left out."""
    entries = make("dl", "readings")
    for name, meaning in choices_of(data, clause).items():
        has = [subject for subject in proof.subjects_in_order(data) if name in readings_of(data, clause, subject)]
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
    made = make("div", "", proof.measurements(data, clause))
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
