"""What the drawing of the gated unit shows is so."""

from __future__ import annotations

import numpy as np
import pytest


def test_a_unit_holds_what_it_has_written():
    from nnspec_site.figures.gru_gates import VALUES, WRITES, writer

    state, z = writer()
    for step in WRITES:
        assert state[step - 1] == pytest.approx(np.tanh(2 * VALUES[step - 1]), abs=0.02)
        assert z[step - 1] < 0.01
    held = state[WRITES[0] - 1 : WRITES[1] - 1]
    assert np.all(np.abs(held - held[0]) < 0.15)


def test_the_two_places_of_the_reset_gate_are_two_layers():
    from nnspec_site.figures.gru_gates import two_units

    assert np.abs(two_units("before") - two_units("after")).max() > 0.2


def test_the_curves_of_three_cells_are_as_the_words_beside_them_say():
    from nnspec_site.figures.gated_memory import curves

    told = curves()
    assert told["Elman, new"][:20].min() > 0.87
    for cell in ("GRU", "LSTM"):
        new, trained = told[f"{cell}, new"], told[f"{cell}, trained"]
        assert new[2] > 0.45 > new[5]
        assert trained[:11].min() > 0.85
        assert trained[16:].max() < 0.3
        assert told[f"{cell}, open"][5:].max() < 0.1
