"""Formulas become MathML while the site is built: ``$...$`` in a line, ``$$...$$`` on its own.

No script for maths reaches the page. A formula that Temml refuses stops the build.
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
  const [tex, options] = JSON.parse(request);
  try {
    return JSON.stringify({mathml: temml.renderToString(tex, options)});
  } catch (error) {
    return JSON.stringify({error: String(error.message)});
  }
}
"""
INLINE = r"(?<![\\$])\$(?![\s$])((?:\\.|[^\\$])+?)(?<!\s)\$(?![\d$])"
DISPLAY = re.compile(r" {0,3}\$\$(.+)\$\$\s*", re.S)
TOKEN = re.compile(r"<[^>]+>|[^<]+")
LONG = 24  # characters of TeX, from which on a formula may be broken
_local = threading.local()


def _engine() -> Callable[[str], str]:
    """Temml inside a QuickJS interpreter, one a thread (an interpreter belongs to the thread that made it)."""
    if not hasattr(_local, "render"):
        import quickjs

        _local.context = quickjs.Context()
        _local.context.eval(assets.read(assets.TEMML, "dist/temml.min.js").decode())
        _local.context.eval(RENDER)
        _local.render = _local.context.get("render")
    return _local.render


@functools.cache
def render(tex: str, display: bool = False) -> str:
    """The MathML of one formula.

    Raises:
        SiteError: Temml cannot parse it.
    """
    breaks = not display and len(tex) >= LONG
    options = {"displayMode": display, "throwOnError": True, "wrap": "tex" if breaks else "none"}
    answer = json.loads(_engine()(json.dumps([tex, options])))
    if "error" in answer:
        reason = answer["error"].split(" at position ")[0].split(" at end of input:")[0].strip()
        raise SiteError(f"TeX error in the formula `{' '.join(tex.split())}`: {reason}")
    return broken(answer["mathml"]) if breaks else answer["mathml"]


def broken(mathml: str) -> str:
    """One ``<math>`` for each part that Temml ends at a relation or an operator: between two of them a line may end."""
    parts, depth = [""], 0
    for token in TOKEN.findall(mathml)[1:-1]:
        parts[-1] += token
        depth += (token[0] == "<") - 2 * token.startswith("</")
        if depth == 0 and token == "</mrow>":
            parts.append("")
    whole = [re.sub(r"<mo>([^<]*)</mo></mrow>$", r'<mo form="infix">\1</mo></mrow>', part) for part in parts if part]
    return "".join(f"<math>{part}</math>" for part in whole)


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
