"""The mini-batch gradient beside the gradient of a batch's loss, under jit and vmap, and what it refuses."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nnspec.components.layers import mlp
from nnspec.training.batch_gradient_descent import batch_gradient
from nnspec.training.mini_batch_gradient_descent import mini_batch_gradient
from nnspec_conformance.inputs import network

X, WEIGHTS = network((3, 5, 2), leading=(7,), seed=5)
Y = network((2, 1), leading=(7,), seed=9)[0]
BATCH = np.array([5, 0, 3, 0], np.int32)
ROWS = np.random.default_rng(2).standard_normal((7, 2, 3), np.float32)


def one_loss(weights, x, y):
    return jnp.square(mlp(x, weights, activation="tanh") - y).sum() / 2


def test_it_is_the_gradient_of_the_mean_loss_of_the_batch():
    each = jax.vmap(jax.grad(one_loss), (None, 0, 0))(WEIGHTS, X, Y)
    want = jax.grad(lambda w: jnp.mean(jax.vmap(one_loss, (None, 0, 0))(w, X[BATCH], Y[BATCH])))(WEIGHTS)
    for name, g in want.items():
        np.testing.assert_allclose(mini_batch_gradient(each[name], BATCH), g, rtol=1e-5, atol=1e-6)


def test_with_all_examples_it_is_the_batch_gradient():
    weights = {"kernel": WEIGHTS["kernel_0"][:, :2], "bias": WEIGHTS["bias_0"][:2]}
    each = jax.vmap(lambda x, y: batch_gradient(x[None], y[None], weights, chunk=1))(X, Y)
    want = batch_gradient(X, Y, weights, chunk=7)
    for name, g in want.items():
        np.testing.assert_allclose(mini_batch_gradient(each[name], np.arange(7)), g, rtol=1e-5, atol=1e-6)


def test_under_jit_and_vmap_it_gives_the_eager_result():
    eager = mini_batch_gradient(ROWS, BATCH)
    np.testing.assert_allclose(jax.jit(mini_batch_gradient)(ROWS, BATCH), eager, rtol=1e-6)
    both = jax.vmap(mini_batch_gradient, (None, 0))(ROWS, np.stack([BATCH[::-1], BATCH]))
    np.testing.assert_allclose(both[1], eager, rtol=1e-6)


@pytest.mark.parametrize("wrong", [7, -1, -7, 1000])
def test_a_traced_index_out_of_range_gives_nan(wrong):
    assert jnp.isnan(jax.jit(mini_batch_gradient)(ROWS, np.array([1, wrong], np.int32))).all()


def test_half_precision_is_added_in_float32():
    """A sum of 4,096 ones in bfloat16 would stand still at 256."""
    rows = jnp.ones((1, 1), jnp.bfloat16)
    assert float(mini_batch_gradient(rows, np.zeros(4_096, np.int32), combine="sum")[0]) == 4_096


@pytest.mark.parametrize(
    ("indices", "message"),
    [
        ([1, 7], r"^mini_batch_gradient: indices must be from 0 to 6, got 7$"),
        ([1, -1], r"^mini_batch_gradient: indices must be from 0 to 6, got -1; leave out the -1 of a short batch$"),
        ([], r"^mini_batch_gradient: indices are empty; the mean of nothing is no gradient$"),
    ],
)
def test_wrong_indices_are_refused_in_one_line(indices, message):
    with pytest.raises(ValueError, match=message):
        mini_batch_gradient(ROWS, np.array(indices, np.int32))


def test_a_wrong_combination_and_fractions_as_indices_are_refused():
    with pytest.raises(ValueError, match="combine"):
        mini_batch_gradient(ROWS, BATCH, combine="median")
    with pytest.raises(TypeError, match="indices"):
        mini_batch_gradient(ROWS, BATCH.astype(np.float32))
