"""What the site's search finds, as two scripts that a page loads when somebody searches (``assets/search.js``).

``search/titles.js`` has every page, section, clause, experiment and term with its first sentence and other names for it
(``aliases.toml``); ``search/text.js`` has the whole text of the same, and is loaded behind the first results. Of the
reference's code and of recorded results the titles alone are found, of wrong implementations nothing.
"""

from __future__ import annotations

import html
import json
import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nnspec_conformance.clauses import Spec
from nnspec_conformance.pages import SENTENCE
from nnspec_site import tex
from nnspec_site.errors import SiteError

ALIASES = Path(__file__).with_name("aliases.toml")
GLOSSARY = "guides/glossary.html"
LENGTH = 110  # letters of a first sentence
LONG = 6_000  # letters of a section; of a longer one the end is not found
TITLES_ALONE = ("api/", "results/", "contributing")
NOWHERE = ("results/mutants", "404")
CHARTS = ("results/benchmarks", "results/machines")
ASIDE = {"exercises", "fine-print", "cost", "sources"}  # what they say is said above them
TAG = re.compile(r"<[^>]*>")
APART = re.compile(r"</(?:p|li|td|th|tr|pre|h\d|div|dt|dd|summary)>|<br ?/?>")
TERM = re.compile(r"(?m)^\*\*(?P<term>.+?)\*\* \{ #(?P<anchor>[\w-]+) \}\n:   (?P<text>.+)$")
FORMULA = re.compile(r"\$([^$\n]+)\$")
CODE = re.compile(r"<pre>.*?</pre>", re.S)
OWN = re.compile(r'<title>(.*?) - nnspec</title>\n<meta name="description" content="(.*?)">')
LINK = re.compile(r"\[(?P<shown>[^\[\]]+)\](?:\((?P<to>[^)\s]+)\)|\[(?P<id>[\w.-]*)\])")
Hits = dict[str, list[dict[str, Any]]]


@dataclass
class Entry:
    """What may be found: where it stands, of what kind it is, its name, its first sentence, other names, its text."""

    address: str
    kind: str
    title: str
    sentence: str
    text: str = ""
    aliases: list[str] = field(default_factory=list)


def write(site: Path, hits: Hits, spec: Spec, glossary: str) -> None:
    """Write both scripts below the site's folder.

    Args:
        site: the built site.
        hits: of each page the sections that were read from its HTML.
        spec: whose clauses and experiments are found by their ids.
        glossary: the Markdown of the page of terms.
    """
    found = [*pages(hits, spec), *own_pages(site), *terms(glossary, spec)]
    found += fine_print({entry.address for entry in found}, spec)
    name(found, tomllib.loads(ALIASES.read_text(encoding="utf-8")))
    folder = site / "search"
    folder.mkdir(parents=True, exist_ok=True)
    for file, rows in (("titles", [_row(entry) for entry in found]), ("text", list(_texts(found)))):
        text = json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
        (folder / f"{file}.js").write_text(
            f'(globalThis.nnspecSearch ??= {{}})["{file}"] = {text};\n', encoding="utf-8"
        )


def pages(hits: Hits, spec: Spec) -> Iterator[Entry]:
    """The pages that MkDocs has rendered, and their sections."""
    for sections in hits.values():
        topic = words(sections[0]["title"]) if sections else ""
        for section in sections:
            address, _, anchor = section["location"].partition("#")
            if _is_left_out(address, anchor):
                continue
            kind, title, text = _kind(address, anchor, spec), words(section["title"]), words(section["text"])
            if kind == "clause":
                text = marks(spec.clauses[anchor].text)
            elif kind == "experiment":
                text = marks(spec.experiments[anchor].text)
            elif kind in ("section", "aside"):
                title = f"{title} · {topic}"
            if kind == "code":
                text = words(CODE.sub("", section["text"].partition("Source code in")[0]))
            alone = address.startswith(TITLES_ALONE)
            said = "" if alone and anchor and kind != "code" else first(text)
            yield Entry(section["location"], kind, title, said, "" if alone else text[:LONG])


def own_pages(site: Path) -> Iterator[Entry]:
    """The pages of results that have a template of their own: the findings, and each subject's."""
    for path in sorted([site / "results" / "findings.html", *(site / "results" / "subjects").glob("*.html")]):
        if path.is_file() and (found := OWN.search(path.read_text(encoding="utf-8"))):
            yield Entry(path.relative_to(site).as_posix(), "guide", html.unescape(found[1]), html.unescape(found[2]))


