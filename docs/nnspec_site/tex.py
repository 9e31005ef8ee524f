"""Formulas become KaTeX's HTML while the site is built: ``$...$`` in a line, ``$$...$$`` on its own.

No script for maths reaches the page. A formula that KaTeX refuses stops the build.
"""

from __future__ import annotations

import functools
import json
import re
import threading
import xml.etree.ElementTree as etree
from collections.abc import Callable

from markdown import Markdown
from markdown.blockprocessors import BlockProcessor
from markdown.inlinepatterns import InlineProcessor
from markdown.util import AtomicString

from nnspec_site import assets
from nnspec_site.errors import SiteError

RENDER = """
function render(request) {
  const [tex, displayMode] = JSON.parse(request);
  try {
    return JSON.stringify({html: katex.renderToString(tex, {displayMode, throwOnError: true, strict: "ignore"})});
  } catch (error) {
    return JSON.stringify({error: String(error.message)});
  }
}
"""
INLINE = r"(?<![\\$])\$(?![\s$])((?:\\.|[^\\$])+?)(?<!\s)\$(?![\d$])"
DISPLAY = re.compile(r" {0,3}\$\$(.+)\$\$\s*", re.S)
PLAIN = re.compile(r"[A-Za-z]|-?\d+(\.\d+)?")
MINUS = "\N{MINUS SIGN}"
ANNOTATION = re.compile(r"<annotation.*?</annotation>", re.S)  # the TeX once more, which nothing reads
_local = threading.local()


def _engine() -> Callable[[str], str]:
    """KaTeX inside a QuickJS interpreter, one a thread (an interpreter belongs to the thread that made it)."""
    if not hasattr(_local, "render"):
        import quickjs

        _local.context = quickjs.Context()
        _local.context.eval(assets.read(assets.KATEX, "dist/katex.min.js").decode())
        _local.context.eval(RENDER)
        _local.render = _local.context.get("render")
    return _local.render


@functools.cache
def render(tex: str, display: bool = False) -> str:
    """The HTML of one formula; a letter or a number alone is text in KaTeX's fonts, a tenth of what KaTeX makes of it.

    Raises:
        SiteError: KaTeX cannot parse it.
    """
    if not display and PLAIN.fullmatch(tex):
        css = "mord mathnormal" if tex.isalpha() else "mord"
        return f'<span class="katex"><span class="{css}">{tex.replace("-", MINUS)}</span></span>'
    answer = json.loads(_engine()(json.dumps([tex, display])))
    if "error" in answer:
        raise SiteError(f"TeX error in the formula `{' '.join(tex.split())}`: {answer['error']}")
    return ANNOTATION.sub("", answer["html"])


def element(md: Markdown, tex: str, display: bool) -> etree.Element:
    """A formula as an element. Search skips it: its letters would fill the index twice over."""
    formula = etree.Element("div" if display else "nn-math", {"data-search-exclude": ""})
    if display:
        formula.set("class", "nn-display")
    formula.text = AtomicString(md.htmlStash.store(render(tex.strip(), display)))
    return formula


class InlineMath(InlineProcessor):
    """``$...$``, by Pandoc's rule: no blank inside the dollars, no digit after the last one."""

    def handleMatch(self, m: re.Match[str], data: str) -> tuple[etree.Element, int, int]:
        return element(self.md, m.group(1), display=False), m.start(0), m.end(0)


class DisplayMath(BlockProcessor):
    """A paragraph that is one ``$$...$$``."""

    def test(self, parent: etree.Element, block: str) -> bool:
        return DISPLAY.fullmatch(block) is not None

    def run(self, parent: etree.Element, blocks: list[str]) -> None:
        found = DISPLAY.fullmatch(blocks.pop(0))
        assert found is not None
        parent.append(element(self.parser.md, found.group(1), display=True))


def register(md: Markdown) -> None:
    """Add both processors: after code spans, before backslash escapes and everything that reads underscores."""
    md.inlinePatterns.register(InlineMath(INLINE, md), "nnspec-math", 185)
    md.parser.blockprocessors.register(DisplayMath(md.parser), "nnspec-display", 95)
    if "$" not in md.ESCAPED_CHARS:
        md.ESCAPED_CHARS.append("$")
