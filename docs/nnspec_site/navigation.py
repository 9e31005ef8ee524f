"""What is on the site, from the folders: the navigation, the pages that nobody writes, and the folder MkDocs reads.

Guides and results are listed in ``mkdocs.yml``. The specification's pages and the reference's modules are not: a new
topic is on the site as soon as its files are there.
"""

from __future__ import annotations

import ast
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nnspec_conformance.clauses import Spec
from nnspec_conformance.pages import SECTIONS, SENTENCE, Page, split_head
from nnspec_site.assets import PAGES, ROOT
from nnspec_site.listing import SOURCES

STAGE = ROOT / "build" / "pages"
GENERATED = "---\ngenerated: by the build of the site, from the folders; changes to this file are lost\n"
HEAD = f"{GENERATED}---\n\n"
BEHIND = "search:\n  boost: 0.2\n"  # the page that explains a thing comes before a list of pages and before its code
AHEAD = "search:\n  boost: 4\n"
DEFINING = (
    "conformance",
    "architectures/transformer/attention",
)  # of words that many pages use: ulp; query, key, value
INTRODUCTIONS = {  # what a section is about, above its list of topics
    "components": (
        "The parts that every network is made of: neurons, the non-linearity, layers, the loss at the end, and the "
        "backward pass to the gradients. Each page builds on those above it. A first reading goes by the "
        "[learning path](/guides/learning-path.md), which says what to leave out."
    ),
    "architectures": (
        "How layers are joined for one kind of data: convolutions for images and whatever else lies on a grid, "
        "recurrent networks for sequences."
    ),
}
ALONE = """
!!! note "About the reference alone"
    This page says what the reference implementation promises; no other implementation is asked. Each statement is
    proven by a test of the reference, which is seen to fail on wrong implementations of it.
"""
Entry = dict[str, Any]


@dataclass(frozen=True)
class Module:
    """A module of the reference: ``components/layers``, its first sentence, and the spec page it belongs to."""

    name: str
    summary: str
    page: Page | None

    @property
    def dotted(self) -> str:
        return "nnspec." + self.name.replace("/", ".")


def modules(spec: Spec, sources: Path = SOURCES) -> list[Module]:
    """The reference's modules in the order of their pages; a long topic may be several modules."""
    package = sources / "nnspec"
    found = []
    for path in sorted(path for section in SECTIONS for path in (package / section).rglob("*.py")):
        if path.stem.startswith("_"):
            continue
        name = path.relative_to(package).with_suffix("").as_posix()
        text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        sentence = SENTENCE.match(text)
        owners = [page for page in spec.pages if name == page or name.startswith(f"{page}_")]
        page = spec.pages[max(owners, key=len)] if owners else None
        found.append(Module(name, " ".join(sentence.group().split()) if sentence else "", page))
    place = {name: at for at, name in enumerate(spec.pages)}
    return sorted(found, key=lambda module: (place[module.page.name] if module.page else len(place), module.name))


# ------------------------------------------------------------------ pages that nobody writes
def generated(spec: Spec, sources: Path = SOURCES) -> Iterator[tuple[str, str]]:
    """Path and text of each, its head included: a section without a page of its own, a module of the reference."""
    for folder in dict.fromkeys(parent for name in spec.pages for parent in folders(name)):
        if f"{folder}/index" not in spec.pages:
            parts = [f"# {title(spec, folder)}", INTRODUCTIONS.get(folder), f"/// topics | {folder}\n///"]
            yield f"spec/{folder}/index.md", f"{GENERATED}{BEHIND}---\n\n" + "\n\n".join(filter(None, parts)) + "\n"
    for module in modules(spec, sources):
        owner = module.page
        lines = [f"# {module.dotted}", f"::: {module.dotted}"]
        if owner:
            lines.insert(1, f"What it has to do is said in [{owner.title}](/spec/{owner.name}.md).")
        said = f"description: {json.dumps(plain(module.summary))}\n" if module.summary else ""
        head = f"{GENERATED}{BEHIND}{said}---\n\n"
        yield f"api/{module.name}.md", head + "\n\n".join(lines) + "\n"


