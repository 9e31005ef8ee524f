"""What the conformance suite cannot see: the layer that holds its weights, its start, and errors."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from nnspec.architectures.transformer.multi_head_attention import MultiHeadAttention, multi_head_attention

FEATURES, HEADS = 6, 2
X = jnp.asarray(np.random.default_rng(0).standard_normal((2, 5, FEATURES)), jnp.float32)
CONTEXT = jnp.asarray(np.random.default_rng(1).standard_normal((2, 4, FEATURES)), jnp.float32)
LAYER = MultiHeadAttention(FEATURES, HEADS, rngs=nnx.Rngs(0))


def test_the_layer_is_the_function_of_its_weights():
    mask = jnp.asarray(np.random.default_rng(2).random((2, 1, 5, 4)) < 0.7).at[..., 0].set(True)
    right = multi_head_attention(X, LAYER.get_weights(), CONTEXT, mask)
    np.testing.assert_array_equal(LAYER(X, CONTEXT, mask), right)
    np.testing.assert_allclose(LAYER(X, causal=True)[:, :1], LAYER(X[:, :1]), rtol=1e-5, atol=1e-6)


def test_every_weight_but_the_bias_of_the_keys_has_a_gradient():
    found = jax.grad(lambda w: jnp.sum(jnp.sin(multi_head_attention(X, w))))(LAYER.get_weights())
    sizes = {name: float(jnp.abs(g).max()) for name, g in found.items()}
    assert sizes.pop("bias_k") < 1e-6
    assert min(sizes.values()) > 1e-3


def test_heads_that_share_keys_are_heads_that_have_the_same_ones():
    layer = MultiHeadAttention(8, 4, kv_heads=2, rngs=nnx.Rngs(2))
    table = layer.get_weights()
    assert table["kernel_k"].shape == table["kernel_v"].shape == (8, 2, 2)
    assert table["bias_k"].shape == table["bias_v"].shape == (2, 2)
    x = jnp.asarray(np.random.default_rng(3).standard_normal((2, 5, 8)), jnp.float32)
    repeated = {f"{kind}_{part}": table[f"{kind}_{part}"].repeat(2, -2) for kind in ("kernel", "bias") for part in "kv"}
    right = multi_head_attention(x, table | repeated, causal=True)
    np.testing.assert_allclose(layer(x, causal=True), right, rtol=1e-5, atol=1e-6)


def test_a_new_layer_keeps_the_variance():
    table = MultiHeadAttention(256, 4, rngs=nnx.Rngs(1)).get_weights()
    for name, w in table.items():
        if name.startswith("bias"):
            assert not np.asarray(w).any()
        else:
            assert abs(float(w.std()) * 16 - 1) < 0.03
    assert table["kernel_q"].shape == (256, 4, 64)
    assert table["kernel_o"].shape == (4, 64, 256)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: MultiHeadAttention(6, 4, rngs=nnx.Rngs(0)),
         "MultiHeadAttention: 6 features cannot be shared among 4 heads"),
        (lambda: MultiHeadAttention(6, 3, kv_heads=2, rngs=nnx.Rngs(0)),
         "MultiHeadAttention: 3 heads are no multiple of 2 heads of keys and values"),
        (lambda: MultiHeadAttention(6, 2, kv_heads=0, rngs=nnx.Rngs(0)),
         "MultiHeadAttention: 2 heads are no multiple of 0 heads of keys and values"),
        (lambda: multi_head_attention(X, {n: w for n, w in LAYER.get_weights().items() if n != "bias_k"}),
         "multi_head_attention: weights lacks bias_k; it has bias_o, bias_q, bias_v, kernel_k, kernel_o, kernel_q, "
         "kernel_v"),
        (lambda: multi_head_attention(X[..., :5], LAYER.get_weights()),
         "multi_head_attention: kernel_q has in_features=6 but x has in_features=5"),
        (lambda: multi_head_attention(X, LAYER.get_weights(), CONTEXT[..., :5]),
         "multi_head_attention: context has in_features=5 but x has in_features=6"),
    ],
)  # fmt: skip
def test_errors_say_what_is_wrong(call, message):
    with pytest.raises(ValueError) as caught:
        call()
    assert str(caught.value) == message
