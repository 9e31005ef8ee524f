"""Batch norm of the reference: the module in training and in use, transforms, errors of one line."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from nnspec.training.batch_normalization import (
    BatchNorm,
    batch_norm,
    batch_norm_collected,
    batch_norm_eval,
    batch_norm_layer,
    batch_norm_statistics,
    batch_norm_update,
    masked_batch_norm,
)

RNG = np.random.default_rng(5)
X = jnp.asarray(RNG.standard_normal((4, 3, 6)) + 0.5, jnp.float32)
SCALE, BIAS = (jnp.asarray(RNG.standard_normal(6), jnp.float32) for _ in range(2))
ZEROS, ONES = jnp.zeros(6), jnp.ones(6)


def test_a_module_trains_by_the_batch_and_is_used_by_what_it_collected():
    layer = BatchNorm(6, decay=0.75, epsilon=0.05)
    layer.scale[...], layer.bias[...] = SCALE, BIAS

    np.testing.assert_array_equal(layer(X, train=True), batch_norm(X, SCALE, BIAS, epsilon=0.05))
    mean, variance = batch_norm_update(X, ZEROS, ONES, decay=0.75)
    np.testing.assert_array_equal(layer.mean[...], mean)
    np.testing.assert_array_equal(layer.variance[...], variance)
    want = batch_norm_eval(X, mean, variance, SCALE, BIAS, epsilon=0.05)
    np.testing.assert_array_equal(layer(X, train=False), want)
    np.testing.assert_array_equal(layer.mean[...], mean)


def test_statistics_are_no_parameters_and_no_gradient_flows_into_them():
    layer = BatchNorm(6)
    assert len(jax.tree.leaves(nnx.state(layer, nnx.Param))) == 2

    gradients = nnx.grad(lambda layer: jnp.sum(layer(X, train=True) * SCALE))(layer)

    np.testing.assert_allclose(gradients["bias"][...], SCALE * 12, rtol=1e-6)
    assert "mean" not in gradients


def test_the_statistics_of_several_batches_are_those_that_a_module_collects():
    layer = BatchNorm(6, decay=0.75)
    for batch in X:
        layer(batch, train=True)

    mean, variance = batch_norm_statistics(X, decay=0.75)

    np.testing.assert_allclose(mean[-1], layer.mean[...], rtol=1e-6)
    np.testing.assert_allclose(variance[-1], layer.variance[...], rtol=1e-6)


def test_a_layer_trains_unless_it_is_told_otherwise_and_asks_for_statistics_in_use():
    np.testing.assert_array_equal(batch_norm_layer(X, ZEROS, ONES, epsilon=0.05), batch_norm(X, epsilon=0.05))
    np.testing.assert_array_equal(batch_norm_layer(X, epsilon=0.05), batch_norm(X, epsilon=0.05))

    with pytest.raises(ValueError, match="^batch_norm_layer: in eval mode mean and variance must be given") as caught:
        batch_norm_layer(X, mode="eval", epsilon=0.05)
    assert "\n" not in str(caught.value)


def test_statistics_of_half_precision_are_collected_in_float32_and_those_of_float32_as_by_the_module():
    mean, variance = batch_norm_collected(X.astype(jnp.bfloat16), decay=0.75)
    assert mean.dtype == variance.dtype == jnp.float32
    narrow = batch_norm_collected(X.astype(jnp.bfloat16), decay=0.75, statistics_dtype="input")
    assert all(part.dtype == jnp.bfloat16 for part in narrow)

    for got, want in zip(batch_norm_collected(X, decay=0.75), batch_norm_statistics(X, decay=0.75), strict=True):
        np.testing.assert_allclose(got, want[-1], rtol=1e-6)


def test_a_mask_that_leaves_everything_out_gives_finite_numbers():
    assert np.isfinite(masked_batch_norm(X, jnp.zeros((4, 3), bool), epsilon=0.05)).all()


def test_mapped_and_traced_calls_are_the_call():
    want = batch_norm(X, SCALE, epsilon=0.05)

    traced = jax.jit(lambda x, epsilon: batch_norm(x, SCALE, epsilon=epsilon))
    np.testing.assert_allclose(traced(X, 0.05), want, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: batch_norm(X, jnp.ones(5)), "batch_norm: scale has features=5 but x has features=6"),
        (lambda: batch_norm(X, epsilon=-1.0), "batch_norm: epsilon must be zero or positive, got -1.0"),
        (lambda: batch_norm_eval(X, jnp.ones(5), ONES), "batch_norm_eval: mean has features=5 but x has features=6"),
        (
            lambda: batch_norm_update(X, ZEROS, ONES, decay=1.5),
            "batch_norm_update: decay must be at least 0 and at most 1",
        ),
        (lambda: batch_norm_update(X[:0], ZEROS, ONES), "batch_norm_update: x has the shape (0, 3, 6), must hold"),
        (lambda: masked_batch_norm(X, jnp.ones((4, 2), bool), epsilon=0.05), "masked_batch_norm: mask has"),
        (lambda: batch_norm_statistics(X, decay=-1.0), "batch_norm_statistics: decay must be at least 0 and at most 1"),
        (lambda: BatchNorm(0), "BatchNorm: features is 0, must be at least 1"),
        (lambda: BatchNorm(3, decay=-0.5), "BatchNorm: decay must be at least 0 and at most 1"),
    ],
)
def test_errors_are_one_line(call, message):
    with pytest.raises(ValueError, match=r"\A[^\n]*\Z") as error:
        call()
    assert message in str(error.value)
