"""Formulas: found in the text, rendered while building, refused when they are not TeX."""

from __future__ import annotations

import re

import pytest

from nnspec_site import tex
from nnspec_site.errors import SiteError


def test_inline_and_displayed_formulas_become_mathml(convert):
    html = convert("The value $x_i^2$ is\n\n$$\\sum_i x_i$$\n")
    assert 'value <math><msubsup><mi>x</mi><mi>i</mi><mn class="tml-sml-pad">2</mn></msubsup></math> is' in html
    assert html.count('<div class="nn-display" data-search-exclude=""><math display="block">') == 1


def test_rows_inside_rows_are_put_in_their_place():
    shown = tex.render(r"\max(x + 1, 0)", display=True)
    assert "mrow" not in shown
    assert shown.startswith('<math display="block"><mi>max</mi><mo>\u2061</mo><mo stretchy="false">(</mo><mi>x</mi>')


def test_brackets_that_grow_keep_their_row():
    shown = tex.render(r"\left(\frac{a}{b}\right) c")
    assert re.search(r'<mrow><mo[^>]*stretchy="true">\(</mo><mfrac>.*</mfrac><mo[^>]*>\)</mo></mrow><mi>c</mi>', shown)


def test_displayed_formulas_that_stand_apart_are_each_their_own():
    shown = tex.render(r"m = \beta g, \qquad v = x_1\,\text{where } \quad y = \frac{a}{b \quad c}", display=True)
    assert shown.count('<math display="block">') == 3
    assert [re.sub("<[^>]*>", "", part)[0] for part in shown.split("</math>")[:-1]] == ["m", "v", "y"]
    assert tex.render(r"f(x) = x \quad", display=True).count("<math") == 1
    assert tex.render(r"f(x) = x \qquad x > 0").count('display="block"') == 0


def test_signs_keep_the_place_that_they_had_in_their_row():
    assert '<mo form="prefix">\u2212</mo><mi>x</mi>' in tex.render("f(-x)", display=True)


def test_name_of_a_function_keeps_its_distance_from_the_factor_before_it():
    assert '</msub><mi class="nn-function">log</mi>' in tex.render(r"p_c\log q_c", display=True)
    assert "nn-function" not in tex.render(r"a + \log q", display=True)


def test_number_alone_is_text(convert):
    assert "is \u22121.5 here" in convert("It is $-1.5$ here.")


def test_two_numbers_are_not_read_as_one():
    assert "<mn>0,1</mn>" not in tex.render("f(0,1)", display=True)


def test_wide_formula_in_a_line_may_break():
    parts = tex.render("f(x) = a_1 x + a_2 x^2 + a_3 x^3").split("<math>")[1:]
    assert [part.count('<mo form="infix">') for part in parts] == [1, 1, 1, 0]
    assert re.sub("<[^>]*>", "", "".join(parts)) == "f(x)=a1x+a2x2+a3x3"
    assert tex.render(r"\sqrt a + b = c").count("<math>") == 1


def test_punctuation_stays_on_the_line_of_its_formula(convert):
    html = convert(
        r"Where $\sqrt x$, or ($\sqrt y$), or $f(x) = a_1 x + a_2 x^2 + a_3 x^3$. Take $5$;"
        r" a [$z$](#a) $\sqrt n$-dimensional."
    )
    kept = [re.sub("<[^>]*>", "", found) for found in re.findall(r'<span class="nn-keep">(.*?)</span>', html)]
    assert kept == ["x,", "(y),", "a3x3.", "n-"]
    assert "Take 5; a" in html


def test_space_is_room_before_what_follows_it():
    shown = tex.render(r"\frac a{a\,b\quad c}", display=True)
    assert "mspace" not in shown
    assert '<mi style="padding-left:0.1667em">b</mi>' in shown
    assert '<mi style="padding-left:1em">c</mi>' in shown


@pytest.mark.parametrize(
    "text",
    ["It costs $5 and $6.", "In code `$x$` stays.", r"Escaped \$x\$ stays.", "```\n$x$\n```", "A $ x $ with blanks."],
)
def test_what_is_not_a_formula_stays_text(convert, text):
    html = convert(text)
    assert "<math" not in html
    assert "nn-flat" not in html


def test_underscores_and_stars_in_a_formula_are_not_emphasis(convert):
    html = convert("With $a_1 * b_1 * c_1$ and $d_1$.")
    assert "<em>" not in html


def test_formula_in_a_table_and_a_list(convert):
    assert "<math" in convert("- item $\\sqrt x$\n")


def test_angle_brackets_are_escaped(convert):
    html = convert("Where $\\sqrt a < b$ holds.")
    assert re.search(r"<mo>&lt;</mo>", html)


def test_a_formula_that_is_no_tex_stops_the_build(convert):
    with pytest.raises(SiteError, match=r"TeX error in the formula `\\frac\{1`: .*end of input"):
        convert(r"Bad $\frac{1$ here")


def test_a_command_that_does_not_exist_stops_the_build():
    with pytest.raises(SiteError, match="Unsupported function name"):
        tex.render(r"\nosuchcommand x")
