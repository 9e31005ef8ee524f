"""The pages of the specification: what a page's head says, and the one order in which topics are read.

The head is YAML between two lines of ``---`` at the top of a page; every entry may be left out:

    order    the page's place among those of its folder
    needs    the topics it builds on, by name; they come first
    species  reference, where the page promises something of the reference alone and no other implementation is asked
"""

from __future__ import annotations

import graphlib
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from nnspec_conformance.blocks import Loader, TwiceError, read_text
from nnspec_conformance.errors import SpecError

SECTIONS = ("components", "architectures", "training", "applications")
SPECIES = ("reference",)
HEAD = re.compile(r"---\n(.*?)^---\n", re.S | re.M)
SENTENCE = re.compile(r".+?[.!?](?=\s|$)", re.S)


@dataclass(frozen=True)
class Page:
    """A page of the specification.

    Attributes:
        name: its path without suffix, for instance ``components/activations``.
        title: its first heading.
        path: its file.
        summary: the first sentence below the title, Markdown.
        order: its place among the pages of its folder; infinite where the head says nothing.
        needs: names of the topics it builds on.
        species: ``reference``, or empty.
    """

    name: str
    title: str
    path: Path
    summary: str = ""
    order: float = math.inf
    needs: tuple[str, ...] = ()
    species: str = ""

    @property
    def is_topic(self) -> bool:
        """Whether it is a page of a section and not the section's or a folder's own."""
        section, _, name = self.name.partition("/")
        return section in SECTIONS and name.rpartition("/")[2] != "index"


def read_page(path: Path, root: Path) -> Page:
    """One page, without its blocks.

    Raises:
        SpecError: its head is not YAML, or says what no head can say.
    """
    name = path.relative_to(root).with_suffix("").as_posix()
    head, body = split_head(path)
    title = re.search(r"^# (.+)$", body, re.M)
    below = body[title.end() if title else 0 :].lstrip().partition("\n\n")[0]
    summary = SENTENCE.match(below) if not below.startswith(("/", "#", "|", "!", "-", "$")) else None
    return Page(
        name=name,
        title=title.group(1) if title else name,
        path=path,
        summary=" ".join(summary.group().split()) if summary else "",
        order=head.get("order", math.inf),
        needs=tuple(head.get("needs", ())),
        species=head.get("species", ""),
    )


def split_head(path: Path) -> tuple[dict[str, Any], str]:
    """The head of a page as data, and the text below it.

    Raises:
        SpecError: the head is not YAML, has an unknown entry, one of the wrong kind, or one twice.
    """
    text = read_text(path)
    found = HEAD.match(text)
    if not found:
        return {}, text
    try:
        head = yaml.load(found.group(1), Loader=Loader) or {}
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = "the page's head is not YAML; write 'order: 3'"
        if isinstance(error, TwiceError):
            problem = f"the page's head: {error.problem}"
        raise SpecError(path, 2 + (mark.line if mark else 0), problem) from error
    if not isinstance(head, dict):
        raise SpecError(path, 2, "the page's head must be 'name: value' lines; write 'order: 3'")
    for entry, value in head.items():
        if problem := _problem(entry, value):
            line = text[: text.index(str(entry))].count("\n") + 1
            raise SpecError(path, line, problem)
    return head, text[found.end() :]


def _problem(entry: str, value: object) -> str:
    """What is wrong with one entry of a head, if anything."""
    if entry == "order":
        good = isinstance(value, int | float) and not isinstance(value, bool)
        return "" if good else f"order is {value!r}; write a number"
    if entry == "needs":
        good = isinstance(value, list) and all(isinstance(name, str) for name in value)
        return "" if good else f"needs is {value!r}; write a list of pages, [components/neurons]"
    if entry == "species":
        return "" if value in SPECIES else f"species is {value!r}; use {' or '.join(SPECIES)}, or leave it out"
    return f"unknown entry '{entry}' of a page's head; known: order, needs, species"


def in_order(pages: Iterable[Page]) -> list[Page]:
    """The pages in the order in which they are read.

    The root's own pages come first, then the sections. In a folder its index comes first; then what is needed comes
    before what needs it, and where that leaves a choice, ``order`` decides, then the name. A folder below a section
    stays together, in the place of its index. What a page needs from another section orders nothing.

    Raises:
        SpecError: topics of one folder need each other in a circle.
    """
    root, sections = [], {section: [] for section in SECTIONS}
    for page in pages:
        section, slash, _ = page.name.partition("/")
        (sections.setdefault(section, []) if slash else root).append(page)
    root.sort(key=lambda page: (page.name != "index", page.order, page.name))
    return root + [page for section, members in sections.items() for page in _folder(members, f"{section}/")]


def _folder(pages: list[Page], folder: str) -> list[Page]:
    """The pages of one folder, ``components/``, in order."""
    entries: dict[str, list[Page]] = {}  # a page, or a folder with all that is in it
    for page in pages:
        entries.setdefault(_entry(page.name, folder), []).append(page)
    needs = {
        entry: {_entry(need, folder) for page in members for need in page.needs if need.startswith(folder)}
        for entry, members in entries.items()
    }
    sorter = graphlib.TopologicalSorter({entry: (needs[entry] & entries.keys()) - {entry} for entry in entries})
    try:
        sorter.prepare()
    except graphlib.CycleError as error:
        circle = error.args[1][::-1]
        text = " needs ".join(folder + entry for entry in circle)
        raise SpecError(entries[circle[0]][0].path, 1, f"topics need each other in a circle: {text}") from error

    def rank(entry: str) -> tuple[bool, float, str]:
        heads = [page for page in entries[entry] if page.name in (folder + entry, f"{folder}{entry}/index")]
        return entry != "index", min(page.order for page in heads or entries[entry]), entry

    found, ready = [], []
    while sorter.is_active():
        ready = sorted([*ready, *sorter.get_ready()], key=rank)
        sorter.done(entry := ready.pop(0))
        inside = [page for page in entries[entry] if page.name != folder + entry]
        found += [page for page in entries[entry] if page not in inside]
        found += _folder(inside, f"{folder}{entry}/") if inside else []
    return found


def _entry(name: str, folder: str) -> str:
    """The page or the folder in ``folder`` to which a page belongs."""
    return name.removeprefix(folder).partition("/")[0]
