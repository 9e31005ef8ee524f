"""The oracle of forward propagation against mpmath, whose recursion is written here once more, and the page's numbers.

Values are within the rounding bound of float64; gradients are compared with central differences in 50 digits.
"""

import itertools
from fractions import Fraction

import mpmath
import numpy as np
import pytest

from nnspec_conformance.oracles.components import forward_propagation as oracle
from nnspec_conformance.suite.components import test_forward_propagation as suite

MP = mpmath.mp.clone()
MP.dps = 50
ACTIVATIONS = {
    "relu": lambda z: max(z, MP.mpf(0)),
    "tanh": MP.tanh,
    "sigmoid": lambda z: 1 / (1 + MP.exp(-z)),
    "gelu": lambda z: z * MP.erfc(-z / MP.sqrt(2)) / 2,
}
DEPTHS = [(3, 2), (3, 5, 2), (3, 7, 5, 2), (3, 7, 5, 4, 2)]


def exactly(x, weights, phi):
    """Every value of one example, in 50 digits."""
    values, a, layers = {}, [MP.mpf(float(v)) for v in x], len(weights) // 2
    for i in range(layers):
        kernel, bias = weights[f"kernel_{i}"], weights[f"bias_{i}"]
        columns = zip(kernel.T, bias, strict=True)
        z = [sum((v * w for v, w in zip(a, column, strict=True)), MP.mpf(b)) for column, b in columns]
        a = [phi(v) for v in z] if i < layers - 1 else z
        values |= {f"z_{i}": z, f"a_{i}": a}
    return values


def precise(weights):
    """The table with numbers of 50 digits."""
    return {name: np.vectorize(lambda v: MP.mpf(float(v)), otypes=[object])(w) for name, w in weights.items()}


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_value_is_within_the_error_carried_in_float64(activation):
    for widths in DEPTHS:
        x, weights = suite.arrays("float64", widths=widths)
        values, errors = suite.on_the_way(x, weights, activation)
        for example in range(len(x)):
            for name, right in exactly(x[example], precise(weights), ACTIVATIONS[activation]).items():
                off = [float(abs(MP.mpf(float(v)) - w)) for v, w in zip(values[name][example], right, strict=True)]
                assert np.all(off <= errors[name][example]), name


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "gelu"])
def test_gradients_are_central_differences_in_50_digits(activation):
    x, weights = suite.arrays("float64")
    cotangents = suite.cotangents_of((6,), "float64")
    dx, gradients = oracle.forward_vjp(x, weights, cotangents, activation=activation)
    phi, h = ACTIVATIONS[activation], MP.mpf(10) ** -15

    def total(x, weights):
        sums = [exactly(row, weights, phi) for row in x]
        pairs = itertools.product(range(len(x)), cotangents)
        return sum(float(c) * v for i, name in pairs for c, v in zip(cotangents[name][i], sums[i][name], strict=True))

    for name in ("kernel_0", "bias_1", "kernel_2"):
        moved = precise(weights)
        at = (0,) * moved[name].ndim
        moved[name][at] += h
        above = total(x, moved)
        moved[name][at] -= 2 * h
        difference = (above - total(x, moved)) / (2 * h)
        assert gradients[name][at] == pytest.approx(float(difference), rel=1e-12)
    assert dx.shape == x.shape


def test_gradient_for_the_input_is_the_product_of_jacobians_by_hand():
    x = np.array([oracle.EXAMPLE_X], np.float64)
    weights = {name: np.array(w, np.float64) for name, w in oracle.EXAMPLE_WEIGHTS.items()}
    cotangents = {name: np.zeros((1, len(v))) for name, v in oracle.EXAMPLE_VALUES.items()} | {
        "a_1": np.array([[1.0, 0.0]])
    }
    dx, gradients = oracle.forward_vjp(x, weights, cotangents, activation="relu")

    np.testing.assert_array_equal(dx, [[1 * 1 + 2 * -1, 1 * 0.5 + 2 * 1]])  # the third unit is off
    np.testing.assert_array_equal(gradients["kernel_1"], [[3, 0], [0.5, 0], [0, 0]])
    np.testing.assert_array_equal(gradients["bias_0"], [1, 2, 0])


def test_the_example_of_the_page_in_fractions():
    a, values = [Fraction(v) for v in oracle.EXAMPLE_X], {}
    for i in range(2):
        kernel, bias = oracle.EXAMPLE_WEIGHTS[f"kernel_{i}"], oracle.EXAMPLE_WEIGHTS[f"bias_{i}"]
        z = [
            sum(v * Fraction(row[j]) for v, row in zip(a, kernel, strict=True)) + Fraction(b)
            for j, b in enumerate(bias)
        ]
        a = [max(v, Fraction(0)) for v in z] if i == 0 else z
        values |= {f"z_{i}": z, f"a_{i}": a}

    assert values == {name: [Fraction(v) for v in value] for name, value in oracle.EXAMPLE_VALUES.items()}
    assert sum((v - Fraction(label)) ** 2 for v, label in zip(a, (2, -2), strict=True)) == Fraction(17, 16)
