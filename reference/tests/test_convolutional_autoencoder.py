"""What the suite cannot see of convolutional autoencoders: the module, its first weights, and errors."""

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from nnspec.architectures.convolutional_autoencoder import ConvolutionalAutoencoder, convolutional_autoencoder

X = jnp.asarray(np.random.default_rng(0).standard_normal((2, 8, 12, 3)), jnp.float32)


def network(**given):
    return ConvolutionalAutoencoder(3, **{"maps": 16, "code": 4, "rngs": nnx.Rngs(0)} | given)


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_a_module_is_the_function_of_its_table(activation):
    net = network(activation=activation)
    code, y = convolutional_autoencoder(X, net.get_weights(), activation=activation)

    for got, want in zip((*net(X), net.encode(X), net.decode(code)), (code, y, code, y), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)


def test_every_weight_has_a_gradient():
    def loss(net):
        return ((net(X)[1] - X) ** 2).mean()

    gradient = nnx.grad(loss)(network())["weights"]
    assert all(np.abs(np.asarray(gradient[name][...])).max() > 0 for name in network().get_weights())


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
    ):
        with pytest.raises(ValueError, match=message) as found:
            convolutional_autoencoder(x, weights, activation="relu")
        assert "\n" not in str(found.value)
    with pytest.raises(ValueError, match="at least 1, got 0"):
        network(code=0)
