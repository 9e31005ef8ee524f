"""What the figure of the depth shows is what networks of the reference give, with kernels of that variance."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.mark.parametrize(("units", "scale", "layer"), [(64, 2.0, 50), (16, 1.0, 9), (256, 3.5, 12)])
def test_networks_are_those_of_the_reference(show_figure, slide, cells, number, units, scale, layer):
    import jax

    from nnspec.training.initialization import normal_init

    page = show_figure("initialization-depth", again=True)
    page.get_by_label("units").select_option(str(units))
    slide(page, "fan-in × variance", scale)
    slide(page, "layer", layer)
    shown = [number(row[0]) for row in cells(page)]
    assert shown[0] == pytest.approx(layer * np.log2(scale / 2), abs=6e-3)
    for draw, found in enumerate(shown[1:]):
        keys = jax.random.split(jax.random.key(draw), 50)
        h = np.random.default_rng(draw).standard_normal(units).astype(np.float32)
        h /= np.sqrt(np.mean(h**2))
        for key in keys[:layer]:
            kernel = normal_init(key, (units, units), deviation=float(np.sqrt(scale / units)))
            h = np.maximum(h @ np.asarray(kernel), 0)
        assert found == pytest.approx(float(np.log2(np.mean(h**2))), abs=0.02)
