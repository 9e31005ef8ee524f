"""Pictures that are light: the same points, told step by step, and nothing that nobody sees."""

from __future__ import annotations

import gzip
import io
import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.backends.backend_svg import FigureCanvasSVG

from nnspec_site import drawing, figures
from nnspec_site.figures._light import NUMBERS, TOKEN, light, steps


def absolute(path: str) -> list[tuple[float, float]]:
    """Every point of a path with small letters, control points too."""
    made, here, start, command, tokens = [], np.zeros(2), np.zeros(2), "", TOKEN.findall(path)
    at = 0
    while at < len(tokens):
        if tokens[at].isalpha():
            command, at = tokens[at], at + 1
        if command == "z":
            here = start
            continue
        count = NUMBERS[command.upper()]
        points = np.array(tokens[at : at + count], float).reshape(-1, 2) + here
        at, here = at + count, points[-1]
        start = here if command == "m" else start
        made += [tuple(point) for point in points]
    return made


@pytest.fixture(scope="module")
def drawn():
    """A picture as matplotlib writes it: a noisy line, marks, an area, a legend."""
    with plt.rc_context(figures.LIGHT.settings()):
        figure, axes = plt.subplots(figsize=figures.LIGHT.size(0.6))
        x = np.linspace(-3, 3, 400)
        axes.plot(x, np.sin(9 * x) + np.random.default_rng(0).normal(0, 0.05, 400), label="$x^2$")
        axes.scatter(x[::20], x[::20] ** 2 / 9, color=figures.LIGHT.colors[1])
        axes.fill_between(x, 0, np.exp(-(x**2)), alpha=0.3)
        axes.legend()
        text = io.StringIO()
        FigureCanvasSVG(figure).print_svg(text, metadata={"Date": None, "Creator": None})
        plt.close(figure)
    return text.getvalue()


def test_every_point_is_where_it_was_to_half_a_hundredth_of_a_point(drawn):
    before = [np.array(re.findall(r"[-\d.e]+", d), float).reshape(-1, 2) for d in re.findall(r' d="([^"]*)"', drawn)]
    after = [np.array(absolute(d)) for d in re.findall(r' d="([^"]*)"', light(drawn))]
    assert len(before) == len(after) > 20
    assert max(np.abs(a - b).max() for a, b in zip(after, before, strict=True)) <= 0.005 + 1e-9


def test_a_path_goes_on_from_where_a_closed_one_began():
    assert absolute(steps("M 1 2 L 3 4 L 5 2 z L 9 9 ")) == [(1, 2), (3, 4), (5, 2), (9, 9)]
    assert steps("M 1 2 L 3 4 L 2.5 4 L 2.5 4.254 z") == "m1 2l2 2-.5 0 0 .25z"


def test_a_command_that_is_not_known_is_refused():
    with pytest.raises(ValueError, match="the command 'A'; known are M, L, Q, C, z"):
        steps("M 1 2 A 3 4")


def test_what_is_referred_to_keeps_its_name_and_nothing_else_does(drawn):
    text = light(drawn)
    names = set(re.findall(r' id="([^"]*)"', text))
    assert names == set(re.findall(r'#([\w.-]+)["\')]', text)) - set(re.findall("#([0-9a-f]{6})", text))
    assert "<!--" not in text
    assert "<metadata" not in text


def test_a_third_is_saved(drawn):
    assert len(gzip.compress(light(drawn).encode())) < 2 / 3 * len(gzip.compress(drawn.encode()))


def test_a_figure_is_drawn_anew_where_this_changes():
    stamped = drawing.sources_of(figures.makers()["tails"])
    assert any(path.name == "_light.py" for path in stamped)
