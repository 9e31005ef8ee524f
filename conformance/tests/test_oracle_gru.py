"""The oracle of the gated recurrent unit against mpmath, whose recursion stands here once more, and complex steps."""

import functools
import itertools

import mpmath
import numpy as np
import pytest

from nnspec_conformance.derivatives import complex_step
from nnspec_conformance.oracles.architectures import gru as oracle
from nnspec_conformance.suite.architectures import test_gru as suite
from nnspec_conformance.trees import leaves

MP = mpmath.mp.clone()
MP.dps = 50
LENGTHS = np.array([7, 3, 0, 5])
DIRECTIONS = [
    {"padded_outputs": padded, "reverse": reverse, "reverse_order": order}
    for padded, (reverse, order) in itertools.product(
        ("zero", "repeated", "running"), ((False, "aligned"), (True, "aligned"), (True, "processing"))
    )
]


def arrays(reset, time=7):
    return suite.GRU.arrays({"reset": reset}, "float64", time)


def logistic(a):
    return 1 / (1 + MP.exp(-a))


def exactly(inputs, table, carry, reset):
    """The states of one sequence, in 50 digits."""
    t = {name: np.vectorize(lambda v: MP.mpf(float(v)), otypes=[object])(w) for name, w in table.items()}
    h, found = np.array([MP.mpf(float(v)) for v in carry], object), []
    for row in inputs:
        x = np.array([MP.mpf(float(v)) for v in row], object)
        r, z = (
            np.array(
                [logistic(a) for a in x @ t[f"kernel_{k}"] + h @ t[f"recurrent_kernel_{k}"] + t[f"bias_{k}"]], object
            )
            for k in "rz"
        )
        if reset == "before":
            inner = (r * h) @ t["recurrent_kernel_n"]
        else:
            inner = r * (h @ t["recurrent_kernel_n"] + t.get("recurrent_bias_n", MP.mpf(0)))
        n = np.array([MP.tanh(a) for a in x @ t["kernel_n"] + t["bias_n"] + inner], object)
        h = (1 - z) * n + z * h
        found.append([float(v) for v in h])
    return np.array(found)


@pytest.mark.parametrize("reset", oracle.RESETS)
def test_states_are_those_of_50_digits(reset):
    x, table, carry = arrays(reset)
    got = oracle.gru(x, table, carry, reset=reset)
    for i, inputs in enumerate(x):
        np.testing.assert_allclose(got[i], exactly(inputs, table, carry[i], reset), rtol=1e-13, atol=1e-15)


def test_forty_steps_are_those_of_50_digits():
    x, table, carry = arrays("after", 40)
    got = oracle.gru(x[:1], table, carry[:1], reset="after")[0]
    np.testing.assert_allclose(got, exactly(x[0], table, carry[0], "after"), rtol=1e-12, atol=1e-14)


def test_gates_are_exact_to_their_last_places_on_either_side():
    for a in (-700.0, -100.0, -40.0, -1.0, 0.0, 1.0, 40.0, 700.0):
        np.testing.assert_allclose(oracle.sigmoid(np.array(a)), float(logistic(MP.mpf(a))), rtol=4e-16)


def test_a_gate_at_its_extremes_overflows_nowhere():
    with np.errstate(over="raise"):
        assert oracle.sigmoid(np.array([-1e300, 1e300])).tolist() == [0, 1]


@pytest.mark.parametrize("reset", oracle.RESETS)
def test_small_shares_of_the_candidate_are_kept(reset):
    x, table, carry = arrays(reset)
    nearly_shut = table | {"bias_z": np.full(suite.HIDDEN, 60.0)}
    moved = oracle.gates(x[:, 0], oracle.packed(nearly_shut, reset), carry, reset=reset)["new"]
    assert np.all(moved > 0)
    assert np.all(moved < 1e-20)


@pytest.mark.parametrize("reset", oracle.RESETS)
@pytest.mark.parametrize("readings", DIRECTIONS, ids=str)
@pytest.mark.parametrize("outputs", ["all", "last"])
def test_gradients_are_those_of_complex_steps(readings, outputs, reset):
    told = readings | {"outputs": outputs, "reset": reset}
    x, table, carry = arrays(reset)
    f = functools.partial(lambda *a: oracle.gru(*a, LENGTHS, **told))
    g = np.random.default_rng(3).standard_normal(f(x, table, carry).shape)
    got, want = oracle.gru_vjp(x, table, carry, LENGTHS, g, **told), complex_step(f, (x, table, carry), g)
    for one, right in zip(leaves(got), leaves(want), strict=True):
        np.testing.assert_allclose(one, right, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("reset", oracle.RESETS)
def test_gradient_of_a_step_is_that_of_a_complex_step(reset):
    x, table, carry = arrays(reset)
    given, g = (x[:, 0], table, carry), carry[::-1]
    got = oracle.gru_step_vjp(*given, g, reset=reset)
    want = complex_step(functools.partial(oracle.gru_step, reset=reset), given, g)
    for one, right in zip(leaves(got), leaves(want), strict=True):
        np.testing.assert_allclose(one, right, rtol=1e-12, atol=1e-14)


def test_the_published_layers_of_two_units():
    """The numbers that tell the two places of the reset gate apart, with r = sigmoid(-2, 2) and z = 1/2."""
    zero, swap = np.zeros((2, 2)), np.array([[0.0, 1.0], [1.0, 0.0]])
    table = {
        f"{kind}_{k}": zero[:1] if kind == "kernel" else zero for kind in ("kernel", "recurrent_kernel") for k in "rzn"
    }
    table |= {"recurrent_kernel_n": swap, "bias_r": np.array([-2.0, 2.0]), "bias_z": zero[0], "bias_n": zero[0]}
    given = np.zeros((1, 1)), table, np.array([[1.0, 0.5]])
    np.testing.assert_allclose(oracle.gru_step(*given, reset="before"), [[0.7070, 0.3093]], atol=5e-5)
    np.testing.assert_allclose(oracle.gru_step(*given, reset="after-one-bias"), [[0.5298, 0.6034]], atol=5e-5)


def test_one_unit_without_a_second_bias_does_not_tell_where_the_reset_gate_is():
    names = oracle.names("before")
    table = {name: np.full((1,) if name.startswith("bias") else (1, 1), 0.1 * (i + 1)) for i, name in enumerate(names)}
    given = np.array([[0.3]]), table, np.array([[0.7]])
    before, after = (oracle.gru_step(*given, reset=reset) for reset in ("before", "after-one-bias"))
    np.testing.assert_allclose(before, after, rtol=1e-15)


def test_a_state_that_is_held_has_the_half_life_of_the_exercise():
    for z, steps, bias in ((0.5, 1.0, 0.0), (0.9, 6.58, 2.197), (0.99, 68.97, 4.595)):
        assert np.log(0.5) / np.log(z) == pytest.approx(steps, abs=0.01)
        assert float(oracle.sigmoid(np.array(bias))) == pytest.approx(z, abs=1e-4)
