"""Tests of components/weights_and_biases: what one weight and one bias do, and counts."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nnspec_conformance.cases import Case, call, clause
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.oracles.components import weights_and_biases as oracle
from nnspec_conformance.tolerance import Want, exact

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

    def want(**attributes) -> Want:
        return exact(np.float64(oracle.parameter_count(**attributes, **readings)), "float64")

    return call("parameter_count", layer=layer, **sizes, want=want)


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
