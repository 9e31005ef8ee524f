"""The dials of rotary positions give the products that the reference gives."""

from __future__ import annotations

import re

import numpy as np
import pytest


def test_products_are_those_of_the_reference(show_figure, slide, number):
    import jax.numpy as jnp

    from nnspec.architectures.transformer.positions import rotary_positions
    from nnspec_site.figures.rotary_dials import PAIRS

    token = jnp.tile(jnp.array([1.0, 0.0]), PAIRS)[None]
    page = show_figure("rotary-dials")
    for base in (100.0, 10000.0):
        slide(page, "base", np.log10(base))
        for query, key in ((12, 9), (0, 0), (3, 40), (31, 28)):
            slide(page, "query at", query)
            slide(page, "key at", key)
            line = page.locator(".nn-readout").inner_text()
            found = re.fullmatch(r"Distance (\d+): product (.+) of 4\.", line)
            assert found, line
            first, second = (rotary_positions(token, jnp.array([p]), base=base) for p in (query, key))
            assert int(found[1]) == abs(query - key)
            assert number(found[2]) == pytest.approx(float((first * second).sum()), abs=2e-4)
