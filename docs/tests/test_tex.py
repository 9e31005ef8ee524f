"""Formulas: found in the text, rendered while building, refused when they are not TeX."""

from __future__ import annotations

import re

import pytest

from nnspec_site import tex
from nnspec_site.errors import SiteError


def test_inline_and_displayed_formulas_become_katex(convert):
    html = convert("The value $x_i^2$ is\n\n$$\\sum_i x_i$$\n")
    assert html.count('class="katex"') == 2
    assert html.count('class="katex-display"') == 1


def test_search_skips_formulas(convert):
    assert '<nn-math data-search-exclude="">' in convert("The value $x$.")


@pytest.mark.parametrize(
    "text",
    ["It costs $5 and $6.", "In code `$x$` stays.", r"Escaped \$x\$ stays.", "```\n$x$\n```", "A $ x $ with blanks."],
)
def test_what_is_not_a_formula_stays_text(convert, text):
    assert "katex" not in convert(text)


def test_underscores_and_stars_in_a_formula_are_not_emphasis(convert):
    html = convert("With $a_1 * b_1 * c_1$ and $d_1$.")
    assert "<em>" not in html


def test_formula_in_a_table_and_a_list(convert):
    assert "katex" in convert("- item $x$\n")


def test_angle_brackets_are_escaped(convert):
    html = convert("Where $a < b$ holds.")
    assert re.search(r"<mo>&lt;</mo>", html)


def test_a_formula_that_is_no_tex_stops_the_build(convert):
    with pytest.raises(SiteError, match=r"TeX error in the formula `\\frac\{1`: .*end of input"):
        convert(r"Bad $\frac{1$ here")


def test_a_command_that_katex_does_not_know_stops_the_build():
    with pytest.raises(SiteError, match="Undefined control sequence"):
        tex.render(r"\nosuchcommand x")
