"""What the suite cannot see of convolutional autoencoders: the module, its first weights, and errors."""

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from nnspec.architectures.convolutional_autoencoder import (
    ConvolutionalAutoencoder,
    convolutional_autoencoder,
    convolutional_decoder,
    convolutional_encoder,
    tied_convolutional_autoencoder,
)

X = jnp.asarray(np.random.default_rng(0).standard_normal((2, 8, 12, 3)), jnp.float32)


def network(**given):
    return ConvolutionalAutoencoder(3, **{"maps": 16, "code": 4, "rngs": nnx.Rngs(0)} | given)


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_a_module_is_the_function_of_its_table(activation, tied):
    net = network(activation=activation, tied=tied)
    function = tied_convolutional_autoencoder if tied else convolutional_autoencoder
    code, y = function(X, net.get_weights(), activation=activation)

    for got, want in zip((*net(X), net.encode(X), net.decode(code)), (code, y, code, y), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)


def biased(net):
    """The table of a network, with biases that are not 0."""
    return {n: w if w.ndim == 4 else w + jnp.linspace(0.25, 1, w.size) for n, w in net.get_weights().items()}


@pytest.mark.parametrize("tied", [False, True])
def test_encoder_and_decoder_are_the_two_halves_and_need_their_own_weights_alone(tied):
    table = biased(network(tied=tied))
    code, y = (tied_convolutional_autoencoder if tied else convolutional_autoencoder)(X, table, activation="tanh")
    own = [{n: w for n, w in table.items() if not n.startswith(other)} for other in ("decoder", "encoder")]

    assert len(own[0]) == len(own[1]) == 4 < len(table)
    for weights in (table, own[0]):
        np.testing.assert_allclose(convolutional_encoder(X, weights, activation="tanh"), code, rtol=1e-5, atol=1e-6)
    for weights in (table, own[1]):
        np.testing.assert_allclose(convolutional_decoder(code, weights, activation="tanh"), y, rtol=1e-5, atol=1e-6)


def test_tied_kernels_are_those_of_both_halves():
    table = biased(network(tied=True))
    free = {f"encoder_kernel_{i}": table[f"kernel_{i}"] for i in (0, 1)}
    free |= {f"decoder_kernel_{i}": table[f"kernel_{i}"].swapaxes(2, 3) for i in (0, 1)}
    free |= {n: w for n, w in table.items() if "bias" in n}

    wanted = convolutional_autoencoder(X, free, activation="tanh")
    for got, want in zip(tied_convolutional_autoencoder(X, table, activation="tanh"), wanted, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-6)


def test_tied_weights_are_one_parameter_each():
    sizes = [sum(w.size for w in network(tied=tied).get_weights().values()) for tied in (False, True)]
    kernels, biases = 16 * (3 * 16 + 16 * 4), 16 + 4 + 16 + 3
    assert sizes == [2 * kernels + biases, kernels + biases]


@pytest.mark.parametrize("tied", [False, True])
def test_every_weight_has_a_gradient(tied):
    def loss(net):
        return ((net(X)[1] - X) ** 2).mean()

    gradient = nnx.grad(loss)(network(tied=tied))["weights"]
    assert all(np.abs(np.asarray(gradient[name][...])).max() > 0 for name in network(tied=tied).get_weights())


def test_first_weights_keep_the_size_of_what_they_read():
    net = network(maps=64, code=64, activation="tanh")
    inside = np.asarray(net.decode(jnp.ones((1, 8, 8, 64)) * np.random.default_rng(1).choice([-1, 1], 64)))[
        :, 3:-3, 3:-3
    ]
    kernels = {name: np.asarray(w).std() for name, w in net.get_weights().items() if "kernel" in name}

    assert kernels["encoder_kernel_1"] == pytest.approx((1 / (16 * 64)) ** 0.5, rel=0.02)
    assert kernels["decoder_kernel_1"] == pytest.approx((1 / (4 * 64)) ** 0.5, rel=0.02)
    assert 0.3 < inside.std() < 1.5


def test_errors():
    table = network().get_weights()
    lacking = {name: w for name, w in table.items() if name != "decoder_bias_1"}
    for message, x, weights in (
        ("multiples of 4", X[:, :6], table),
        ("multiples of 4", X[:, :, :0], table),
        ("weights lacks decoder_bias_1", X, lacking),
        ("in_features", X[..., :2], table),
        ("kernel_1 has shape .* at least 1 map", X, table | {"encoder_kernel_1": jnp.ones((4, 4, 16, 0)),
         "decoder_kernel_1": jnp.ones((4, 4, 0, 16)), "encoder_bias_1": jnp.ones(0)}),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=message) as found:
            convolutional_autoencoder(x, weights, activation="relu")
        assert "\n" not in str(found.value)
    with pytest.raises(ValueError, match="at least 1, got 0"):
        network(code=0)


def test_errors_of_the_halves_and_of_tied_weights():
    free, tied = network().get_weights(), network(tied=True).get_weights()
    code, lacking = jnp.ones((2, 2, 3, 4)), {"encoder_kernel_1": X, "decoder_kernel_1": X}
    for message, function, x, weights in (
        ("convolutional_encoder: .*multiples of 4", convolutional_encoder, X[:, :6], free),
        ("convolutional_encoder: .*in_features", convolutional_encoder, X[..., :2], free),
        ("convolutional_encoder: encoder_kernel_1 has shape", convolutional_encoder, X, free | lacking),
        ("convolutional_encoder: .*kernel_2", convolutional_encoder, X, tied | {"kernel_2": X}),
        ("convolutional_decoder: .*in_features", convolutional_decoder, code[..., :3], free),
        ("convolutional_decoder: .*in_features", convolutional_decoder, code[..., :3], tied),
        ("convolutional_decoder: decoder_kernel_1 has shape", convolutional_decoder, code, free | lacking),
        ("tied_convolutional_autoencoder: .*multiples of 4", tied_convolutional_autoencoder, X[:, :6], tied),
        ("tied_convolutional_autoencoder: .*decoder_kernel_0", tied_convolutional_autoencoder, X, free | tied),
    ):
        with pytest.raises(ValueError, match=message) as found:
            function(x, weights, activation="relu")
        assert "\n" not in str(found.value)
