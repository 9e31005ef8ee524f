"""The oracles of layers, neurons and forward propagation: sums in mpmath, gradients by the complex step.

The recursion and the activations are written here once more: not every oracle of an activation takes complex numbers.
"""

import mpmath
import numpy as np
import pytest

from nnspec_conformance.derivatives import complex_step
from nnspec_conformance.inputs import normal_draws
from nnspec_conformance.oracles.components import forward_propagation, layers, neurons
from nnspec_conformance.trees import leaves, mapped

MP = mpmath.mp.clone()
MP.dps = 40
X, KERNEL, BIAS = (normal_draws(i, shape, "float64") for i, shape in enumerate([(4, 3), (3, 5), (5,)]))
SHAPES = {"kernel_0": (3, 5), "bias_0": (5,), "kernel_1": (5, 4), "bias_1": (4,), "kernel_2": (4, 2), "bias_2": (2,)}
WEIGHTS = {name: normal_draws(10 + i, shape, "float64") for i, (name, shape) in enumerate(SHAPES.items())}
COTANGENTS = normal_draws(9, (4, 2), "float64")
ANALYTIC = {  # activations that take complex numbers
    "identity": lambda z: z,
    "tanh": np.tanh,
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "softplus": lambda z: np.log(1 + np.exp(z)),
    "silu": lambda z: z / (1 + np.exp(-z)),
    "softmax": lambda z: np.exp(z) / np.exp(z).sum(-1, keepdims=True),
    "log_softmax": lambda z: z - np.log(np.exp(z).sum(-1, keepdims=True)),
}


def assert_close(got, expected):
    """Within rounding, array by array."""
    for one, other in zip(leaves(got), leaves(expected), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-12)


def recursion(x, weights, phi):
    for i in range(3):
        x = x @ weights[f"kernel_{i}"] + weights[f"bias_{i}"]
        x = phi(x) if i < 2 else x
    return x


def test_dense_is_the_sum():
    got = layers.dense(X, KERNEL, BIAS)
    for row, unit in np.ndindex(got.shape):
        products = [MP.mpf(a) * MP.mpf(b) for a, b in zip(X[row], KERNEL[:, unit], strict=True)]
        exact = MP.fsum([*products, MP.mpf(BIAS[unit])])
        assert abs(got[row, unit] - float(exact)) < 8 * 2.0**-53 * float(sum(map(abs, products)) + abs(BIAS[unit]))


@pytest.mark.parametrize("name", ANALYTIC)
def test_mlp_is_the_recursion(name):
    expected = recursion(X, WEIGHTS, ANALYTIC[name])
    np.testing.assert_allclose(layers.mlp(X, WEIGHTS, activation=name), expected, rtol=1e-12, atol=1e-13)


def test_gradients_of_dense():
    g = normal_draws(8, (4, 5), "float64")
    assert_close(layers.dense_vjp(X, KERNEL, BIAS, g), complex_step(layers.dense, (X, KERNEL, BIAS), g))


@pytest.mark.parametrize("name", ANALYTIC)
def test_gradients_of_mlp(name):
    expected = complex_step(lambda x, weights: recursion(x, weights, ANALYTIC[name]), (X, WEIGHTS), COTANGENTS)
    got = layers.mlp_vjp(X, WEIGHTS, COTANGENTS, activation=name)
    assert list(got[1]) == list(WEIGHTS)
    assert_close(got, expected)


@pytest.mark.parametrize("name", ANALYTIC)
def test_gradients_of_forward_propagation(name):
    def values(x, weights):
        found = {}
        for i in range(3):
            z = x @ weights[f"kernel_{i}"] + weights[f"bias_{i}"]
            x = ANALYTIC[name](z) if i < 2 else z
            found |= {f"z_{i}": z, f"a_{i}": x}
        return found

    shapes = mapped(np.shape, values(X, WEIGHTS))
    cotangents = {key: normal_draws(20 + i, shape, "float64") for i, (key, shape) in enumerate(shapes.items())}
    expected = complex_step(values, (X, WEIGHTS), cotangents)
    assert_close(forward_propagation.forward_vjp(X, WEIGHTS, cotangents, activation=name), expected)


@pytest.mark.parametrize("name", [name for name in ANALYTIC if "softmax" not in name])
def test_neuron_and_its_gradients(name):
    def neuron(x, weights, bias):
        return ANALYTIC[name](x @ weights + bias)

    arrays, g = (X, KERNEL[:, 0], np.asarray(BIAS[0])), COTANGENTS[:, 0]
    np.testing.assert_allclose(neurons.neuron(*arrays, activation=name), neuron(*arrays), rtol=1e-12, atol=1e-13)
    assert_close(neurons.neuron_vjp(*arrays, g, activation=name), complex_step(neuron, arrays, g))


@pytest.mark.parametrize(
    "weights",
    [{}, {"kernel_0": KERNEL}, {"bias_0": BIAS}, {"kernel_0": KERNEL, "bias_0": BIAS, "bias_1": BIAS}],
    ids=["empty", "no bias", "no kernel", "an extra bias"],
)
def test_a_table_that_is_no_network_is_refused(weights):
    with pytest.raises(ValueError, match="missing or extra"):
        layers.mlp(X, weights, activation="tanh")


def test_the_perceptron_by_hand():
    step = neurons.perceptron({"weights": np.zeros(2), "bias": np.asarray(0.0)})
    path = [step({"x": np.array(x), "label": np.asarray(y)}) for x, y in [((2.0, 1.0), 1.0), ((1.0, 3.0), -1.0)]]
    assert [(p["weights"].tolist(), float(p["bias"])) for p in path] == [([2.0, 1.0], 1.0), ([1.0, -2.0], 0.0)]