def fine_print(known: set[str], spec: Spec) -> Iterator[Entry]:
    """The clauses that have no heading on their page."""
    for clause in spec.clauses.values():
        address = f"spec/{clause.page}.html#{clause.id}"
        if address not in known:
            text = marks(clause.text)
            yield Entry(address, "clause", clause.id, first(text), text)


def _is_left_out(address: str, anchor: str) -> bool:
    """Nobody looks for a method of the reference, a chart, or a letter of the glossary, whose terms are found."""
    if address.startswith("api/"):
        return any(part.startswith("_") or part[:1].isupper() for part in anchor.split(".")[:-1]) or "__" in anchor
    return address.startswith(NOWHERE) or (bool(anchor) and address.startswith((*CHARTS, GLOSSARY)))


def _kind(address: str, anchor: str, spec: Spec) -> str:
    if address.startswith("api/"):
        return "code"
    if address.startswith("results/"):
        return "result"
    if anchor in spec.clauses:
        return "clause"
    if anchor in spec.experiments:
        return "experiment"
    if anchor in ASIDE:
        return "aside"
    if anchor:
        return "section"
    return "topic" if address.startswith("spec/") else "guide"


def terms(glossary: str, spec: Spec) -> Iterator[Entry]:
    """The words of the glossary; each leads to the page where its thing is told, or stays in the glossary."""
    for found in TERM.finditer(glossary):
        links = list(LINK.finditer(found["text"]))
        address = target(links[-1], spec) if links else None
        said = marks(LINK.sub(lambda m: m["shown"], found["text"]))
        if links and not found["text"][links[-1].end() :].strip():
            said = marks(LINK.sub(lambda m: m["shown"], found["text"][: links[-1].start()]))
        yield Entry(address or f"{GLOSSARY}#{found['anchor']}", "term", marks(found["term"]), said)


def target(link: re.Match[str], spec: Spec) -> str | None:
    """The address that a link of the glossary leads to, from the site's root."""
    if link["to"]:
        to, _, anchor = link["to"].partition("#")
        if not to.startswith("../spec/") or not to.endswith(".md"):
            return None
        return to[3:].removesuffix(".md") + ".html" + (f"#{anchor}" if anchor else "")
    name = link["id"] or link["shown"].strip("`")
    page = next((entry.page for entry in spec.entries() if entry.id == name), None)
    return page and f"spec/{page}.html#{name}"


def name(entries: list[Entry], aliases: dict[str, dict[str, list[str]]]) -> None:
    """Give entries the other names of ``aliases.toml``.

    Raises:
        SiteError: a name is given to what is not on the site.
    """
    places: dict[str, dict[str, Entry]] = {"pages": {}, "sections": {}, "clauses": {}, "terms": {}}
    for entry in entries:
        if entry.kind == "clause":
            places["clauses"][entry.address.partition("#")[2]] = entry
        elif entry.kind == "term":
            places["terms"][entry.title] = entry
        elif entry.kind == "section":
            places["sections"][entry.address.replace(".html#", "#").removeprefix("spec/")] = entry
        elif entry.kind in ("topic", "guide", "result"):
            places["pages"][entry.address.removesuffix(".html").removeprefix("spec/")] = entry
    for kind, table in aliases.items():
        for key, others in table.items():
            if key not in places[kind]:
                raise SiteError(f"{ALIASES.name}: {kind} has {key!r}, which is not on the site")
            places[kind][key].aliases += others


def words(markup: str) -> str:
    """The text of a piece of HTML, in one line."""
    return " ".join(html.unescape(TAG.sub("", APART.sub(" ", markup))).replace("¶", "").split())


def marks(markdown: str) -> str:
    """A text of the specification without its marks."""
    text = LINK.sub(lambda m: m["shown"], markdown)
    text = FORMULA.sub(lambda m: words(tex.render(m[1], display=False)), text)
    return " ".join(re.sub(r"[*`]", "", text).split())


def first(text: str) -> str:
    """The first sentence, cut at a word where it is long."""
    found = SENTENCE.match(text)
    sentence = found.group() if found else text
    return sentence if len(sentence) <= LENGTH else sentence[:LENGTH].rpartition(" ")[0] + " ..."


def _row(entry: Entry) -> list[Any]:
    row = [entry.address, entry.kind, entry.title, first(entry.sentence or entry.text)]
    return [*row, entry.aliases] if entry.aliases else row


def _texts(entries: Iterable[Entry]) -> Iterator[list[Any]]:
    """The number of an entry and its text, where it has more than its first sentence."""
    for number, entry in enumerate(entries):
        if len(entry.text) > len(first(entry.text)):
            yield [number, entry.text]
