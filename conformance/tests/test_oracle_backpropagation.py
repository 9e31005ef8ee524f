"""The oracle of backpropagation against differences in 50 digits."""

import mpmath
import numpy as np
import pytest

from nnspec_conformance.oracles.components import backpropagation as oracle
from nnspec_conformance.suite.components import test_backpropagation as suite

MP = mpmath.mp.clone()
MP.dps = 50
PHI = {
    "identity": lambda z: z,
    "relu": lambda z: max(z, MP.mpf(0)),
    "tanh": MP.tanh,
    "sigmoid": lambda z: 1 / (1 + MP.exp(-z)),
}


def loss_in_50_digits(x, labels, weights, phi, loss):
    total = MP.mpf(0)
    for row, label in zip(x, labels, strict=True):
        a, layers = list(row), len(weights) // 2
        for i in range(layers):
            kernel, bias = weights[f"kernel_{i}"], weights[f"bias_{i}"]
            z = [sum(v * w for v, w in zip(a, kernel[:, j], strict=True)) + bias[j] for j in range(len(bias))]
            a = [phi(v) for v in z] if i < layers - 1 else z
        if loss == "half_squared_error":
            total += sum((v - t) ** 2 for v, t in zip(a, label, strict=True)) / 2
        else:
            log_sum = MP.log(sum(MP.exp(v) for v in a))
            total -= sum(t * (v - log_sum) for v, t in zip(a, label, strict=True))
    return total


def precise(array):
    return np.vectorize(lambda v: MP.mpf(float(v)), otypes=[object])(array)


@pytest.mark.parametrize("loss", oracle.LOSSES)
@pytest.mark.parametrize("activation", oracle.ACTIVATIONS)
def test_gradients_are_central_differences_in_50_digits(activation, loss):
    x, labels, weights = suite.arrays("float64", loss=loss)
    x, labels = x[:2], labels[:2]
    found = oracle.backpropagation(x, labels, weights, activation=activation, loss=loss)
    exact, h = {name: precise(w) for name, w in weights.items()}, MP.mpf(10) ** -15
    for name, w in exact.items():
        for at in list(np.ndindex(w.shape))[:4]:
            sides = []
            for step in (h, -h):
                moved = w.copy()
                moved[at] += step
                given = exact | {name: moved}
                sides.append(loss_in_50_digits(precise(x), precise(labels), given, PHI[activation], loss))
            assert found[name][at] == pytest.approx(float((sides[0] - sides[1]) / (2 * h)), rel=1e-12, abs=1e-13)


@pytest.mark.parametrize("loss", oracle.LOSSES)
@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
def test_second_derivatives_are_differences_of_gradients(activation, loss):
    x, labels, weights = suite.arrays("float64", loss=loss)
    v = {name: np.cos(np.arange(w.size)).reshape(w.shape) for name, w in weights.items()}
    dx, dlabels, dweights = oracle.backpropagation_vjp(x, labels, weights, v, activation=activation, loss=loss)
    h = 1e-5
    above, below = (
        oracle.gradients(x, labels, {n: w + s * h * v[n] for n, w in weights.items()}, activation=activation, loss=loss)
        for s in (1, -1)
    )
    np.testing.assert_allclose(dx, (above[0] - below[0]) / (2 * h), atol=1e-8)
    np.testing.assert_allclose(dlabels, (above[1] - below[1]) / (2 * h), atol=1e-8)
    for name, one in dweights.items():
        np.testing.assert_allclose(one, (above[2][name] - below[2][name]) / (2 * h), atol=1e-8)
