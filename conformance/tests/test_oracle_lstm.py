"""The oracle of the long short-term memory against mpmath, whose recursion is written here once more; complex steps."""

import functools
import itertools

import mpmath
import numpy as np
import pytest

from nnspec_conformance.derivatives import complex_step
from nnspec_conformance.oracles.architectures import lstm as oracle
from nnspec_conformance.suite.architectures import test_lstm as suite
from nnspec_conformance.trees import leaves

MP = mpmath.mp.clone()
MP.dps = 50
X, WEIGHTS, H, C = suite.arrays("float64")
LENGTHS = np.array([7, 3, 0, 5])
READINGS = [
    {"padded_outputs": padded, "reverse": reverse, "reverse_order": order}
    for padded, (reverse, order) in itertools.product(
        ("zero", "repeated", "running"), ((False, "aligned"), (True, "aligned"), (True, "processing"))
    )
]


def sigmoid(z):
    return 1 / (1 + MP.exp(-z))


def exactly(inputs, h, c, weights):
    """The states of one sequence and its last cell, in 50 digits."""
    h, c, found = [MP.mpf(float(v)) for v in h], [MP.mpf(float(v)) for v in c], []
    for x in inputs:

        def total(gate, j, x=x, h=h):
            columns = [weights[f"{kind}_{gate}"][:, j] for kind in ("kernel", "recurrent_kernel")]
            read = [*(MP.mpf(float(v)) for v in x), *h]
            parts = zip(read, map(float, np.concatenate(columns)), strict=True)
            return sum((v * w for v, w in parts), MP.mpf(float(weights[f"bias_{gate}"][j])))

        units = range(len(h))
        c = [sigmoid(total("f", j)) * c[j] + sigmoid(total("i", j)) * MP.tanh(total("g", j)) for j in units]
        h = [sigmoid(total("o", j)) * MP.tanh(c[j]) for j in units]
        found.append([float(v) for v in h])
    return np.array(found), [float(v) for v in c]


def test_states_are_those_of_50_digits():
    y, _, c = oracle.lstm(X, WEIGHTS, H, C)
    for i, inputs in enumerate(X):
        states, cell = exactly(inputs, H[i], C[i], WEIGHTS)
        np.testing.assert_allclose(y[i], states, rtol=1e-13, atol=1e-15)
        np.testing.assert_allclose(c[i], cell, rtol=1e-13, atol=1e-15)


def test_forty_steps_are_those_of_50_digits():
    x = suite.arrays("float64", time=40)[0]
    y, _, c = oracle.lstm(x[:1], WEIGHTS, H[:1], C[:1])
    states, cell = exactly(x[0], H[0], C[0], WEIGHTS)
    np.testing.assert_allclose(y[0], states, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(c[0], cell, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("z", [-700.0, -40.0, -1e-300, 0.0, 3.0, 40.0, 700.0])
def test_a_step_of_one_unit_at_its_extremes(z):
    one = {name: np.full((1, 1) if "kernel" in name else 1, float(name == "kernel_i")) for name in oracle.NAMES}
    one |= {"bias_g": np.array([800.0]), "bias_f": np.array([-800.0])}
    _, c = oracle.lstm_step(np.array([[z]]), one, np.zeros((1, 1)), np.ones((1, 1)))
    assert c[0, 0] == pytest.approx(float(sigmoid(MP.mpf(z))), rel=4e-16, abs=0)


def test_a_huge_cell_is_bounded_by_its_tanh():
    h, c = oracle.lstm_step(X[:, 0], WEIGHTS, H, 1e300 * C)
    assert np.abs(h).max() <= 1
    assert np.abs(c).max() > 1e299


@pytest.mark.parametrize("readings", READINGS, ids=str)
def test_gradients_are_those_of_complex_steps(readings):
    arrays = X[:, :, :2], {name: w[:2] if name.startswith("kernel") else w for name, w in WEIGHTS.items()}, H, C
    f = functools.partial(lambda *a: oracle.lstm(*a, LENGTHS, **readings))
    rng = np.random.default_rng(3)
    g = tuple(rng.standard_normal(part.shape) for part in f(*arrays))
    want = [np.zeros_like(part) for part in leaves(arrays)]
    for n, part in enumerate(g):  # one answer after the other
        found = leaves(complex_step(lambda *a, n=n: f(*a)[n], arrays, part))
        want = [total + one for total, one in zip(want, found, strict=True)]
    got = leaves(oracle.lstm_vjp(*arrays, LENGTHS, g, **readings))
    for one, right in zip(got, want, strict=True):
        np.testing.assert_allclose(one, right, rtol=1e-11, atol=1e-12)


def test_gradient_of_a_step_is_that_of_a_complex_step():
    arrays, g = (X[:, 0], WEIGHTS, H, C), (C[::-1], H[::-1])
    got = leaves(oracle.lstm_step_vjp(*arrays, g))
    parts = [leaves(complex_step(lambda *a, n=n: oracle.lstm_step(*a)[n], arrays, g[n])) for n in range(2)]
    for one, first, second in zip(got, *parts, strict=True):
        np.testing.assert_allclose(one, first + second, rtol=1e-12, atol=1e-13)


def test_the_pages_example_by_hand():
    x = np.array(oracle.EXAMPLE_X, np.float64).reshape(1, 3, 1)
    weights = {f"kernel_{k}": np.full((1, 1), float(v)) for k, v in oracle.EXAMPLE_KERNEL.items()}
    weights |= {f"recurrent_kernel_{k}": np.zeros((1, 1)) for k in oracle.GATES}
    weights |= {f"bias_{k}": np.full(1, float(v)) for k, v in oracle.EXAMPLE_BIAS.items()}
    start = np.zeros((1, 1)), np.full((1, 1), oracle.EXAMPLE_CELL)
    cells = [oracle.lstm(x[:, :n], weights, *start)[2][0, 0] for n in (1, 2, 3)]
    states = oracle.lstm(x, weights, *start)[0].ravel()
    none = np.zeros((1, 3, 1)), np.zeros((1, 1)), np.ones((1, 1))

    assert cells == pytest.approx(oracle.EXAMPLE_CELLS, rel=1e-15)
    assert states == pytest.approx([0.4168, 0.3581, 0.2941], abs=5e-5)
    assert oracle.lstm_vjp(x, weights, *start, none)[3][0, 0] == pytest.approx(0.75**3, rel=1e-15)


def test_the_padded_states_of_frameworks():
    weights = {name: w[:1, :1] if w.ndim == 2 else w[:1] for name, w in WEIGHTS.items()}
    x, none = X[:1, :3, :1], (None, None)
    whole = oracle.lstm(x, weights)[0].ravel()
    padded = {
        word: oracle.lstm(x, weights, *none, np.array([2]), padded_outputs=word)[0].ravel()
        for word in ("zero", "repeated", "running")
    }
    np.testing.assert_array_equal(padded["zero"], [*whole[:2], 0])
    np.testing.assert_array_equal(padded["repeated"], [*whole[:2], whole[1]])
    np.testing.assert_array_equal(padded["running"], whole)
