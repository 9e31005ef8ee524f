"""A notebook of each topic, from its page: text, clauses, the reference's code in cells that run, exercises.

It needs what ``pip install 'nnspec[reference]'`` brings, and nothing of the site.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator

from nnspec_conformance.blocks import Block, parse_blocks
from nnspec_conformance.pages import split_head
from nnspec_site import listing
from nnspec_site.blocks.experiment import state
from nnspec_site.data import Data

BLOCK = re.compile(r"^/// .*?^///$", re.MULTILINE | re.DOTALL)
CROSS = re.compile(r"\[([^\[\]]+)\]\[([\w.-]*)\]")
LINK = re.compile(r"(?<!!)\[([^\[\]]+)\]\((?!https?:)[^()\s]+\)")
ALIGNED = re.compile(r"\{[:#.][^{}\n]*\}")  # attributes of Markdown's extensions
INSTALL = "%pip install -q 'nnspec[reference]'  # once; take this cell out where it is installed"
Cell = dict


def pages(data: Data) -> Iterator[tuple[str, str]]:
    """Address below the site's root and text of each topic's notebook."""
    for name, page in data.spec.pages.items():
        if "/" in name and not name.endswith("/index"):
            blocks = parse_blocks(page.path)
            yield address(name), json.dumps(notebook(data, split_head(page.path)[1], blocks), indent=1)


def address(page: str) -> str:
    """Where the notebook of a topic lies, below the site's root."""
    return f"notebooks/{page}.ipynb"


def notebook(data: Data, body: str, blocks: list[Block]) -> dict:
    """The notebook of a page: its text below the head, and its blocks."""
    cells: list[Cell] = []
    at, remaining = 0, list(blocks)
    for found in BLOCK.finditer(body):
        cells += written(body[at : found.start()])
        at = found.end()
        if remaining:
            cells += of_block(data, remaining.pop(0))
    cells += written(body[at:])
    cells.insert(1, code(INSTALL))
    for i, cell in enumerate(cells):
        cell["id"] = f"cell-{i}"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def written(text: str) -> list[Cell]:
    """Cells of plain text, one for each heading."""
    parts = re.split(r"(?m)^(?=#{1,3} )", text)
    return [markdown(plain(part)) for part in parts if part.strip()]


def plain(text: str) -> str:
    """Text without what only the site can follow: links within it, and attributes."""
    text = CROSS.sub(lambda m: m[1] if m[2] else f"`{m[1]}`", text)
    return ALIGNED.sub("", LINK.sub(r"\1", text)).strip("\n")


def of_block(data: Data, block: Block) -> list[Cell]:
    """What a block is in a notebook; results and what frameworks write stay on the site."""
    spec, text, name = data.spec, plain(block.text), block.argument
    if block.name == "clause" and name in spec.clauses:
        clause = spec.clauses[name]
        readings = "".join(
            f"\n> - `{one}`{' (the definition)' if one == clause.definition else ''}: {plain(meaning)}"
            for one, meaning in clause.variants.items()
        )
        quoted = text.replace("\n", "\n> ")
        return [markdown(f"> **{name}** ({clause.level})\n>\n> {quoted}{chr(10) + '>' if readings else ''}{readings}")]
    if block.name == "operation":
        return [markdown(f"**Operation `{name}`.** {text}")]
    if block.name == "reference":
        return [*([markdown(text)] if text else []), code(runnable(name))]
    if block.name == "exercise":
        question, _, answer = text.partition("\n---\n")
        return [
            markdown(f"**Exercise.** {question.strip()}"),
            code("# your answer\n"),
            markdown(f"<details><summary>Answer</summary>\n\n{answer.strip()}\n\n</details>"),
        ]
    if block.name == "experiment" and name in spec.experiments:
        return [markdown(f"**Claim, measured ({state(data, spec.experiments[name])}).** {text}")]
    if block.name == "statement":
        return [markdown(f"> **{name}**, of the reference\n>\n> " + text.replace("\n", "\n> "))]
    if block.name == "figure" and text:
        return [markdown(f"*Figure on the site:* {text}")]
    return []


def runnable(dotted: str) -> str:
    """The source of a function of the reference, with what it rests on imported, so that the cell runs by itself."""
    shown = listing.find(dotted)
    path, _ = listing.place(dotted)
    module = ".".join(path.relative_to(listing.SOURCES).with_suffix("").parts)
    tree = ast.parse(path.read_text(encoding="utf-8"))
    defined = {node.name for node in ast.parse(shown).body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    used = {node.id for node in ast.walk(ast.parse(shown)) if isinstance(node, ast.Name)} - defined
    lines, bound = [], set()
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom) and getattr(node, "module", "") != "__future__":
            kept = [a for a in node.names if (a.asname or a.name.split(".")[0]) in used]
            if kept:
                node.names = kept
                lines.append(ast.unparse(node))
                bound |= {a.asname or a.name.split(".")[0] for a in kept}
    own = sorted(_bound(tree) & used - bound)
    if own:
        lines.append(f"from {module} import {', '.join(own)}")
    return "\n".join(["from __future__ import annotations", "", *lines, "", "", shown]).replace("\n\n\n\n", "\n\n\n")


def _bound(tree: ast.Module) -> set[str]:
    """The names that a module binds itself."""
    found: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found |= {n.id for target in node.targets for n in ast.walk(target) if isinstance(n, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
    return found


def markdown(text: str) -> Cell:
    """A cell of text."""
    return {"cell_type": "markdown", "metadata": {}, "source": text.splitlines(keepends=True)}


def code(text: str) -> Cell:
    """A cell of code that was not run."""
    lines = text.splitlines(keepends=True)
    return {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": lines}
