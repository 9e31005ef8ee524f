"""Tests of components/weights_and_biases: what one weight and one bias do, counts, layouts by behaviour."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nnspec_conformance.cases import Case, ErrorCase, call, clause, refusal
from nnspec_conformance.inputs import normal_draws
from nnspec_conformance.oracles.components import weights_and_biases as oracle
from nnspec_conformance.subject import DTYPES
from nnspec_conformance.tolerance import Want, bound, exact, spread

# ---- one weight, one bias: integers whose sums every dtype holds

X = np.array([[3, -1, 2], [-2, 4, 1]])
KERNEL = np.array([[1, -2, 3, -4], [2, 5, -1, -3], [-5, 4, 6, 7]])
BIAS = np.array([-3, 2, 5, -6])


def dense_case(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray, dtype: str) -> Case:
    arrays = tuple(a.astype(DTYPES[dtype]) for a in (x, kernel, bias))
    return call("dense", *arrays, want=exact(x @ kernel + bias, dtype))


@clause("weights.connection")
def test_connection() -> Iterator[Case]:
    for dtype in DTYPES:
        yield dense_case(X, KERNEL, BIAS, dtype)
        for i, j in ((0, 0), (1, 3), (2, 1)):
            changed = KERNEL.copy()
            changed[i, j] += 8
            yield dense_case(X, changed, BIAS, dtype)


@clause("biases.shift")
def test_shift() -> Iterator[Case]:
    for dtype in DTYPES:
        yield dense_case(np.zeros_like(X), KERNEL, BIAS, dtype)
        for j in range(len(BIAS)):
            yield dense_case(X, KERNEL, BIAS + 8 * (np.arange(len(BIAS)) == j), dtype)


# ---- counts


def count(readings: dict, layer: str, **sizes) -> Case:
    """One layer; the readings are those of the recurrent layers."""
    want = oracle.parameter_count(layer=layer, **readings, **sizes)
    attributes = {"layer": layer, **sizes}
    return call("parameter_count", **attributes, want=exact(np.float64(want), "float64"))


@clause("parameter-count.dense")
def test_dense(readings: dict) -> Iterator[Case]:
    for n, m in ((3, 7), (5, 2)):
        for use_bias in (True, False):
            yield count(readings, "dense", in_features=n, out_features=m, use_bias=use_bias)


@clause("parameter-count.mlp")
def test_mlp(readings: dict) -> Iterator[Case]:
    for use_bias in (True, False):
        yield count(readings, "mlp", sizes=(5, 7, 3, 2), use_bias=use_bias)


@clause("parameter-count.embedding")
def test_embedding(readings: dict) -> Iterator[Case]:
    yield count(readings, "embedding", num_embeddings=11, features=4)


@clause("parameter-count.convolution")
def test_convolution(readings: dict) -> Iterator[Case]:
    for kernel_size in ((3,), (2, 3), (2, 3, 5)):
        for groups in (1, 2):
            for use_bias in (True, False):
                yield count(
                    readings, "convolution", kernel_size=kernel_size, in_features=4, out_features=6, groups=groups,
                    use_bias=use_bias,
                )  # fmt: skip


@clause("parameter-count.depthwise-convolution")
def test_depthwise_convolution(readings: dict) -> Iterator[Case]:
    for use_bias in (True, False):
        yield count(
            readings, "depthwise_convolution", kernel_size=(2, 3), in_features=5, multiplier=4, use_bias=use_bias
        )


@clause("parameter-count.batch-norm")
def test_batch_norm(readings: dict) -> Iterator[Case]:
    for on in (True, False):
        yield count(readings, "batch_norm", features=7, use_scale=on, use_bias=on)


@clause("parameter-count.running-statistics")
def test_running_statistics(readings: dict) -> Iterator[Case]:
    yield count(readings, "batch_norm", features=7, use_scale=False, use_bias=False)


@clause("parameter-count.layer-norm")
def test_layer_norm(readings: dict) -> Iterator[Case]:
    for use_scale, use_bias in ((True, True), (True, False), (False, False)):
        yield count(readings, "layer_norm", features=7, use_scale=use_scale, use_bias=use_bias)


@clause("parameter-count.rnn")
def test_rnn(readings: dict) -> Iterator[Case]:
    yield count(readings, "rnn", in_features=3, hidden_features=5)


@clause("parameter-count.lstm")
def test_lstm(readings: dict) -> Iterator[Case]:
    yield count(readings, "lstm", in_features=3, hidden_features=5)


@clause("parameter-count.gru")
def test_gru(readings: dict) -> Iterator[Case]:
    yield count(readings, "gru", in_features=3, hidden_features=5)


@clause("parameter-count.recurrent-without-bias")
def test_recurrent_without_bias(readings: dict) -> Iterator[Case]:
    for layer in ("rnn", "lstm", "gru"):
        yield count(readings, layer, in_features=3, hidden_features=5, use_bias=False)


@clause("parameter-count.attention")
def test_attention(readings: dict) -> Iterator[Case]:
    for num_heads in (3, 4):
        for use_bias in (True, False):
            yield count(readings, "attention", features=12, num_heads=num_heads, use_bias=use_bias)


# ---- layouts

WIDE = ("float32", "float64")  # where the numbers lie does not depend on the dtype
BATCH, TIME, IN, HIDDEN = 2, 4, 3, 5


def layer_input(operation: str, square: bool = False) -> tuple[int, ...]:
    """Shape of an input; ``square`` where a wrong layout of the kernel fits too."""
    return {
        "dense_native": (BATCH, 4 if square else IN),
        "convolution_native": (BATCH, 5, 6, 3 if square else IN),
        "lstm_native": (BATCH, TIME, IN),
        "gru_native": (BATCH, TIME, IN),
    }[operation]


def table(operation: str, dtype: str, square: bool = False) -> dict[str, np.ndarray]:
    """Weights in the exchange layout, and a recurrent bias for every gate, of which a packing takes what it has."""
    if operation == "dense_native":
        shapes = {"kernel": (4, 4) if square else (IN, HIDDEN), "bias": (4,) if square else (HIDDEN,)}
    elif operation == "convolution_native":
        shapes = {"kernel": (3, 3, 3, 3) if square else (2, 4, IN, HIDDEN), "bias": (3,) if square else (HIDDEN,)}
    else:
        per_gate = {
            "kernel": (IN, HIDDEN), "recurrent_kernel": (HIDDEN, HIDDEN), "bias": (HIDDEN,), "recurrent_bias": (HIDDEN,)
        }  # fmt: skip
        shapes = {f"{k}_{gate}": shape for k, shape in per_gate.items() for gate in oracle.GATES[operation]}
    return {name: normal_draws(seed, shape, dtype) for seed, (name, shape) in enumerate(shapes.items(), 40)}


def reading_of(readings: dict) -> str:
    return readings.get("packing") or readings["kernel"]


def native_case(operation: str, readings: dict, dtype: str, square: bool = False) -> Case:
    """The layer on weights that lie as the reading says; expected is the exchange layout's answer in float64."""
    reading = reading_of(readings)
    x = normal_draws(30, layer_input(operation, square), dtype)
    weights = oracle.pack(operation, table(operation, dtype, square), reading)
    exchange = oracle.unpack(operation, {k: w.astype(np.float64) for k, w in weights.items()}, reading)
    return call(operation, x, weights, want=wanted(operation, x.astype(np.float64), exchange, dtype))


