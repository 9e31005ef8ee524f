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
