"""What the conformance suite cannot see: the layers that hold their weights, their start, and errors."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from nnspec.architectures.transformer import encoder as topic
from nnspec.architectures.transformer.encoder import Encoder, EncoderLayer, encoder, encoder_layer

X = jnp.asarray(np.random.default_rng(0).standard_normal((3, 5, 6)), jnp.float32)
LENGTHS = jnp.array([5, 2, 3])
LAYER = EncoderLayer(6, 2, 9, norm="post", activation="gelu", epsilon=0.05, rngs=nnx.Rngs(0))
STACK = Encoder(6, 2, 9, 2, norm="pre", epsilon=0.05, rngs=nnx.Rngs(1))


def test_the_modules_are_the_functions_of_their_weights():
    right = encoder_layer(X, LAYER.get_weights(), LENGTHS, norm="post", activation="gelu", epsilon=0.05)
    np.testing.assert_array_equal(LAYER(X, LENGTHS), right)
    right = encoder(X, STACK.get_weights(), norm="pre", epsilon=0.05, causal=True)
    np.testing.assert_array_equal(STACK(X, causal=True), right)


def test_every_weight_but_the_bias_of_the_keys_has_a_gradient():
    def loss(w):
        return jnp.sum(jnp.sin(encoder(X, w, LENGTHS, norm="pre", epsilon=0.05)))

    sizes = {name: float(jnp.abs(g).max()) for name, g in jax.grad(loss)(STACK.get_weights()).items()}
    assert max(sizes.pop(f"bias_k_{n}") for n in range(2)) < 1e-5
    assert min(sizes.values()) > 1e-4


def test_nan_in_the_padding_reaches_no_gradient():
    real = jnp.arange(5) < LENGTHS[:, None]
    x = jnp.where(real[..., None], X, jnp.nan)
    given = {"norm": "pre", "epsilon": 0.05}
    found = jax.grad(lambda x, w: encoder(x, w, LENGTHS, **given).sum(), argnums=(0, 1))(x, STACK.get_weights())
    right = jax.grad(lambda x, w: encoder(x, w, LENGTHS, **given).sum(), argnums=(0, 1))(X, STACK.get_weights())
    jax.tree.map(np.testing.assert_array_equal, found, right)


def test_eleven_layers_come_in_the_order_of_their_numbers():
    x, table = X[:1, :2, :2], Encoder(2, 1, 1, 11, norm="post", rngs=nnx.Rngs(4)).get_weights()
    layers, _ = topic._taken_apart("encoder", x, table, topic.AXES, "post")
    for n, layer in enumerate(layers):  # as text, 10 stands before 2
        for name, w in layer.items():
            assert w is table[f"{name}_{n}"]
    assert len(layers) == 11


def test_a_new_layer_starts_as_it_says():
    table = EncoderLayer(256, 4, 64, norm="pre", rngs=nnx.Rngs(2)).get_weights()
    for name, w in table.items():
        if name.startswith("kernel"):
            assert abs(float(w.std()) * (8 if name == "kernel_out" else 16) - 1) < 0.03
        else:
            np.testing.assert_array_equal(w, jnp.full(w.shape, float(name.startswith("scale"))))
    assert table["kernel_in"].shape == (256, 64)
    stacked = Encoder(6, 2, 9, 2, norm="pre", rngs=nnx.Rngs(3)).get_weights()
    assert not np.array_equal(stacked["kernel_q_0"], stacked["kernel_q_1"])
    np.testing.assert_array_equal(stacked["final_scale"], jnp.ones(6))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: EncoderLayer(6, 4, 9, norm="pre", rngs=nnx.Rngs(0)),
         "EncoderLayer: 6 features cannot be shared among 4 heads, with 9 units"),
        (lambda: Encoder(6, 2, 9, 0, norm="pre", rngs=nnx.Rngs(0)), "Encoder: layers is 0, must be at least 1"),
        (lambda: encoder_layer(X[..., :5], LAYER.get_weights(), norm="post", epsilon=0.05),
         "encoder_layer: kernel_q has in_features=6 but x has in_features=5"),
        (lambda: encoder_layer(X, LAYER.get_weights(), jnp.array([5, 6, 1]), norm="post", epsilon=0.05),
         "encoder_layer: lengths has 6, expected 0 to 5, the number of steps in x"),
        (lambda: encoder(X, {n: w for n, w in STACK.get_weights().items() if n != "bias_in_1"}, norm="pre",
                         epsilon=0.05),
         "encoder: weights lacks bias_in_1; it has kernel_q_0, kernel_k_0, kernel_v_0, ..., final_shift"),
    ],
)  # fmt: skip
def test_errors_say_what_is_wrong(call, message):
    with pytest.raises(ValueError) as caught:
        call()
    assert str(caught.value) == message