def wanted(operation: str, x: np.ndarray, weights: dict, dtype: str) -> Want:
    forward = oracle.FORWARD[operation]
    if operation in oracle.KERNEL_AXES:
        absolute = forward(np.abs(x), {name: np.abs(w) for name, w in weights.items()})
        return bound(forward(x, weights), absolute, weights["kernel"][..., 0].size + 1, dtype)
    return spread(lambda rounded: forward(x, weights, rounded), dtype)


@clause("dense-native.kernel")
def test_dense_native(readings: dict) -> Iterator[Case]:
    for dtype in WIDE:
        yield native_case("dense_native", readings, dtype)
    yield native_case("dense_native", readings, "float32", square=True)


@clause("convolution-native.kernel")
def test_convolution_native(readings: dict) -> Iterator[Case]:
    for dtype in WIDE:
        yield native_case("convolution_native", readings, dtype)
    yield native_case("convolution_native", readings, "float32", square=True)


@clause("lstm-native.packing")
def test_lstm_native(readings: dict) -> Iterator[Case]:
    for dtype in WIDE:
        yield native_case("lstm_native", readings, dtype)


@clause("gru-native.packing")
def test_gru_native(readings: dict) -> Iterator[Case]:
    for dtype in WIDE:
        yield native_case("gru_native", readings, dtype)


def right(operation: str, readings: dict) -> tuple[np.ndarray, dict[str, np.ndarray], str]:
    """An input, weights that fit it, and the name of a bias."""
    weights = oracle.pack(operation, table(operation, "float32"), reading_of(readings))
    bias = next(name for name in weights if name.startswith("bias"))
    return normal_draws(30, layer_input(operation), "float32"), weights, bias


@clause("native.shape-error")
def test_shape_error(operation: str, readings: dict) -> Iterator[ErrorCase]:
    x, good, bias = right(operation, readings)
    yield refusal(operation, x[..., :-1], good, valid=(x, good), note="an input of another number of features")
    yield refusal(operation, x, good | {bias: good[bias][:1]}, valid=(x, good), note="a bias of one entry")


@clause("native.name-error")
def test_name_error(operation: str, readings: dict) -> Iterator[ErrorCase]:
    x, good, bias = right(operation, readings)
    rest = {name: w for name, w in good.items() if name != bias}
    yield refusal(operation, x, rest, valid=(x, good), note=f"a table without {bias}")
    yield refusal(operation, x, good | {"offset": good[bias]}, valid=(x, good), note="a table with one name more")
