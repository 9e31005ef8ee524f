"""Formulas without layout are text, with the room between their signs that MathML gives."""

from __future__ import annotations

import io
import re

import pytest

from nnspec_site import assets, tex
from nnspec_site.flat_formulas import MEDIUM, SLANTED, THIN


def shown(formula: str) -> str:
    """The HTML inside the element of a flat formula, with the narrow spaces as _ and ~."""
    html = tex.render(formula)
    found = re.fullmatch(r'<span class="nn-flat">(.*)</span>', html)
    return (found.group(1) if found else html).replace(MEDIUM, "_").replace(THIN, "~")


@pytest.mark.parametrize(
    ("formula", "html"),
    [
        ("f(x)", "f(x)"),
        ("x > 0", "x_&gt;_0"),
        (r"\sigma(-x)", "σ(−x)"),
        ("a - b", "a_−_b"),
        ("-x + 1", "−x_+_1"),
        ("(x, -1)", "(x,~−1)"),
        (r"a\,x", "a~x"),
        ("x_i", "x<sub>i</sub>"),
        (r"\theta_{t + 1}", "θ<sub>t+1</sub>"),
        ("e^{-x}", "e<sup>−x</sup>"),
        ("f'(x)", "f′(x)"),
        ("f''", "f′′"),
        (r"\max(x, 0)", "<span>max</span>(x,~0)"),
        (r"p \log q", "p~<span>log</span>~q"),
        (r"\lVert w \rVert", "‖w‖"),
        (r"y \odot g", "y_⊙_g"),
        (r"\Phi(x)", "Φ(x)"),
    ],
)
def test_formula_in_one_line_is_one_element(formula, html):
    assert shown(formula) == html


@pytest.mark.parametrize(("formula", "text"), [("10^4", "10<sup>4</sup>"), (r"-\infty", "−∞"), ("1/2", "1/2")])
def test_numbers_and_signs_are_set_as_the_text_round_them(formula, text):
    assert tex.render(formula) == text


@pytest.mark.parametrize(
    "formula", [r"\frac{a}{b}", r"\sqrt x", "x_i^2", r"\hat x", r"\sum_i x_i", r"\mathbb{E}[x]", r"\mathbf{x}"]
)
def test_formula_with_layout_or_another_alphabet_stays_mathml(formula):
    assert tex.render(formula).startswith("<math>")


def test_formula_on_its_own_line_stays_mathml():
    assert tex.render("f(x)", display=True).startswith("<math")


def test_font_shows_letters_as_those_of_mathematics():
    from fontTools.ttLib import TTFont

    source = assets.read(assets.STIX, "files/stix-two-math-latin-400-normal.woff")
    before, after = (TTFont(io.BytesIO(font)) for font in (source, assets.letters(source)))

    def sides(font, code):
        return font["hmtx"][font.getBestCmap()[code]]  # its width, and where it begins

    assert {letter: sides(after, ord(letter)) for letter in SLANTED} == {
        letter: sides(before, code) for letter, code in SLANTED.items()
    }
    assert sides(after, ord("x")) != sides(before, ord("x"))
    assert sides(after, ord("1")) == sides(before, ord("1"))
