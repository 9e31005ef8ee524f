"""Words of the glossary in the text: where a page first says one, it links there, unless it does so by hand.

No link stands in code, in a formula, in a heading, within another link, or in what the blocks make: clauses, tables of
operations, folds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from markdown import Markdown
from markdown.treeprocessors import Treeprocessor

from nnspec_conformance.clauses import Spec
from nnspec_site import data as site_data
from nnspec_site import finding
from nnspec_site.assets import PAGES
from nnspec_site.html import Element, make

FILE = PAGES / "guides" / "glossary.md"
GLOSSARY = "glossary.md"
ADDRESS = f"/guides/{GLOSSARY}"
WHERE = re.compile(r"(spec|guides)/(?!index\.md|glossary\.md)")
# Everyday words, and words that a page uses in another sense, too.
EVERYDAY = {
    "Checkpoint", "Clause", "Code", "Deep", "Default", "Discriminator", "Experiment", "Family, instance", "Features",
    "Filter", "Gate", "Generator", "Key", "Known failure", "Level", "Locality", "Margin", "Moment", "Parameter",
    "Penalty", "Power", "Reading", "Reference", "Reference statement", "Schedule", "Shortcut", "Subject", "Theorem",
    "Tolerance", "Unit", "Verdict", "Weight",
}  # fmt: skip
ELEMENTS = {"p", "li", "ul", "ol", "div", "em", "strong", "blockquote", "dd"}  # in whose text a word is linked


@dataclass(frozen=True)
class Term:
    """A word of the glossary.

    Attributes:
        name: as the glossary writes it.
        anchor: where it stands there.
        page: the page that explains it, which has no link to it; empty where none does.
    """

    name: str
    anchor: str
    page: str

    @property
    def pattern(self) -> str:
        """In lower case or as the glossary has it, one or several; a name with capitals inside is written so alone."""
        return "|".join(f"{_begins(one)}(?:e?s)?" for one in self.name.split(", "))


def _begins(name: str) -> str:
    first, rest = name[0], re.escape(name[1:]).replace(r"\ ", r"\s+")
    return f"[{first.upper()}{first.lower()}]{rest}" if not re.search("[A-Z]", name[1:]) else re.escape(name)


def of(glossary: str, spec: Spec) -> list[Term]:
    """The words that are linked."""
    found = []
    for one in finding.TERM.finditer(glossary):
        links = list(finding.LINK.finditer(one["text"]))
        target = (finding.target(links[-1], spec) if links else None) or ""
        if one["term"] not in EVERYDAY:
            found.append(Term(one["term"], one["anchor"], target.partition("#")[0].replace(".html", ".md")))
    return found


def link(root: Element, terms: list[Term]) -> None:
    """Make the first place where the text below ``root`` says each word a link to it; longer words come first."""
    by_hand = {one.get("href", "").partition(f"{GLOSSARY}#")[2] for one in root.iter("a")}
    left = {term.anchor: term for term in terms if term.anchor not in by_hand}
    for element in list(_prose(root)):
        _in_text(element, left)
        for child in list(element):
            _in_tail(element, child, left)


def _prose(element: Element) -> Iterator[Element]:
    yield element
    for child in element:
        if child.tag in ELEMENTS and not child.get("class", "").startswith("nn-"):
            yield from _prose(child)


def _in_text(element: Element, left: dict[str, Term]) -> None:
    parts = _parts(element.text or "", left)
    if len(parts) > 1:
        element.text = parts[0]
        for at, (anchor, rest) in enumerate(zip(parts[1::2], parts[2::2], strict=True)):
            anchor.tail = rest
            element.insert(at, anchor)


def _in_tail(element: Element, child: Element, left: dict[str, Term]) -> None:
    parts = _parts(child.tail or "", left)
    if len(parts) > 1:
        child.tail = parts[0]
        start = list(element).index(child) + 1
        for at, (anchor, rest) in enumerate(zip(parts[1::2], parts[2::2], strict=True)):
            anchor.tail = rest
            element.insert(start + at, anchor)


def _parts(text: str, left: dict[str, Term]) -> list:
    """Text, link, text, link, ..., text; a word that was linked is left no more."""
    parts: list = []
    end = 0
    while left and text and (found := _any(tuple(left.values())).search(text, end)):
        term = left.pop(next(name for name in left if re.fullmatch(left[name].pattern, found.group())))
        parts += [text[end : found.start()]]
        parts += [make("a", "nn-term", found.group(), href=f"{ADDRESS}#{term.anchor}")]
        end = found.end()
    return [*parts, text[end:]]


@lru_cache(maxsize=512)
def _any(terms: tuple[Term, ...]) -> re.Pattern[str]:
    longest = sorted(terms, key=lambda term: -len(term.name))
    return re.compile(rf"(?<![\w-])(?:{'|'.join(term.pattern for term in longest)})(?![\w-])")


class Terms(Treeprocessor):
    """Links the words of a page of the specification or of a guide."""

    def run(self, root: Element) -> None:
        own = _page(self.md)
        if WHERE.match(own) and FILE.is_file():
            terms = of(FILE.read_text(encoding="utf-8"), site_data.current().spec)
            link(root, [term for term in terms if term.page != own])


def _page(md: Markdown) -> str:
    """The path of the page that is rendered, below the folder of all pages; empty outside MkDocs."""
    name = "relpath"  # of MkDocs's own processor of links
    if name not in md.treeprocessors:
        return ""
    return getattr(getattr(md.treeprocessors[name], "file", None), "src_uri", "")


def register(md: Markdown) -> None:
    """After the inline marks are read and the fine print is folded, before MkDocs looks at the links."""
    md.treeprocessors.register(Terms(md), "nnspec-terms", 12)
