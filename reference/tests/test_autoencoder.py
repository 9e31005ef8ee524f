"""What the suite cannot see of autoencoders: their modules and errors, and the target of a denoising one."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from nnspec.architectures import autoencoder as topic
from nnspec.architectures import autoencoder_variational as variational
from nnspec.architectures.autoencoder import (
    activity_penalty,
    add_noise,
    autoencoder,
    decode,
    denoising_error,
    encode,
    sparsity_divergence,
    tied_autoencoder,
)
from nnspec.architectures.autoencoder_modules import Autoencoder, VariationalAutoencoder
from nnspec.architectures.autoencoder_variational import bernoulli_bound, gaussian_bound, reparametrize

X = jnp.asarray(np.random.default_rng(0).standard_normal((5, 4)), jnp.float32)
KEY = jax.random.key(3)
TANH = {"activation": "tanh"}


def network(**given):
    return Autoencoder([4, 3, 2], activation="tanh", rngs=nnx.Rngs(0), **given)


def weights():
    """A table with biases that are not 0."""
    table = network().get_weights()
    return {name: w if w.ndim == 2 else w + jnp.linspace(0.25, 1, w.size) for name, w in table.items()}


# ---- the denoising error


def against_what_was_disturbed(x, table, key, *, activation, deviation):
    """Compares with the disturbed input, which a wide code copies."""
    disturbed = add_noise(x, key, deviation=deviation)
    _, y = autoencoder(disturbed, table, activation=activation)
    return jnp.sum((y - disturbed) ** 2, -1)


def without_noise(x, table, key, *, activation, deviation):
    """Feeds the input itself."""
    return denoising_error(x, table, key, activation=activation, deviation=0.0)


@pytest.mark.statement("denoising-error.clean", of=denoising_error, mutants=[against_what_was_disturbed, without_noise])
def test_target_is_the_input_before_the_noise(implementation):
    table = weights()
    found = implementation(X, table, KEY, deviation=0.5, **TANH)
    _, y = autoencoder(add_noise(X, KEY, deviation=0.5), table, **TANH)

    np.testing.assert_allclose(found, jnp.sum((y - X) ** 2, -1), rtol=1e-6)


# ---- functions


@pytest.mark.parametrize("function", [autoencoder, tied_autoencoder])
def test_encode_and_decode_are_the_two_halves(function):
    table = weights() if function is autoencoder else network(tied=True).get_weights()
    code, y = function(X, table, **TANH)

    np.testing.assert_allclose(encode(X, table, **TANH), code, rtol=1e-6)
    np.testing.assert_allclose(decode(code, table, **TANH), y, rtol=1e-6)


def test_each_half_needs_its_own_weights_alone():
    table = weights()
    encoder, decoder = ({n: w for n, w in table.items() if n.startswith(half)} for half in ("encoder", "decoder"))
    code, y = autoencoder(X, table, **TANH)

    np.testing.assert_allclose(encode(X, encoder, **TANH), code, rtol=1e-6)
    np.testing.assert_allclose(decode(code, decoder, **TANH), y, rtol=1e-6)


def test_the_same_key_draws_the_same():
    one, again, other = (reparametrize(X, X, jax.random.key(seed)) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, again)
    assert (one != other).all()


NO_CODE = {"kernel_0": X[:4, :0], "encoder_bias_0": X[0, :0], "decoder_bias_0": X[0]}


def test_errors():
    pixels, code = jnp.full((2, 3), 0.5), jnp.zeros((2, 2))
    table = weights()
    for message, function, arrays, given in (
        ("decoder_kernel_0 has units_0=4", autoencoder, (X, table | {"decoder_kernel_0": X[:4].T}), TANH),
        ("weights lacks encoder_bias_1", autoencoder, (X, without(table, "encoder_bias_1")), TANH),
        ("in_features", autoencoder, (X[:, :3], table), TANH),
        ("encoder_bias_0 has shape .* at least 1 unit", tied_autoencoder, (X, NO_CODE), TANH),
        ("strength must be zero or positive", activity_penalty, (code,), {"strength": -1.0}),
        ("target must be between 0 and 1", sparsity_divergence, (pixels,), {"target": 1.0}),
        ("code has the entry 1.5", sparsity_divergence, (pixels + 1,), {"target": 0.25}),
        ("deviation must be zero or positive", add_noise, (X, KEY), {"deviation": -0.1}),
        ("variance must be positive", gaussian_bound, (pixels, pixels, code, code), {"variance": 0.0, "beta": 1.0}),
        (
            "beta must be zero or positive",
            gaussian_bound,
            (pixels, pixels, code, code),
            {"variance": 1.0, "beta": -1.0},
        ),
        ("beta must be zero or positive", bernoulli_bound, (pixels, pixels, code, code), {"beta": -0.5}),
        ("x has the entry 1.5", bernoulli_bound, (pixels + 1, pixels, code, code), {"beta": 1.0}),
    ):
        with pytest.raises(ValueError, match=message) as found:
            function(*arrays, **given)
        assert "\n" not in str(found.value)


def without(table, name):
    return {key: value for key, value in table.items() if key != name}


# ---- modules


@pytest.mark.parametrize("tied", [False, True])
def test_a_module_is_the_function_of_its_table(tied):
    net = network(tied=tied)
    function = tied_autoencoder if tied else autoencoder
    for got, want in zip(net(X), function(X, net.get_weights(), **TANH), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)


def test_tied_weights_are_one_parameter_each():
    free, tied = (nnx.state(network(tied=tied), nnx.Param) for tied in (False, True))
    sizes = [sum(w.size for w in jax.tree.leaves(state)) for state in (free, tied)]
    assert sizes == [2 * (12 + 6) + 5 + 7, 12 + 6 + 5 + 7]


def test_a_variational_module_draws_around_its_mean():
    net = VariationalAutoencoder([4, 3, 2], activation="tanh", rngs=nnx.Rngs(0))
    y, mean, log_variance = net(X, KEY)

    np.testing.assert_allclose(y, net.decode(reparametrize(mean, log_variance, KEY)), rtol=1e-6)
    np.testing.assert_array_equal(net(X, KEY)[0], y)
    assert (net(X, jax.random.key(4))[0] != y).all()


def test_the_encoder_learns_from_a_draw():
    net = VariationalAutoencoder([4, 2], rngs=nnx.Rngs(0))

    def bound(net):
        y, mean, log_variance = net(X, KEY)
        return gaussian_bound(X, y, mean, log_variance, variance=1.0, beta=0.0).mean()

    gradient = nnx.grad(bound)(net)
    kernel = np.asarray(gradient["encoder"][0]["kernel"][...])
    assert np.abs(kernel).min(0).all(), "mean and log-variance both have a gradient"


@pytest.mark.parametrize("kind", [Autoencoder, VariationalAutoencoder])
@pytest.mark.parametrize(("sizes", "message"), [([4, 0], r"sizes\[1\] is 0"), ([4], "no code"), ([4, 2.0], "2.0")])
def test_sizes_are_checked(kind, sizes, message):
    with pytest.raises(ValueError, match=message):
        kind(sizes, rngs=nnx.Rngs(0))


def test_every_function_names_its_clause():
    for module in (topic, variational):
        for name in module.__all__:
            assert "][]" in inspect.getdoc(getattr(module, name))
