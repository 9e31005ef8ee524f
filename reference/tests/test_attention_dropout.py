"""What the conformance suite cannot see: other depths of values, padding, one program for all rates, and errors."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nnspec.architectures.transformer import attention_dropout as topic
from nnspec.architectures.transformer.attention import attention
from nnspec.architectures.transformer.attention_dropout import attention_dropout

KEY = jax.random.key(0)
Q, K, V = (
    jnp.asarray(np.random.default_rng(n).standard_normal((2, places, 2, depth)), jnp.float32)
    for n, (places, depth) in enumerate([(3, 4), (6, 4), (6, 5)])
)


def test_values_may_have_another_depth():
    y = attention_dropout(Q, K, V, KEY, rate=0.25)
    assert y.shape == (2, 3, 2, 5)
    np.testing.assert_allclose(y[..., :2], attention_dropout(Q, K, V[..., :2], KEY, rate=0.25), rtol=1e-5, atol=1e-6)


def test_padding_that_is_nan_is_kept_out():
    mask = jnp.arange(6) < 4
    dirty = V.at[:, 4:].set(jnp.nan)
    found = attention_dropout(Q, K.at[:, 4:].set(jnp.inf), dirty, KEY, mask[None, None, None], rate=0.25)
    np.testing.assert_array_equal(found, attention_dropout(Q, K, V, KEY, mask[None, None, None], rate=0.25))


def test_the_mean_of_many_draws_is_the_attention():
    many = jax.vmap(lambda key: attention_dropout(Q, K, V, key, rate=0.25, causal=True))(jax.random.split(KEY, 4096))
    deviation = np.asarray(many.std(0)) / 64
    assert np.all(np.abs(many.mean(0) - attention(Q, K, V, causal=True)) <= 6 * deviation + 1e-6)


def test_rates_have_one_program():
    before = topic._dropped._cache_size()
    for rate in (0.1, 0.2, 0.3):
        attention_dropout(Q, K, V, KEY, rate=rate)
    assert topic._dropped._cache_size() <= before + 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: attention_dropout(Q, K, V, KEY, jnp.ones((3, 1, 1, 6), bool), rate=0.5),
         "attention_dropout: mask has shape (3, 1, 1, 6), expected (2, 2, 3, 6), or 1 for what is shared"),
        (lambda: attention_dropout(Q, K, V, KEY, rate=1.5),
         "attention_dropout: rate must be from 0 to 1, got 1.5"),
    ],
)  # fmt: skip
def test_errors_say_what_is_wrong(call, message):
    with pytest.raises(ValueError) as caught:
        call()
    assert str(caught.value) == message
