"""The cross-entropy of one predicted probability is the reference's."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(("p", "label"), [(0.25, "1"), (0.25, "0"), (0.01, "1"), (0.99, "0"), (0.5, "1")])
def test_cross_entropy_shows_loss_and_gradient_of_the_reference(show_figure, slide, cells, number, p, label):
    import jax
    import jax.numpy as jnp

    from nnspec.components.losses.cross_entropy import sigmoid_binary_cross_entropy

    page = show_figure("cross-entropy", again=True)
    slide(page, "predicted probability p", p)
    page.get_by_label("label").select_option(label)
    logit, loss, slope = (number(cell) for cell in cells(page)[0])
    x = jnp.log(p / (1 - p))
    value, gradient = jax.value_and_grad(sigmoid_binary_cross_entropy)(x, jnp.float32(label))
    assert (logit, loss, slope) == pytest.approx((float(x), float(value), float(gradient)), abs=1e-4)
