"""Formulas become MathML while the site is built: ``$...$`` in a line, ``$$...$$`` on its own.

MathML is what browsers draw and what screen readers read, in a sixth of the elements of HTML boxes; a short formula
without layout is text (``flat_formulas``). No script for maths reaches the page. A formula that the converter refuses
stops the build.
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

from nnspec_site import assets, flat_formulas
from nnspec_site.errors import SiteError
from nnspec_site.kept import kept, maker

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
PAIR = re.compile(r"(\d),(?=\d)")  # without a blank "0,1" would be read as one number
BESIDE = r"((?<!\])\()?" + INLINE + r"([.,;:?)-]*)"  # with what stands at its sides without a blank
LONG = 24  # characters of TeX, from which on a formula may be broken
ROWS = {"math", "mrow", "mtd", "msqrt"}  # elements that lay out their children as an mrow does
BRACKETS = {"(": "prefix", "[": "prefix", ")": "postfix", "]": "postfix"}  # which have no other form
PLAIN = re.compile(r"-?\d+(\.\d+)?")
MINUS = "\N{MINUS SIGN}"
APPLY = flat_formulas.APPLY
NEEDLESS = {"math": ("class", "style"), "mo": ("fence", "separator")}  # the style sheet's, or without any effect
UNSEEN = "\N{FUNCTION APPLICATION}\N{INVISIBLE TIMES}"  # for readers by ear
BEFORE = {"msub", "msup", "msubsup", "mfrac"}  # after which Temml forgets the space before the name of a function
QUADS = {"padding-left:1em", "padding-left:2em"}
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
    """The HTML of one formula: MathML, or text where it is short and has no layout.

    It is rendered once and kept on the disk. A long formula in a line is one ``<math>`` for each part that ends at a
    relation or an operator: there the line may end. A displayed one is a ``<math>`` for each part that stands a quad
    apart from the one before: the parts stand side by side where there is room, and below one another on a phone.

    Raises:
        SiteError: Temml cannot parse it.
    """
    if not display and PLAIN.fullmatch(tex):
        return tex.replace("-", MINUS)
    return kept("formulas", (_maker(), str(display), tex), lambda: _rendered(tex, display))


@functools.cache
def _maker() -> str:
    return maker(__file__, assets.TEMML.sha512, maker(str(flat_formulas.__file__)))


def _rendered(tex: str, display: bool) -> str:
    breaks = not display and len(tex) >= LONG
    root = _converted(tex, {"displayMode": display, "throwOnError": True, "wrap": "tex" if breaks else "none"})
    rows = list(root) if breaks and all(part.tag == "mrow" for part in root) else []
    formulas = [_compact(_formula(row)) for row in rows] or [_compact(root)]
    if display:
        formulas = _apart(formulas[0])
    if not display and not breaks and (text := flat_formulas.flat(formulas[0])) is not None:
        return text
    for formula in formulas[:-1]:
        if formula[-1].tag == "mo":
            formula[-1].set("form", "infix")
    return "".join(etree.tostring(formula, encoding="unicode", short_empty_elements=False) for formula in formulas)


def _converted(tex: str, options: dict[str, object]) -> etree.Element:
    answer = json.loads(_engine()(json.dumps([PAIR.sub(r"\1, ", tex), options])))
    if "error" in answer:
        reason = answer["error"].split(" at position ")[0].split(" at end of input:")[0].strip()
        raise SiteError(f"TeX error in the formula `{' '.join(tex.split())}`: {reason}")
    return etree.fromstring(answer["mathml"])


def _formula(row: etree.Element) -> etree.Element:
    made = etree.Element("math")
    made.extend(row)
    return made


def _compact(root: etree.Element) -> etree.Element:
    """The same formula in half the elements, without what has no effect."""
    _flatten(root)
    for part in list(root.iter()):
        for child in list(part):
            if child.tag == "mspace" and not child.attrib:
                part.remove(child)
    _separate(root)
    _space(root)
    for part in root.iter():
        for name in NEEDLESS.get(part.tag, ()):
            part.attrib.pop(name, None)
        if part.tag == "mo" and part.get("form") == BRACKETS.get(part.text or "", ""):
            part.attrib.pop("form")
        if part.text == MINUS:
            part.attrib.pop("stretchy", None)
    return root


def _flatten(parent: etree.Element) -> None:
    """Put the children of rows inside rows in their place: a third of what Temml makes is such rows."""
    for child in list(parent):
        _flatten(child)
        if parent.tag not in ROWS or child.tag != "mrow" or child.attrib or _stretches(child):
            continue
        for end, form in ((0, "prefix"), (-1, "postfix")) if len(child) > 1 else ():
            edge = child[end]  # its place in the row has said until now of which form it is
            if edge.tag == "mo" and edge.text != APPLY and not edge.get("form"):
                edge.set("form", form)
        at = list(parent).index(child)
        parent[at : at + 1] = list(child)


def _separate(line: etree.Element) -> None:
    """A thin space before the name of a function that follows a factor: ``p log q``."""
    parts = list(line)
    for before, name, after in zip(parts, parts[1:], parts[2:], strict=False):
        closing = before.tag == "mo" and before.get("form") == "postfix"
        if name.tag == "mi" and after.text == APPLY and (before.tag in BEFORE or closing):
            name.set("class", "nn-function")


def _space(root: etree.Element) -> None:
    """Spaces become room before what follows them: an element less each."""
    for parent in list(root.iter()):
        if parent.tag not in ROWS:
            continue
        for space, after in reversed(list(zip(parent, list(parent)[1:], strict=False))):
            width = space.get("width", "")
            plain = space.tag == "mspace" and set(space.attrib) == {"width"} and not width.startswith("-")
            if plain and after.tag != "mspace" and not after.get("style"):
                after.set("style", f"padding-left:{width}")
                parent.remove(space)


def _apart(root: etree.Element) -> list[etree.Element]:
    """The formulas that a displayed one consists of, which stand a quad or more apart."""
    made = [etree.Element("math", root.attrib)]
    for part in root:
        style = part.get("style", "")
        if style in QUADS and len(made[-1]):
            part.attrib.pop("style")
            made.append(etree.Element("math", root.attrib))
        made[-1].append(part)
    return made


def _stretches(row: etree.Element) -> bool:
    """Whether a row has brackets that grow with it."""
    return any(part.tag == "mo" and part.get("fence") and part.get("stretchy") != "false" for part in row)


def element(md: Markdown, tex: str) -> etree.Element:
    """A displayed formula, in a box that scrolls. Search skips it."""
    formula = etree.Element("div", {"class": "nn-display", "data-search-exclude": ""})
    formula.text = AtomicString(md.htmlStash.store(render(tex.strip(), True)))
    return formula


def beside(before: str, html: str, after: str) -> str:
    """A formula with the bracket and the punctuation at its sides, on one line with its first or last part."""
    *parts, last = [part + "</math>" for part in html.split("</math>")[:-1]] or [""]
    if not last or not before + after:  # of text, no line begins with its punctuation
        return before + html + after
    if not parts:
        return _unbroken(before + last + after)
    parts[0] = _unbroken(before + parts[0]) if before else parts[0]
    return "".join(parts) + (_unbroken(last + after) if after else last)


def _unbroken(html: str) -> str:
    return f'<span class="nn-keep">{html}</span>'


class InlineMath(InlineProcessor):
    """``$...$``, by Pandoc's rule: no blank inside the dollars, no digit after the last one.

    Browsers may end a line between a formula and a comma. So both are kept together.
    """

    def handleMatch(self, m: re.Match[str], data: str) -> tuple[str, int, int]:
        before, formula, after = m.groups(default="")
        return self.md.htmlStash.store(beside(before, render(formula), after)), m.start(0), m.end(0)


class DisplayMath(BlockProcessor):
    """A paragraph that is one ``$$...$$``."""

    def test(self, parent: etree.Element, block: str) -> bool:
        return DISPLAY.fullmatch(block) is not None

    def run(self, parent: etree.Element, blocks: list[str]) -> None:
        found = DISPLAY.fullmatch(blocks.pop(0))
        assert found is not None
        parent.append(element(self.parser.md, found.group(1)))


def register(md: Markdown) -> None:
    """Add both processors: after code spans, before backslash escapes and everything that reads underscores."""
    md.inlinePatterns.register(InlineMath(BESIDE, md), "nnspec-math", 185)
    md.parser.blockprocessors.register(DisplayMath(md.parser), "nnspec-display", 95)
    if "$" not in md.ESCAPED_CHARS:
        md.ESCAPED_CHARS.append("$")
