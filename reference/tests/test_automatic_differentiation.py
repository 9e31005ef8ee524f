"""What the conformance suite cannot see of functions with an edge: errors, and transformations that keep the slopes."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nnspec.components import automatic_differentiation as edges

X = jnp.array([[-1.0, 0.0, 2.0], [3.0, 3.0, 0.5]])


@pytest.mark.parametrize(
    "name", ["absolute_value", "euclidean_norm", "maximum_reduction", "masked_square_root", "product_reduction"]
)
def test_gradients_at_the_edge_are_the_same_compiled_mapped_and_eager(name):
    f = getattr(edges, name)
    slope = jax.grad(lambda x: f(x).sum())
    with jax.disable_jit():
        eager = slope(X)

    np.testing.assert_array_equal(jax.jit(slope)(X), eager)
    np.testing.assert_array_equal(jax.vmap(slope)(X), eager)


def test_a_result_that_is_no_number_has_no_gradient():
    with pytest.raises(ValueError, match="gradient_of_squares: x must be one number, got shape"):
        edges.gradient_of_squares(X)


def test_a_bound_that_is_not_finite_is_refused():
    with pytest.raises(ValueError, match="clamp: minimum must be"):
        edges.clamp(X, minimum=-math.inf, maximum=1.0)
