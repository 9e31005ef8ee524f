"""Neurons: what only the reference can be asked, its errors and compiled programs."""

import jax
import numpy as np
import pytest

from nnspec.components.layers import dense
from nnspec.components.neurons import neuron, perceptron_update

X = np.linspace(-1, 1, 15, dtype=np.float32).reshape(5, 3)
W, B = np.array([0.5, -2.0, 1.0], np.float32), np.float32(0.25)
START = np.zeros(3, np.float32), np.float32(0)


def test_a_neuron_is_a_dense_layer_of_one_unit():
    np.testing.assert_allclose(neuron(X, W, B, activation="identity"), dense(X, W[:, None], B[None])[:, 0], rtol=1e-6)


def test_a_python_number_is_a_bias():
    np.testing.assert_array_equal(neuron(X, W, 0.25, activation="tanh"), neuron(X, W, B, activation="tanh"))


def test_mapped_over_units_it_is_a_layer():
    kernel, bias = np.stack([W, 2 * W], axis=1), np.array([0.25, -1], np.float32)
    units = jax.vmap(lambda w, b: neuron(X, w, b, activation="identity"), in_axes=(1, 0), out_axes=1)
    np.testing.assert_allclose(units(kernel, bias), dense(X, kernel, bias), rtol=1e-6)


def test_the_update_compiles_inside_a_scan():
    labels = np.array([1, -1, 1, 1, -1], np.float32)

    def scanned(carry, example):
        return perceptron_update(*carry, *example), None

    scanned_to, _ = jax.lax.scan(scanned, START, (X, labels))
    weights, bias = START
    for x, label in zip(X, labels, strict=True):
        weights, bias = perceptron_update(weights, bias, x, label)
    np.testing.assert_array_equal(scanned_to[0], weights)
    np.testing.assert_array_equal(scanned_to[1], bias)


def test_a_label_that_is_traced_is_not_looked_at():
    weights, bias = jax.jit(lambda label: perceptron_update(*START, X[0], label))(0.5)
    np.testing.assert_array_equal(weights, 0.5 * X[0])
    np.testing.assert_array_equal(bias, 0.5)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: neuron(X[:, :2], W, B, activation="tanh"),
            ValueError,
            "neuron: weights has in_features=3 but x has in_features=2",
        ),
        (
            lambda: neuron(X.astype(np.int32), W, B, activation="tanh"),
            TypeError,
            "neuron: x has dtype int32, expected floating point; cast it with x.astype(jnp.float32)",
        ),
        (
            lambda: perceptron_update(*START, X[0], 0.0),
            ValueError,
            "perceptron_update: label must be -1 or 1 (2 * label - 1 makes it from 0 and 1), got 0.0",
        ),
        (
            lambda: perceptron_update(*START, X[0], np.float32("nan")),
            ValueError,
            "perceptron_update: label must be -1 or 1 (2 * label - 1 makes it from 0 and 1), got nan",
        ),
        (
            lambda: perceptron_update(*START, X[0, :2], 1.0),
            ValueError,
            "perceptron_update: x has in_features=2 but weights has in_features=3",
        ),
    ],
)
def test_bad_input_is_one_line(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message


@pytest.mark.parametrize("name", ["rulu", "softmax"])
def test_an_activation_that_is_none_of_a_single_number_is_refused(name):
    with pytest.raises(ValueError, match=f"neuron: activation must be one of .*, got '{name}'"):
        neuron(X, W, B, activation=name)
