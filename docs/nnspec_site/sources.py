"""Checks the Markdown before the build, with file and line: pymdownx prints a bad block as plain text, silently."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from pathlib import Path

from nnspec_conformance.blocks import Block, parse_blocks
from nnspec_conformance.clauses import Spec, load_spec
from nnspec_conformance.errors import SpecError
from nnspec_site import cores, figures, fine_print, tex
from nnspec_site.assets import PAGES
from nnspec_site.blocks import exercise, topics
from nnspec_site.blocks.matrix import VIEWS
from nnspec_site.errors import SiteError
from nnspec_site.listing import find

FORMULA = re.compile(rf"\$\$(?P<display>.+?)\$\$|{tex.INLINE}", re.S)
CODE = re.compile(r"^(?P<fence>`{3,}|~{3,}).*?^(?P=fence)|(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`)", re.S | re.M)


def check(pages: Path = PAGES, spec_root: Path | None = None) -> None:
    """Every block and formula of the specification and of the site's own pages.

    Raises:
        SpecError: a block is malformed.
        SiteError: a block names something that does not exist, or a formula is not TeX.
    """
    spec = load_spec(spec_root)
    own = [path for path in sorted(pages.rglob("*.md")) if not path.is_relative_to(pages / "spec")]
    blocks = spec.blocks + [block for path in own for block in parse_blocks(path)]
    known = _known(spec)
    for block in blocks:
        _check_block(block, known.get(block.name))
    _check_fine_print(spec)
    cores.spread(_check_formulas, [*own, *(page.path for page in spec.pages.values())])


def _check_formulas(path: Path) -> None:
    """Every formula of a page, which is rendered by that and kept."""
    for line, formula, display in formulas(path.read_text(encoding="utf-8")):
        try:
            tex.render(formula.strip(), display)
        except SiteError as error:
            raise SiteError(f"{path}:{line}: {error}") from error


def _known(spec: Spec) -> dict[str, Container[str]]:
    """What the argument of a block may be, by the block's name; of any other block its own check says it."""
    return {
        "clause": spec.clauses,
        "experiment": spec.experiments,
        "operation": spec.operations,
        "statement": spec.statements,
        "figure": figures.makers(),
        "matrix": {*VIEWS, *spec.pages},
        "topics": topics.known(spec),
        "write": {*spec.operations, *spec.clauses},
    }


def _check_block(block: Block, known: Container[str] | None) -> None:
    if not block.argument:
        raise block.fail(f"block '{block.name}' lacks its argument; write '/// {block.name} | name'")
    if known is not None and block.argument not in known:
        raise block.fail(f"no {block.name} '{block.argument}'; check the spelling, or add it")
    if block.name == "figure" and not str(block.options.get("alt") or "").strip():
        raise block.fail(f"figure {block.argument} lacks the option 'alt'; say in one sentence what it shows")
    if block.name == "exercise" and (problem := exercise.check(block)):
        raise problem
    if block.name == "reference":
        try:
            find(block.argument)
        except SiteError as error:
            raise block.fail(str(error)) from error


def _check_fine_print(spec: Spec) -> None:
    """What is marked as fine print stands below that heading, and nothing else does."""
    for page in spec.pages.values():
        below, title = {}, ""
        for number, line in enumerate(page.path.read_text(encoding="utf-8").splitlines(), 1):
            title = line[3:].strip() if line.startswith("## ") else title
            below[number] = title == fine_print.TITLE
        for clause in spec.clauses.values():
            if clause.page == page.name and below[clause.line] != clause.fine:
                words = (
                    f"stands below no heading '## {fine_print.TITLE}'; move it there"
                    if clause.fine
                    else f"stands below '## {fine_print.TITLE}'; give it 'fine: true', or move it"
                )
                raise SpecError(page.path, clause.line, f"clause {clause.id} {words}")


def formulas(text: str) -> Iterator[tuple[int, str, bool]]:
    """Line, TeX and whether it is displayed, of every formula outside code."""
    blank = CODE.sub(lambda found: re.sub(r"[^\n]", " ", found.group()), text)
    for found in FORMULA.finditer(blank):
        line = blank.count("\n", 0, found.start()) + 1
        display = found.group("display")
        yield line, display if display is not None else found.group(2), display is not None