def plain(sentence: str) -> str:
    """A sentence without the marks of code, for search engines and shared links."""
    return sentence.replace("`", "")


def folders(name: str) -> list[str]:
    """The folders a page lies in, outermost first."""
    parts = name.split("/")[:-1]
    return ["/".join(parts[: count + 1]) for count in range(len(parts))]


def title(spec: Spec, folder: str) -> str:
    """The title of a folder's own page, or its name."""
    if index := spec.pages.get(f"{folder}/index"):
        return index.title
    return folder.rpartition("/")[2].replace("_", " ").capitalize()


def stage(spec: Spec, folder: Path = STAGE, pages: Path = PAGES, sources: Path = SOURCES) -> None:
    """Lay out what MkDocs reads: the written pages as links, the others beside them."""
    shutil.rmtree(folder, ignore_errors=True)
    for root, _, names in os.walk(pages, followlinks=True):  # pages/spec is a link to the specification
        to = folder / Path(root).relative_to(pages)
        to.mkdir(parents=True, exist_ok=True)
        for name in names:
            (to / name).symlink_to(Path(root).resolve() / name)
    written = dict(generated(spec, sources))
    for page in spec.pages.values():
        if page.species == "reference":
            heading, (_, text) = f"# {page.title}\n", split_head(page.path)
            written[f"spec/{page.name}.md"] = HEAD + text.lstrip().replace(heading, heading + ALONE, 1)
    for name in DEFINING:
        if (page := pages / "spec" / f"{name}.md").is_file():
            written[f"spec/{name}.md"] = f"---\n{AHEAD}---\n\n{split_head(page)[1].lstrip()}"
    for name, text in written.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_text(text, encoding="utf-8")


# ------------------------------------------------------------------ navigation
def navigation(written: list[Entry], spec: Spec, pages: Path = PAGES, sources: Path = SOURCES) -> list[Entry]:
    """The navigation of ``mkdocs.yml``; the specification follows its first entry, the reference precedes its last."""
    return [*written[:1], *specification(spec), *written[1:-1], reference(spec, pages, sources), *written[-1:]]


def specification(spec: Spec) -> list[Entry]:
    """The specification's own pages, then an entry a section."""
    root = [page for page in spec.pages.values() if "/" not in page.name]
    own: list[Entry] = [{root[0].title: [_entry(page) for page in root]}] if root else []
    sections = dict.fromkeys(name.partition("/")[0] for name in spec.pages if "/" in name)
    return [*own, *(_folder(spec, section) for section in sections)]


def _folder(spec: Spec, folder: str) -> Entry:
    """A folder with its index first, and the folders below it as entries of their own."""
    inside = [name.removeprefix(f"{folder}/") for name in spec.pages if name.startswith(f"{folder}/")]
    entries: list[str | Entry] = [f"spec/{folder}/index.md"]
    for name in dict.fromkeys(name.partition("/")[0] for name in inside if name != "index"):
        page = spec.pages.get(f"{folder}/{name}")
        entries.append(_entry(page) if page else _folder(spec, f"{folder}/{name}"))
    return {title(spec, folder): entries}


def _entry(page: Page) -> Entry:
    return {page.title: f"spec/{page.name}.md"}


def reference(spec: Spec, pages: Path = PAGES, sources: Path = SOURCES) -> Entry:
    """The API reference: its written pages, the index first, with a page for each module between."""
    found: list[str | Entry] = [{m.dotted.removeprefix("nnspec."): f"api/{m.name}.md"} for m in modules(spec, sources)]
    others = [f"api/{path.name}" for path in sorted((pages / "api").glob("*.md")) if path.stem != "index"]
    return {"API reference": ["api/index.md", *found, *others]}
