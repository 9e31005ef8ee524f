"""Dropout of the reference: compiled and mapped, one program for all rates, and the streams of its modules."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from nnspec.training.dropout import Dropout, FeatureDropout, _masked, dropout, feature_dropout

X = jnp.asarray(np.random.default_rng(2).normal(size=(8, 3, 5)), jnp.float32)
KEY = jax.random.key(1)


@pytest.mark.parametrize("function", [dropout, feature_dropout])
def test_inside_a_compiled_program_it_is_the_same(function):
    compiled = jax.jit(lambda x, key: function(x, key, rate=0.4))(X, KEY)
    np.testing.assert_allclose(compiled, function(X, KEY, rate=0.4), rtol=1e-6)


def test_mapped_over_keys_every_example_has_a_mask_of_its_own():
    keys = jax.random.split(KEY, 8)
    mapped = jax.vmap(lambda x, key: dropout(x, key, rate=0.4))(X, keys)
    np.testing.assert_allclose(mapped, [dropout(x, key, rate=0.4) for x, key in zip(X, keys, strict=True)], rtol=1e-6)
    assert len({tuple(np.asarray(row != 0).ravel()) for row in mapped}) == 8


def test_all_rates_share_one_program():
    dropout(X, KEY, rate=0.1)
    before = _masked._cache_size()  # pyright: ignore[reportFunctionMemberAccess]
    for rate in (0.2, 0.5, 0.9):
        dropout(X, KEY, rate=rate)
    assert _masked._cache_size() == before  # pyright: ignore[reportFunctionMemberAccess]


@pytest.mark.parametrize("layer", [Dropout(0.5, rngs=nnx.Rngs(dropout=0)), FeatureDropout(0.5, rngs=nnx.Rngs(0))])
def test_a_layer_draws_anew_at_every_call_of_a_compiled_step(layer):
    step = nnx.jit(lambda layer, x: layer(x))
    first, second = step(layer, X), step(layer, X)
    assert (first != second).any()


def test_a_network_is_told_once_that_training_is_over():
    network = nnx.List([Dropout(0.5, rngs=nnx.Rngs(0)), FeatureDropout(0.5, rngs=nnx.Rngs(1))])
    network.eval()
    for layer in network:
        np.testing.assert_array_equal(layer(X), X)
    network.train()
    for layer in network:
        assert (layer(X) == 0).any()


def test_two_layers_of_one_stream_draw_apart():
    rngs = nnx.Rngs(0)
    one, other = Dropout(0.5, rngs=rngs), Dropout(0.5, rngs=rngs)
    assert (one(X) != other(X)).any()


def test_a_dropped_number_that_overflows_has_no_part_in_the_gradient():
    x = jnp.full((1000,), 60000.0, jnp.float16)  # over 0.25 it is infinite
    slope = jax.grad(lambda x: dropout(x, KEY, rate=0.75).astype(jnp.float32).sum())(x)
    assert set(np.unique(slope)) == {0.0, 4.0}


@pytest.mark.parametrize("rate", [-0.1, 1.5, float("nan")])
def test_a_rate_out_of_range_is_refused_in_one_line(rate):
    with pytest.raises(ValueError, match=r"^dropout: rate must be from 0 to 1, got .*$"):
        dropout(X, KEY, rate=rate)


def test_features_need_an_axis_of_their_own():
    with pytest.raises(ValueError, match="x"):
        feature_dropout(X[0, 0], KEY, rate=0.5)


def test_a_number_in_place_of_a_key_is_refused():
    with pytest.raises((TypeError, ValueError), match="key"):
        dropout(X, 3, rate=0.5)  # pyright: ignore[reportArgumentType]
