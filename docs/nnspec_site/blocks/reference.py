"""``/// reference | nnspec.components.activations.relu``: an equation beside the code that computes it."""

from __future__ import annotations

import ast
from pathlib import Path

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from nnspec_site.assets import ROOT
from nnspec_site.blocks.base import SiteBlock, options
from nnspec_site.errors import SiteError
from nnspec_site.html import Element, code, make

SOURCES = ROOT / "reference"
Definition = ast.FunctionDef | ast.ClassDef


class ReferenceBlock(SiteBlock):
    """The body (the equation) on the left, the function's source on the right; stacked where the page is narrow."""

    NAME = "reference"
    OPTIONS = options("reference")

    def on_create(self, parent: Element) -> Element:
        source = find(self.argument)
        self.equation = make("div", "nn-equation")
        listing = make("div", "nn-code", self._highlighted(source), self._link())
        made = make("div", "nn-reference", self.equation, listing)
        parent.append(made)
        return made

    def _highlighted(self, source: str) -> Element:
        html = highlight(source, PythonLexer(), HtmlFormatter(cssclass="language-python highlight", wrapcode=True))
        return make("div", "", self.md.htmlStash.store(html))

    def _link(self) -> Element:
        page = "/".join(self.argument.split(".")[1:-1])
        target = make("a", "", href=f"/api/{page}.md#{self.argument}")
        target.append(code(self.argument))
        return make("p", "nn-provenance", "Arguments and errors: ", target)

    def on_add(self, block: Element) -> Element:
        return self.equation

    def on_end(self, block: Element) -> None:
        if not len(self.equation):
            block.remove(self.equation)


def find(name: str) -> str:
    """The source, without docstring, of ``nnspec.a.b.function`` or ``nnspec.a.b.Class.method``.

    Raises:
        SiteError: there is no such module or definition.
    """
    parts = name.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        path = SOURCES.joinpath(*parts[:cut]).with_suffix(".py")
        if path.is_file():
            return _source(path, parts[cut:], name)
    raise SiteError(f"reference | {name}: no module of that name below reference/; check the spelling")


def _source(path: Path, names: list[str], full: str) -> str:
    text = path.read_text(encoding="utf-8")
    body: list[ast.stmt] = ast.parse(text).body
    node: Definition | None = None
    for name in names:
        node = next((n for n in body if isinstance(n, ast.FunctionDef | ast.ClassDef) and n.name == name), None)
        if node is None:
            raise SiteError(f"reference | {full}: {path.relative_to(ROOT)} defines no '{name}'; check the spelling")
        body = node.body
    assert node is not None
    return without_docstring(text.splitlines(), node)


def without_docstring(lines: list[str], node: Definition) -> str:
    """The definition's lines from its first decorator to its end; the docstring is on the API page."""
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    kept = lines[first - 1 : node.end_lineno]
    opening = node.body[0]
    if ast.get_docstring(node) is not None and len(node.body) > 1:
        end = opening.end_lineno or opening.lineno
        del kept[opening.lineno - first : end - first + 1]
    indent = node.col_offset
    return "\n".join(line[indent:] for line in kept).rstrip()
