"""The oracles of layers and neurons against sums in mpmath, and their gradients against the complex step.

A complex step has no cancellation: Im f(x + ih) / h with h = 1e-30 is the derivative to rounding.
"""

import mpmath
import numpy as np
import pytest

from nnspec_conformance.inputs import normal_draws
from nnspec_conformance.oracles.components import layers, neurons

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


def complex_step(f, arrays):
    """The gradient of f, a sum, for each array of a dict."""
    found = {}
    for name, x in arrays.items():
        found[name] = np.zeros(x.shape)
        for at in np.ndindex(x.shape):
            moved = x.astype(np.complex128)
            moved[at] += 1e-30j
            found[name][at] = f(**(arrays | {name: moved})).imag / 1e-30
    return found


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
    expected = complex_step(
        lambda x, kernel, bias: ((x @ kernel + bias) * g).sum(), {"x": X, "kernel": KERNEL, "bias": BIAS}
    )
    for got, wanted in zip(layers.dense_vjp(X, KERNEL, BIAS, g), expected.values(), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", ANALYTIC)
def test_gradients_of_mlp(name):
    def total(x, **weights):
        return (recursion(x, weights, ANALYTIC[name]) * COTANGENTS).sum()

    expected = complex_step(total, {"x": X} | WEIGHTS)
    dx, gradients = layers.mlp_vjp(X, WEIGHTS, COTANGENTS, activation=name)
    assert list(gradients) == list(WEIGHTS)
    for key, got in ({"x": dx} | gradients).items():
        np.testing.assert_allclose(got, expected[key], rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("name", [name for name in ANALYTIC if "softmax" not in name])
def test_neuron_and_its_gradients(name):
    weights, bias, g = KERNEL[:, 0], np.asarray(BIAS[0]), COTANGENTS[:, 0]
    value = neurons.neuron(X, weights, bias, activation=name)
    np.testing.assert_allclose(value, ANALYTIC[name](X @ weights + bias), rtol=1e-12, atol=1e-13)

    def total(x, weights, bias):
        return (ANALYTIC[name](x @ weights + bias) * g).sum()

    expected = complex_step(total, {"x": X, "weights": weights, "bias": bias})
    for got, wanted in zip(neurons.neuron_vjp(X, weights, bias, g, activation=name), expected.values(), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-11, atol=1e-12)


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
