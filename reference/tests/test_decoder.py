"""What the conformance suite cannot see: the modules that hold their weights, their start, and errors."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from nnspec.architectures.transformer.decoder import (
    Decoder,
    DecoderLayer,
    EncoderDecoder,
    decoder,
    decoder_layer,
    encoder_decoder,
)

draw = np.random.default_rng(0).standard_normal
X, SOURCE = jnp.asarray(draw((3, 4, 6)), jnp.float32), jnp.asarray(draw((3, 5, 6)), jnp.float32)
LENGTHS, NONE = jnp.array([5, 2, 3]), jnp.array([5, 0, 3])
GIVEN = {"norm": "pre", "epsilon": 0.05}
LAYER = DecoderLayer(6, 2, 9, norm="post", activation="gelu", epsilon=0.05, rngs=nnx.Rngs(0))
STACK = Decoder(6, 2, 9, 2, **GIVEN, rngs=nnx.Rngs(1))
WHOLE = EncoderDecoder(6, 2, 9, 2, **GIVEN, rngs=nnx.Rngs(2))


def test_the_modules_are_the_functions_of_their_weights():
    right = decoder_layer(X, LAYER.get_weights(), SOURCE, LENGTHS, norm="post", activation="gelu", epsilon=0.05)
    np.testing.assert_array_equal(LAYER(X, SOURCE, LENGTHS), right)
    np.testing.assert_array_equal(STACK(X, SOURCE), decoder(X, STACK.get_weights(), SOURCE, **GIVEN))
    right = encoder_decoder(SOURCE, X, WHOLE.get_weights(), LENGTHS, **GIVEN)
    np.testing.assert_array_equal(WHOLE(SOURCE, X, LENGTHS), right)


def test_every_layer_of_the_decoder_sees_the_last_result_of_the_encoder():
    seen, y = WHOLE.encoder(SOURCE), X
    table = WHOLE.decoder.get_weights()
    for n in range(2):
        own = {name.removesuffix(f"_{n}"): w for name, w in table.items() if name.endswith(f"_{n}")}
        y = decoder_layer(y, own, seen, **GIVEN)
    last = EncoderDecoder(6, 2, 9, 2, **GIVEN, rngs=nnx.Rngs(2)).decoder
    np.testing.assert_allclose(WHOLE(SOURCE, X), last(X, seen), rtol=1e-5, atol=1e-6)
    mean, deviation = y.mean(-1, keepdims=True), jnp.sqrt(y.var(-1, keepdims=True) + 0.05)
    np.testing.assert_allclose(WHOLE(SOURCE, X), (y - mean) / deviation, rtol=1e-4, atol=1e-5)


def test_every_weight_but_the_biases_of_keys_has_a_gradient():
    def loss(w):
        return jnp.sum(jnp.sin(encoder_decoder(SOURCE, X, w, LENGTHS, **GIVEN)))

    sizes = {name: float(jnp.abs(g).max()) for name, g in jax.grad(loss)(WHOLE.get_weights()).items()}
    assert max(size for name, size in sizes.items() if "bias_k" in name) < 1e-5
    assert min(size for name, size in sizes.items() if "bias_k" not in name) > 1e-4


def test_nan_in_the_padding_reaches_no_gradient():
    real = (jnp.arange(5) < LENGTHS[:, None])[..., None]

    def loss(source, x, w):
        return encoder_decoder(source, x, w, LENGTHS, **GIVEN).sum()

    gradients = jax.jit(jax.grad(loss, argnums=(0, 1, 2)))
    found = gradients(jnp.where(real, SOURCE, jnp.nan), X, WHOLE.get_weights())
    jax.tree.map(np.testing.assert_array_equal, found, gradients(SOURCE, X, WHOLE.get_weights()))


def test_a_traced_length_of_0_finds_zeros_and_leaves_its_neighbours_as_they_are():
    def loss(lengths, source, x, w):
        y = encoder_decoder(source, x, w, lengths, **GIVEN)
        return jnp.sin(y[::2]).sum(), y

    run = jax.jit(jax.grad(loss, argnums=(1, 2, 3), has_aux=True))
    found, right = (run(lengths, SOURCE, X, WHOLE.get_weights()) for lengths in (NONE, LENGTHS))
    np.testing.assert_array_equal(found[1][::2], right[1][::2])
    assert not np.array_equal(found[1][1], right[1][1])
    for one, other in zip(jax.tree.leaves(found[0]), jax.tree.leaves(right[0]), strict=True):
        assert np.isfinite(one).all()
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_a_new_layer_starts_as_it_says():
    table = DecoderLayer(256, 4, 64, norm="pre", rngs=nnx.Rngs(3)).get_weights()
    for name, w in table.items():
        if "kernel" in name:
            assert abs(float(w.std()) * (8 if name == "kernel_out" else 16) - 1) < 0.03
        else:
            np.testing.assert_array_equal(w, jnp.full(w.shape, float(name.startswith("scale"))))
    assert not np.array_equal(table["kernel_q"], table["cross_kernel_q"])
    both = WHOLE.get_weights()
    assert not np.array_equal(both["encoder_kernel_q_0"], both["decoder_kernel_q_0"])
    assert len({float(w.ravel()[0]) for name, w in both.items() if "kernel" in name}) == 2 * (6 + 10)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: DecoderLayer(6, 4, 9, norm="pre", rngs=nnx.Rngs(0)),
         "DecoderLayer: 6 features cannot be shared among 4 heads, with 9 units"),
        (lambda: Decoder(6, 2, 9, 0, norm="pre", rngs=nnx.Rngs(0)), "Decoder: layers is 0, must be at least 1"),
        (lambda: decoder_layer(X[..., :5], LAYER.get_weights(), SOURCE[..., :5], **GIVEN),
         "decoder_layer: kernel_q has in_features=6 but x has in_features=5"),
        (lambda: decoder(X, STACK.get_weights(), SOURCE, jnp.array([5, 6, 1]), **GIVEN),
         "decoder: lengths has 6, expected 1 to 5, the number of steps in x"),
        (lambda: decoder_layer(X, LAYER.get_weights(), SOURCE, NONE, **GIVEN),
         "decoder_layer: lengths has 0, expected 1 to 5, the number of steps in x"),
        (lambda: encoder_decoder(SOURCE, X, WHOLE.get_weights(), NONE, **GIVEN),
         "encoder_decoder: lengths has 0, expected 1 to 5, the number of steps in x"),
        (lambda: decoder(X, STACK.get_weights(), SOURCE[:, :0], **GIVEN),
         "decoder: the source has no place; hand over at least one, such as that of an end token"),
        (lambda: jax.jit(lambda s: encoder_decoder(s, X, WHOLE.get_weights(), **GIVEN))(SOURCE[:, :0]),
         "encoder_decoder: the source has no place; hand over at least one, such as that of an end token"),
        (lambda: encoder_decoder(SOURCE, X, WHOLE.get_weights() | {"kernel_q_0": X}, **GIVEN),
         "encoder_decoder: weights has kernel_q_0, expected names from encoder_ or decoder_ on"),
    ],
)  # fmt: skip
def test_errors_say_what_is_wrong(call, message):
    with pytest.raises(ValueError) as caught:
        call()
    assert str(caught.value) == message
