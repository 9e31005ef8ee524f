"""Still figures: letters that can be read on a phone, none outside the picture, no label on another."""

from __future__ import annotations

import importlib
import itertools
import re

import matplotlib.pyplot as plt
import pytest
from matplotlib.axis import Axis
from matplotlib.text import Text

from nnspec_site import figures

PHONE = 358  # pixels of the text column where the screen has 390
LEAST = 10  # pixels of a letter


@pytest.fixture(scope="module", params=sorted(figures.makers()))
def drawn(request):
    """One figure, laid out."""
    with plt.rc_context(figures.LIGHT.settings()):
        figure = importlib.import_module(figures.makers()[request.param]).draw(figures.LIGHT)
        figure.canvas.draw()
        yield figure
        plt.close(figure)


def labels(figure) -> list[Text]:
    """Every text but the numbers of the axes, which matplotlib places."""
    ticks = {id(text) for axis in figure.findobj(Axis) for text in axis.get_ticklabels()}
    ticks |= {id(text) for axis in figure.findobj(Axis) for text in axis.get_ticklabels(minor=True)}
    found = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    return [text for text in found if id(text) not in ticks]


def test_letters_are_large_enough_on_a_phone(drawn):
    shrunk = PHONE / (96 * drawn.get_figwidth())
    sizes = {text.get_text(): text.get_fontsize() * 96 / 72 * shrunk for text in drawn.findobj(Text)}
    assert {text: size for text, size in sizes.items() if size < LEAST} == {}


def test_labels_are_inside_and_apart(drawn):
    boxes = [(text.get_text(), text.get_window_extent()) for text in labels(drawn) if text.get_rotation() % 90 == 0]
    whole = drawn.bbox.padded(1)
    assert [text for text, box in boxes if not (whole.contains(*box.min) and whole.contains(*box.max))] == []
    pairs = [(a, b) for (a, one), (b, other) in itertools.combinations(boxes, 2) if one.padded(-1).overlaps(other)]
    assert pairs == []


@pytest.mark.parametrize("name", ["edges", "margin-losses", "pooling-digits"])
def test_dark_picture_is_what_the_dark_theme_draws(name, tmp_path):
    light, dark, *_ = figures.draw(name, tmp_path)
    exchanged = figures.dark(light.read_text(encoding="utf-8")) is not None
    figures._draw(importlib.import_module(figures.makers()[name]), figures.DARK, tmp_path / "drawn.svg")
    assert unnamed(dark) == unnamed(tmp_path / "drawn.svg")
    assert exchanged == (name == "edges")  # one has a grey of its own, one has pixels


def unnamed(path) -> str:
    """A picture without the names that matplotlib makes of a mark's colour."""
    return re.sub(r"\b[mp][0-9a-f]{10}\b", "mark", path.read_text(encoding="utf-8"))


def test_size_of_a_picture_is_that_of_its_file(tmp_path):
    with plt.rc_context(figures.LIGHT.settings()):
        figure, _ = plt.subplots(figsize=figures.LIGHT.size(0.5))
        figures.save(figure, tmp_path / "a.svg")
        plt.close(figure)
    assert figures.size_of(tmp_path / "a.svg") == (461, 230)


def test_figure_is_fetched_when_it_is_seen_and_can_be_downloaded_for_both_schemes(convert):
    html = convert("/// figure | tails\n    alt: Errors.\n\nCaption.\n///")
    assert html.count('loading="lazy"') == 2
    for theme in ("light", "dark"):
        assert f'href="/assets/generated/figures/tails-{theme}.svg"' in html
        assert f'download="tails-{theme}.svg"' in html
