"""Formulas: found in the text, rendered while building, refused when they are not TeX."""

from __future__ import annotations

import re

import pytest

from nnspec_site import tex
from nnspec_site.errors import SiteError


def test_inline_and_displayed_formulas_become_mathml(convert):
    html = convert("The value $x_i^2$ is\n\n$$\\sum_i x_i$$\n")
    assert html.count("<math") == 2
    assert html.count('<math display="block"') == 1


def test_a_long_formula_in_a_line_may_break_after_a_relation_or_an_operator(convert):
    html = convert(r"So $f(x) = a_1 x + a_2 x^2 + a_3 x^3$ is it.")
    assert [part.count('<mo form="infix">') for part in html.split("<math>")[1:]] == [1, 1, 1, 0]
    letters = re.findall(r">([^<]+)<", html.partition("<nn-math")[2].partition("</nn-math")[0])
    assert "".join(letters) == "f(x)=a1x+a2x2+a3x3"


def test_a_short_formula_in_a_line_is_whole(convert):
    assert convert("So $a = b + c$.").count("<math>") == 1


def test_search_skips_formulas(convert):
    assert '<nn-math data-search-exclude="">' in convert("The value $x$.")


@pytest.mark.parametrize(
    "text",
    ["It costs $5 and $6.", "In code `$x$` stays.", r"Escaped \$x\$ stays.", "```\n$x$\n```", "A $ x $ with blanks."],
)
def test_what_is_not_a_formula_stays_text(convert, text):
    assert "<math" not in convert(text)


def test_underscores_and_stars_in_a_formula_are_not_emphasis(convert):
    html = convert("With $a_1 * b_1 * c_1$ and $d_1$.")
    assert "<em>" not in html


def test_formula_in_a_table_and_a_list(convert):
    assert "<math" in convert("- item $x$\n")


def test_angle_brackets_are_escaped(convert):
    html = convert("Where $a < b$ holds.")
    assert re.search(r"<mo>&lt;</mo>", html)


def test_a_formula_that_is_no_tex_stops_the_build(convert):
    with pytest.raises(SiteError, match=r"TeX error in the formula `\\frac\{1`: .*end of input"):
        convert(r"Bad $\frac{1$ here")


def test_a_command_that_nobody_knows_stops_the_build():
    with pytest.raises(SiteError, match="Unsupported function name"):
        tex.render(r"\nosuchcommand x")
