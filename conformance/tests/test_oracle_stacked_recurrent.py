"""The oracle of stacks and bidirectional layers against steps one after the other, and complex steps."""

import functools

import mpmath
import numpy as np
import pytest

from nnspec_conformance.derivatives import complex_step
from nnspec_conformance.oracles.architectures import gru, lstm, recurrent
from nnspec_conformance.oracles.architectures import stacked_recurrent as oracle
from nnspec_conformance.suite.architectures import test_stacked_recurrent as suite
from nnspec_conformance.trees import leaves

MP = mpmath.mp.clone()
MP.dps = 50
LENGTHS = np.array([7, 3, 1, 5])
CELLS = pytest.mark.parametrize("cell", oracle.CELLS)


def one_by_one(x, table, cell):
    """The states of one sequence, a step at a time, from the oracles of the steps."""
    units = next(len(w) for name, w in table.items() if "bias" in name)
    h, c, found = np.zeros((1, units)), np.zeros((1, units)), []
    for row in x[:, None]:
        if cell == "lstm":
            h, c = lstm.lstm_step(row, table, h, c)
        elif cell == "gru":
            h = gru.gru_step(row, table, h, reset="after")
        else:
            h = recurrent.elman_step(row, table, h, activation=cell)
        found.append(h[0])
    return np.array(found)


def exactly(x, table):
    """The states of an Elman layer with tanh, in 50 digits."""
    w = {name: np.vectorize(lambda v: MP.mpf(v), otypes=[object])(a) for name, a in table.items()}
    h, found = np.array([MP.mpf(0)] * len(table["bias"]), object), []
    for row in x:
        z = row @ w["kernel"] + h @ w["recurrent_kernel"] + w["bias"]
        h = np.array([MP.tanh(v) for v in z], object)
        found.append(h)
    return np.array(found)


@CELLS
def test_a_stack_is_its_steps(cell):
    x, weights = suite.inputs("float64"), suite.stack(cell, dtype="float64")
    states, last = oracle.stacked_recurrent(x, weights, cell=cell)
    for i, read in enumerate(x):
        for number in range(suite.LAYERS):
            read = one_by_one(read, oracle.of_layer(weights, number, cell), cell)
            np.testing.assert_allclose(last[number, i], read[-1], rtol=1e-13, atol=1e-15)
        np.testing.assert_allclose(states[i], read, rtol=1e-13, atol=1e-15)


def test_a_stack_is_that_of_50_digits():
    x, weights = suite.inputs("float64"), suite.stack("tanh", dtype="float64")
    states, _ = oracle.stacked_recurrent(x, weights, cell="tanh")
    for i, read in enumerate(x):
        for number in range(suite.LAYERS):
            read = exactly(read, oracle.of_layer(weights, number, "tanh"))
        np.testing.assert_allclose(states[i], read.astype(float), rtol=1e-13, atol=1e-15)


@CELLS
def test_both_halves_are_steps_of_each_sequence_alone(cell):
    x, weights = suite.inputs("float64"), suite.halves(cell, dtype="float64")
    states, last = oracle.bidirectional(x, weights, LENGTHS, cell=cell)
    for i, n in enumerate(LENGTHS):
        front = one_by_one(x[i, :n], oracle.of_direction(weights, "forward", cell), cell)
        back = one_by_one(x[i, :n][::-1], oracle.of_direction(weights, "backward", cell), cell)[::-1]
        np.testing.assert_allclose(states[i, :n], np.concatenate([front, back], -1), rtol=1e-13, atol=1e-15)
        np.testing.assert_allclose(last[i], np.concatenate([front[-1], back[0]]), rtol=1e-13, atol=1e-15)
        assert not states[i, n:].any()


def test_masks_are_multiplied_between_the_layers_alone():
    x, weights = suite.inputs("float64"), suite.stack("tanh", dtype="float64")
    masks = np.random.default_rng(5).integers(0, 2, (suite.LAYERS - 1, suite.BATCH, suite.TIME, suite.HIDDEN)) * 2.0
    _, last = oracle.stacked_recurrent(x, weights, cell="tanh", masks=masks)
    lowest = oracle.layer(x, oracle.of_layer(weights, 0, "tanh"), "tanh")
    second = oracle.layer(lowest * masks[0], oracle.of_layer(weights, 1, "tanh"), "tanh")
    np.testing.assert_array_equal(last[0], lowest[:, -1])
    np.testing.assert_array_equal(last[1], second[:, -1])


@CELLS
def test_gradients_of_a_stack_are_those_of_complex_steps(cell):
    given = suite.inputs("float64")[:2, :4], suite.stack(cell, dtype="float64")
    f = functools.partial(oracle.stacked_recurrent, cell=cell)
    compare(oracle.stacked_recurrent_vjp, f, given, (), {"cell": cell})


@CELLS
@pytest.mark.parametrize("lengths", [(), (np.array([4, 2]),)], ids=["whole", "lengths"])
def test_gradients_of_both_halves_are_those_of_complex_steps(cell, lengths):
    given = suite.inputs("float64")[:2, :4], suite.halves(cell, dtype="float64")
    compare(oracle.bidirectional_vjp, lambda *a: oracle.bidirectional(*a, *lengths, cell=cell), given, lengths,
            {"cell": cell})  # fmt: skip


def compare(vjp, f, given, rest, told):
    draws = np.random.default_rng(3)
    g = tuple(draws.standard_normal(y.shape) for y in f(*given))
    got, want = vjp(*given, *rest, g, **told), complex_step(f, given, g)
    for one, right in zip(leaves(got), leaves(want), strict=True):
        np.testing.assert_allclose(one, right, rtol=1e-11, atol=1e-13)
