"""The oracle of weight layouts against mpmath, SciPy and the arrays themselves; counts against what a table holds."""

import mpmath
import numpy as np
import pytest
from scipy import signal

from nnspec_conformance.oracles.components import weight_layouts as oracle
from nnspec_conformance.oracles.components.weights_and_biases import parameter_count

MP = mpmath.mp.clone()
MP.dps = 40


def cell_table(operation: str, units: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    shapes = {"kernel": (3, units), "recurrent_kernel": (units, units), "bias": (units,), "recurrent_bias": (units,)}
    return {f"{name}_{k}": rng.normal(size=shape) for name, shape in shapes.items() for k in oracle.GATES[operation]}


def sigmoid(z):
    return 1 / (1 + MP.exp(-z))


@pytest.mark.parametrize(("reading", "added"), [("bias-alone", 0), ("one-added", 1)])
def test_lstm_of_one_unit_against_mpmath(reading, added):
    rng = np.random.default_rng(0)
    w, x = cell_table("lstm_native", 1, rng), rng.normal(size=(40, 5, 3)) * 3
    got = oracle.lstm(x, w, forget_gate=reading)
    for example, states in zip(x, got, strict=True):
        h = c = MP.mpf(0)
        for t, inputs in enumerate(example):
            z = {
                k: MP.fdot(map(float, inputs), map(float, w[f"kernel_{k}"][:, 0]))
                + h * float(w[f"recurrent_kernel_{k}"][0, 0]) + float(w[f"bias_{k}"][0])
                for k in "ifgo"
            }  # fmt: skip
            c = sigmoid(z["f"] + added) * c + sigmoid(z["i"]) * MP.tanh(z["g"])
            h = sigmoid(z["o"]) * MP.tanh(c)
            assert abs(states[t, 0] - h) < 1e-14


@pytest.mark.parametrize("reset", ["after", "before"])
@pytest.mark.parametrize("update", ["keeps", "replaces"])
def test_gru_of_one_unit_against_mpmath(reset, update):
    rng = np.random.default_rng(1)
    w, x = cell_table("gru_native", 1, rng), rng.normal(size=(40, 5, 3)) * 3
    got = oracle.gru(x, w, reset=reset, update=update)
    for example, states in zip(x, got, strict=True):
        h = MP.mpf(0)
        for t, inputs in enumerate(example):
            u = {
                k: MP.fdot(map(float, inputs), map(float, w[f"kernel_{k}"][:, 0])) + float(w[f"bias_{k}"][0])
                for k in "rzn"
            }
            v = {k: h * float(w[f"recurrent_kernel_{k}"][0, 0]) for k in "rzn"}
            r, z = sigmoid(u["r"] + v["r"]), sigmoid(u["z"] + v["z"])
            bias = float(w["recurrent_bias_n"][0])
            n = MP.tanh(u["n"] + (r * v["n"] + bias if reset == "before" else r * (v["n"] + bias)))
            h = (1 - z) * n + z * h if update == "keeps" else (1 - z) * h + z * n
            assert abs(states[t, 0] - h) < 1e-14


def test_convolution_against_scipy():
    rng = np.random.default_rng(2)
    x, kernel, bias = rng.normal(size=(2, 5, 6, 3)), rng.normal(size=(2, 4, 3, 5)), rng.normal(size=5)
    got = oracle.convolution(x, {"kernel": kernel, "bias": bias})
    for n, o in np.ndindex(2, 5):
        want = sum(signal.correlate(x[n, :, :, i], kernel[:, :, i, o], "valid") for i in range(3)) + bias[o]
        np.testing.assert_allclose(got[n, :, :, o], want, atol=1e-13)


@pytest.mark.parametrize("operation", ["lstm_native", "gru_native"])
def test_every_packing_is_taken_apart_as_it_was_joined(operation):
    table = cell_table(operation, 4, np.random.default_rng(3))
    x = np.random.default_rng(4).normal(size=(2, 3, 3))
    for reading, packing in oracle.PACKINGS[operation].items():
        second = packing.recurrent_bias if packing else "n"
        kept = {name: w for name, w in table.items() if not name.startswith("recurrent_bias")}
        for gate in second:
            if operation == "gru_native" and gate == "n":
                kept["recurrent_bias_n"] = table["recurrent_bias_n"]
            elif packing:
                kept[f"bias_{gate}"] = table[f"bias_{gate}"] + table[f"recurrent_bias_{gate}"]
        got = oracle.FORWARD[operation](x, oracle.unpack(operation, oracle.pack(operation, table, reading), reading))
        np.testing.assert_array_equal(got, oracle.FORWARD[operation](x, kept))


@pytest.mark.parametrize(
    ("layer", "operation", "biases"),
    [
        ("lstm", "lstm_native", {"columns-ifgo": "one", "rows-ifgo-two-biases": "two"}),
        (
            "gru",
            "gru_native",
            {"columns-rzn": "one", "rows-rzn-candidate-bias": "candidate", "columns-zrn-two-biases": "two"},
        ),
    ],
)
def test_a_count_is_what_the_table_holds(layer, operation, biases):
    table = cell_table(operation, 4, np.random.default_rng(5))
    for reading, kept in biases.items():
        size = sum(w.size for w in oracle.pack(operation, table, reading).values())
        given = {"layer": layer, "in_features": 3, "hidden_features": 4, f"{layer}_biases": kept}
        assert parameter_count(**given) == size
