"""The oracle of recurrent layers against mpmath, whose recursion is written here once more, and complex steps."""

import functools
import itertools

import mpmath
import numpy as np
import pytest

from nnspec_conformance.axes import Interval
from nnspec_conformance.derivatives import complex_step
from nnspec_conformance.operations import Array
from nnspec_conformance.oracles.architectures import recurrent as oracle
from nnspec_conformance.suite.architectures import test_recurrent as suite

MP = mpmath.mp.clone()
MP.dps = 50
PHI = {"tanh": MP.tanh, "relu": lambda z: max(z, MP.mpf(0))}
X, WEIGHTS, CARRY = suite.arrays("float64")
LENGTHS = np.array([7, 3, 0, 5])
READINGS = [
    {"padded_outputs": padded, "reverse": reverse, "reverse_order": order}
    for padded, (reverse, order) in itertools.product(
        ("zero", "repeated", "running"), ((False, "aligned"), (True, "aligned"), (True, "processing"))
    )
]


def exactly(inputs, carry, activation):
    """The states of one sequence, in 50 digits."""
    rows = [[MP.mpf(float(v)) for v in row] for row in np.vstack([WEIGHTS["kernel"], WEIGHTS["recurrent_kernel"]])]
    h, found = [MP.mpf(float(v)) for v in carry], []
    for x in inputs:
        read = [*(MP.mpf(float(v)) for v in x), *h]
        sums = [
            sum((v * row[j] for v, row in zip(read, rows, strict=True)), MP.mpf(float(b)))
            for j, b in enumerate(WEIGHTS["bias"])
        ]
        h = [PHI[activation](z) for z in sums]
        found.append([float(v) for v in h])
    return np.array(found)


@pytest.mark.parametrize("activation", PHI)
def test_states_are_those_of_50_digits(activation):
    got = oracle.elman(X, WEIGHTS, CARRY, activation=activation)
    for i, inputs in enumerate(X):
        np.testing.assert_allclose(got[i], exactly(inputs, CARRY[i], activation), rtol=1e-13, atol=1e-15)


def test_forty_steps_are_those_of_50_digits():
    x, _, _ = suite.arrays("float64", time=40)
    got = oracle.elman(x[:1], WEIGHTS, CARRY[:1], activation="tanh")[0]
    np.testing.assert_allclose(got, exactly(x[0], CARRY[0], "tanh"), rtol=1e-12, atol=1e-14)


def test_a_step_at_its_extremes():
    one = {"kernel": np.array([[1.0]]), "recurrent_kernel": np.array([[1.0]]), "bias": np.zeros(1)}
    for x, right in ((1e300, 1.0), (-1e300, -1.0), (1e-300, 1e-300), (0.0, 0.0)):
        assert oracle.elman_step(np.array([[x]]), one, np.zeros((1, 1)), activation="tanh")[0, 0] == right


@pytest.mark.parametrize("readings", READINGS, ids=str)
@pytest.mark.parametrize("outputs", ["all", "last"])
def test_gradients_are_those_of_complex_steps(readings, outputs):
    told = readings | {"activation": "tanh", "outputs": outputs}
    arrays = X[:, :, :2], WEIGHTS | {"kernel": WEIGHTS["kernel"][:2]}, CARRY
    f = functools.partial(lambda *a: oracle.elman(*a, LENGTHS, **told))
    g = np.random.default_rng(3).standard_normal(f(*arrays).shape)
    got, want = oracle.elman_vjp(*arrays, LENGTHS, g, **told), complex_step(f, arrays, g)
    for one, right in zip([got[0], *got[1].values(), got[2]], [want[0], *want[1].values(), want[2]], strict=True):
        np.testing.assert_allclose(one, right, rtol=1e-12, atol=1e-13)


def test_gradient_of_a_step_is_that_of_a_complex_step():
    f = functools.partial(oracle.elman_step, activation="tanh")
    arrays, g = (X[:, 0], WEIGHTS, CARRY), CARRY[::-1]
    got, want = oracle.elman_step_vjp(*arrays, g, activation="tanh"), complex_step(f, arrays, g)
    for one, right in zip([got[0], *got[1].values(), got[2]], [want[0], *want[1].values(), want[2]], strict=True):
        np.testing.assert_allclose(one, right, rtol=1e-13, atol=1e-14)


def test_the_pages_gradient_by_hand():
    x = np.array(oracle.EXAMPLE_X, np.float64).reshape(1, 3, 1)
    weights = {name: np.array(w, np.float64) for name, w in oracle.EXAMPLE_WEIGHTS.items()}
    g = np.array([[1.0, 0.0]])
    _, table, carry = oracle.elman_vjp(x, weights, np.zeros((1, 2)), g, activation="relu", outputs="last")

    assert table["bias"].tolist() == [1, -1]
    assert table["kernel"].tolist() == [[2, -1]]
    assert carry.tolist() == [[-1, 1]]


def test_the_padded_sums_of_frameworks():
    one = {"kernel": np.ones((1, 1)), "recurrent_kernel": np.ones((1, 1)), "bias": np.zeros(1)}
    x, run = np.array([1.0, 2.0, 3.0]).reshape(1, 3, 1), {"activation": "relu"}
    states = {
        word: oracle.elman(x, one, None, np.array([2]), padded_outputs=word, **run).ravel().tolist()
        for word in ("zero", "repeated", "running")
    }
    assert states == {"zero": [1, 3, 0], "repeated": [1, 3, 3], "running": [1, 3, 6]}
    last = oracle.elman(x, one, None, np.array([2]), outputs="last", padded_outputs="running", **run)
    assert last.tolist() == [[3]]


def test_reverse_orders_of_an_identity():
    none = {"kernel": np.ones((1, 1)), "recurrent_kernel": np.zeros((1, 1)), "bias": np.zeros(1)}
    x, run = np.array([1.0, 2.0, 3.0]).reshape(1, 3, 1), {"activation": "relu", "reverse": True}
    for order, right in (("aligned", [1, 2, 3]), ("processing", [3, 2, 1])):
        assert oracle.elman(x, none, reverse_order=order, **run).ravel().tolist() == right


def test_the_bias_moves_a_state_that_starts_in_the_padding():
    one = {"kernel": np.ones((1, 1)), "recurrent_kernel": np.ones((1, 1)), "bias": np.ones(1)}
    x, run = np.array([4.0, 5.0, 0.0, 0.0]).reshape(1, 4, 1), {"activation": "relu", "outputs": "last", "reverse": True}
    assert oracle.elman(x, one, None, np.array([2]), **run).tolist() == [[11]]
    assert oracle.elman(x, one, **run).tolist() == [[13]]


def test_growth_of_a_power_is_largest_at_step_nine():
    growth = np.array([[0.9, 5.0], [0.0, 0.9]])
    norms = [np.linalg.norm(np.linalg.matrix_power(growth, t), 2) for t in range(1, 60)]
    assert int(np.argmax(norms)) + 1 == 9
    assert norms[8] == pytest.approx(19.38, abs=5e-3)


def test_an_axis_that_an_answer_of_the_last_step_does_not_have():
    array = Array("y", ("batch", "*kept(time,outputs)", "hidden"), interval=Interval.parse("[0, 1]"))
    lengths = {"batch": 2, "time": 3, "hidden": 4}
    assert array.shape(lengths | {"outputs": "all"}) == (2, 3, 4)
    assert array.shape(lengths | {"outputs": "last"}) == (2, 4)
    assert array.named_axes(lengths) == [(0, "batch")]
