"""The network that drops units answers as the oracle does, and a click drops the unit that is clicked."""

from __future__ import annotations

import pytest


def readout(page, number) -> list[float]:
    return [number(text) for text in page.locator(".nn-readout td").all_inner_texts()]


def test_answers_and_means_are_those_of_the_oracle(show_figure, slide, number):
    from nnspec_site.figures.dropout_network import answer, means

    page = show_figure("dropout-network", again=True)
    for rate, dropped in ((0.5, 34), (0.0, 5), (0.9, 127), (0.3, 72), (0.8, 0)):
        slide(page, "rate", rate)
        slide(page, "mask", dropped)
        mean = means(rate)
        want = [answer(0, 0.0), answer(dropped, rate), mean["hidden units"], mean["inputs"]]
        assert readout(page, number) == pytest.approx(want, abs=6e-5)


def test_the_mean_is_kept_behind_the_linear_layer_alone():
    from nnspec_site.figures.dropout_network import answer, means

    mean = means(0.5)
    assert mean["hidden units"] == pytest.approx(answer(0, 0.0))
    assert abs(mean["inputs"] - answer(0, 0.0)) > 1


@pytest.mark.parametrize("unit", [0, 2, 3, 6])
def test_a_click_drops_a_unit_and_another_brings_it_back(show_figure, slide, number, unit):
    from nnspec_site.figures.dropout_network import answer

    page = show_figure("dropout-network", again=True)
    slide(page, "rate", 0.5)
    slide(page, "mask", 0)
    for dropped in (1 << unit, 0):
        page.locator(f'[data-unit="{unit}"]').click()
        assert page.get_by_label("mask").input_value() == str(dropped)
        assert readout(page, number)[1] == pytest.approx(answer(dropped, 0.5), abs=6e-5)
