"""The weights that the reader moves are the reference's."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("place", "scale", "masked"),
    [(5, 0.75, "no word"), (5, 4, "later words"), (1, 2, "later words"), (2, 1.25, "the largest weight"),
     (6, 0, "the largest weight")],
)  # fmt: skip
def test_weights_are_those_of_the_reference(show_figure, slide, cells, number, place, scale, masked):
    import numpy as np

    from nnspec_site.figures.attention_weights import KEYS, QUERIES, WORDS, weights

    page = show_figure("attention-weights", again=True)
    slide(page, "query of word", place)
    slide(page, "scale s", scale)
    page.get_by_label("masked").select_option(masked)
    scores = scale * np.array(KEYS) @ np.array(QUERIES[place - 1])
    seen = np.ones(len(WORDS), bool)
    if masked == "later words":
        seen[place:] = False
    elif masked == "the largest weight":
        seen[np.argmax(scores)] = False
    shown = cells(page)
    assert [row[3] for row in shown] == ["yes" if one else "no" for one in seen]
    np.testing.assert_allclose([number(row[2]) for row in shown], scores, atol=1e-4)
    right = weights(scale, np.broadcast_to(seen, (len(WORDS), len(WORDS))))[place - 1]
    np.testing.assert_allclose([number(row[4]) for row in shown], right, atol=6e-4)


def test_the_pronoun_takes_most_of_its_noun(show_figure):
    page = show_figure("attention-weights")
    assert "“it” takes most of “dog”" in page.locator(".nn-readout").inner_text()
