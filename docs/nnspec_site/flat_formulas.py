"""A formula that needs no layout, ``f(x) > 0`` or ``x_1``, is text: one element instead of one for each sign.

Its letters stay letters, which a search finds, a copy keeps and a screen reader reads; a font shows them as the slanted
ones of mathematics, the same that MathML shows. Whatever has a fraction, a root, an accent or a sum stays MathML.
"""

from __future__ import annotations

import html
import re
import xml.etree.ElementTree as etree

FLAT = "nn-flat"  # class of such a formula
APPLY = "\N{FUNCTION APPLICATION}"
THIN, MEDIUM, WIDE = "\N{SIX-PER-EM SPACE}", "\N{FOUR-PER-EM SPACE}", "\N{EM SPACE}"
WIDTHS = {"0.1667em": THIN, "0.2222em": MEDIUM, "0.2778em": MEDIUM, "1em": WIDE}
PRIME = "\N{PRIME}"
OPENING, CLOSING, BARS, COMMA = set("([{⌊⌈⟨"), set(")]}⌋⌉⟩!%"), set("|‖/…⋯∞"), set(",;")
SIGNS = set("+\N{MINUS SIGN}±∓")
SPACED = set("·⋅×⊙∘=≠<>≤≥≈≡∼∝∈∉←→↦≪≫:")
LATIN = {chr(0x41 + 32 * case + i): 0x1D434 + 26 * case + i for case in (0, 1) for i in range(26)} | {"h": 0x210E}
GREEK = {chr(0x3B1 + i): 0x1D6FC + i for i in range(25)}
SLANTED = LATIN | GREEK | {"∂": 0x1D715, "ϵ": 0x1D716, "ϑ": 0x1D717, "ϕ": 0x1D719, "ϱ": 0x1D71A, "ϖ": 0x1D71B}
UPRIGHT = {chr(code) for code in range(0x391, 0x3AA)}  # capital Greek letters
NUMBER = re.compile(r"[0-9.]+")
CHARACTERS = sorted(
    {ord(one) for one in [*SLANTED, *UPRIGHT, *SIGNS, *SPACED, *OPENING, *CLOSING, *BARS, *COMMA, *"0123456789.⊤"]}
    | {ord(PRIME), ord(THIN), ord(MEDIUM), ord(WIDE)}
)  # what the font of these formulas has to hold


class _Layout(Exception):
    """The formula needs MathML."""


def flat(formula: etree.Element) -> str | None:
    """The HTML of a ``<math>`` without layout; None of any other."""
    try:
        text = _line(list(formula))
    except _Layout:
        return None
    bare = re.sub("<[^>]*>|&[a-z]+;", "", text)
    if not any(one.isalpha() or one.isspace() for one in bare):
        return text  # numbers and signs are set as those of the text
    return f'<span class="{FLAT}">{text}</span>'


def _line(parts: list[etree.Element]) -> str:
    """The parts one after the other, with the room that belongs between them."""
    line, before = "", ""  # what the part before was: "", "operand", "operator", "name"
    for at, part in enumerate(parts):
        text, kind = _part(part, before)
        beside_name = (before, kind) in {("name", "operand"), ("operand", "name"), ("name", "name")}
        line += (_room(part) or (THIN if beside_name else "")) + text
        if kind == "name" and at + 1 < len(parts) and parts[at + 1].text in OPENING:
            kind = "operator"  # no room before a bracket
        before = kind or before
    return line


def _room(part: etree.Element) -> str:
    """The space that an element asks for before it."""
    style = part.get("style", "")
    if not style:
        return ""
    found = re.fullmatch(r"padding-left:([0-9.]+em);?", style)
    if found is None or found.group(1) not in WIDTHS:
        raise _Layout
    return WIDTHS[found.group(1)]


def _part(part: etree.Element, before: str) -> tuple[str, str]:
    """The text of one element and what it is for the element after it."""
    if part.tag in ("msub", "msup") and len(part) == 2:
        base, script = part
        if part.tag == "msup" and set(primes := "".join(script.itertext())) == {PRIME}:
            return _token(base, before)[0] + primes, "operand"
        tag = part.tag.removeprefix("m")
        inner = list(script) if script.tag == "mrow" else [script]
        return f"{_token(base, before)[0]}<{tag}>{_script(inner)}</{tag}>", "operand"
    return _token(part, before)


def _script(parts: list[etree.Element]) -> str:
    """An index or an exponent: letters, numbers and signs without room."""
    if any(len(part) for part in parts):
        raise _Layout
    return re.sub(rf"[{THIN}{MEDIUM}]", "", _line(parts))


def _token(part: etree.Element, before: str) -> tuple[str, str]:
    text = part.text or ""
    if len(part) or part.get("href"):
        raise _Layout
    if part.tag == "mn" and NUMBER.fullmatch(text):
        return text, "operand"
    if part.tag == "mi":
        return _identifier(part, text)
    if part.tag == "mo":
        return _operator(part, text, before)
    raise _Layout


def _identifier(part: etree.Element, text: str) -> tuple[str, str]:
    plain = part.get("mathvariant") is None
    if (text in SLANTED and plain) or text in BARS:
        return text, "operand"
    if text in UPRIGHT and not plain:
        return text, "operand"
    if len(text) > 1 and text.isascii() and text.replace("_", "").isalpha():
        return f"<span>{text}</span>", "name"
    raise _Layout


def _operator(part: etree.Element, text: str, before: str) -> tuple[str, str]:
    if text == APPLY:
        return "", ""
    if text in OPENING:
        return text, "operator"
    if text in CLOSING or text in BARS or text in ("⊤", PRIME):
        return text, "operand"
    if text in COMMA:
        return text + THIN, "operator"
    if text in SIGNS and (part.get("form") == "prefix" or before in ("", "operator", "name")):
        return text, "operator"
    if text in SIGNS or text in SPACED:
        return MEDIUM + html.escape(text) + MEDIUM, "operator"
    raise _Layout
