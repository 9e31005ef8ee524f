"""Tests of components/layers: the dense layer and the multilayer perceptron."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case, ErrorCase, call, clause, gradient, refusal
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.inputs import network, normal_draws, wide
from nnspec_conformance.oracles.components import layers as oracle
from nnspec_conformance.suite.components._long_sums import near_one, told_apart
from nnspec_conformance.tolerance import Shape, Want, bound, exact, smallest_normal, spread
from nnspec_conformance.trees import mapped
from nnspec_conformance.trial import Trial

WIDTHS = (3, 7, 5, 2)  # no two alike: a transposed or skipped kernel does not fit
LEADING = [(), (6,), (2, 6), (2, 4, 6), (2, 1, 3, 6)]
TANH = {"activation": "tanh"}


def dense_arrays(
    dtype: str, leading: tuple[int, ...] = (6,), features: int = 3, units: int = 5
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x, kernel, bias: all axes of different lengths, no entry zero, no two alike."""
    shapes = ((*leading, features), (features, units), (units,))
    x, kernel, bias = (normal_draws(20 + i, shape, dtype) for i, shape in enumerate(shapes))
    return x, kernel, bias


def mlp_arrays(
    dtype: str = "float32", leading: tuple[int, ...] = (6,), widths: tuple[int, ...] = WIDTHS
) -> tuple[np.ndarray, dict]:
    return network(widths, dtype, leading=leading, seed=29)


def arrays_of(operation: str, dtype: str = "float32", leading: tuple[int, ...] = (6,)) -> tuple[Any, dict]:
    """Arrays and attributes of either operation."""
    return (dense_arrays(dtype, leading), {}) if operation == "dense" else (mlp_arrays(dtype, leading), TANH)


def units_of(operation: str) -> int:
    return 5 if operation == "dense" else WIDTHS[-1]


def dense_want(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> Want:
    """The rounding bound of the sum of the products and the bias."""
    dtype, (x, kernel, bias) = str(x.dtype), wide((x, kernel, bias))
    value = np.einsum("...i,ij->...j", x, kernel) + bias
    return bound(value, np.abs(x) @ np.abs(kernel) + np.abs(bias), x.shape[-1] + 1, dtype)


def dense_gradients(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray, cotangents: np.ndarray) -> tuple[Want, ...]:
    dtype, (x, kernel, bias, g) = str(x.dtype), wide((x, kernel, bias, cotangents))
    rows, gs = np.abs(x).reshape(-1, x.shape[-1]), np.abs(g).reshape(-1, g.shape[-1])
    dx, dw, db = oracle.dense_vjp(x, kernel, bias, g)
    return (
        bound(dx, np.abs(g) @ np.abs(kernel).T, kernel.shape[1], dtype),
        bound(dw, rows.T @ gs, len(rows), dtype),
        bound(db, gs.sum(0), len(rows), dtype),
    )


def mlp_want(x: np.ndarray, weights: dict, *, activation: str) -> Want:
    """8 times what the result moves when every operand of every layer is rounded at random, plus an ulp."""
    given = wide((x, weights))
    return spread(lambda rounded: oracle.mlp(*given, activation=activation, rounded=rounded), str(x.dtype))


def mlp_gradients(x: np.ndarray, weights: dict, cotangents: np.ndarray, *, activation: str) -> tuple[Want, dict]:
    given = wide((x, weights, cotangents))
    return spread(lambda rounded: oracle.mlp_vjp(*given, activation=activation, rounded=rounded), str(x.dtype))


def mlp_case(x: np.ndarray, weights: dict, activation: str, note: str = "") -> Case:
    return call("mlp", x, weights, activation=activation, want=mlp_want, note=note)


def within(value: np.ndarray, like: Want) -> Want:
    """A value with twice the tolerance of another: both sides of a relation are rounded."""
    return Want(value.astype(np.float64), 2 * like.allowed, 2 * like.flushed, like.dtype, like.tolerance)


# ---- families


@clause("layers.shape")
def test_shape(operation: str) -> Iterator[Case]:
    for leading in LEADING:
        arrays, attributes = arrays_of(operation, leading=leading)
        want = Shape((*leading, units_of(operation)))
        yield call(operation, *arrays, **attributes, want=want, note="loses a leading axis")


@clause("layers.empty-batch")
def test_empty_batch(operation: str) -> Iterator[Case]:
    arrays, attributes = arrays_of(operation, leading=(0,))
    units = units_of(operation)
    want = Shape((0, units))
    yield call(operation, *arrays, **attributes, want=want, note="a mean over nothing")
    cotangents, zeros = np.zeros((0, units), np.float32), mapped(lambda a: exact(np.zeros(a.shape)), arrays)
    yield gradient(operation, *arrays, **attributes, cotangents=cotangents, want=zeros, note="0 / 0")


# ---- dense


@clause("dense.value")
def test_value() -> Iterator[Case]:
    for dtype in DTYPES:
        yield call("dense", *dense_arrays(dtype), want=dense_want, note="forgotten bias")
        small = np.sqrt(smallest_normal(dtype)) / 2  # products below the smallest normal number
        x, kernel, bias = (wide(a) for a in dense_arrays(dtype))
        tiny = [np.asarray(a).astype(DTYPES[dtype]) for a in (small * x, small * kernel, small**2 * bias)]
        yield call("dense", *tiny, want=dense_want, note="products that are lost")
    for arrays in (dense_arrays("float32", (2, 3), 300, 4), dense_arrays("float32", (6,), 4, 4)):
        yield call("dense", *arrays, want=dense_want, note="a transposed square kernel")


@clause("dense.gradient")
def test_gradient() -> Iterator[Case]:
    for dtype, leading in [*((dtype, (6,)) for dtype in DTYPES), ("float32", (2, 4, 6))]:
        cotangents = normal_draws(27, (*leading, 5), dtype)
        arrays, note = dense_arrays(dtype, leading), "averages over the batch"
        yield gradient("dense", *arrays, cotangents=cotangents, want=dense_gradients, note=note)


@clause("dense.one-bias")
def test_one_bias(readings: dict) -> Iterator[Case | ErrorCase]:
    for leading in ((6,), (2, 4)):
        x, kernel, bias = dense_arrays("float32", leading)
        if readings["one_bias"] == "refused":
            yield refusal("dense", x, kernel, bias[:1], valid=(x, kernel, bias), note="one bias for five units")
            continue
        yield call("dense", x, kernel, bias[:1], want=dense_want, note="the bias of the first unit alone")
        cotangents = normal_draws(28, (*leading, 5), "float32")
        dx, dkernel, _ = dense_gradients(x, kernel, bias, cotangents)
        g = wide(cotangents)
        whole = bound(g.sum(keepdims=True).reshape(1), np.abs(g).sum().reshape(1), g.size, "float32")
        note = "the sum over the first unit alone"
        yield gradient("dense", x, kernel, bias[:1], cotangents=cotangents, want=(dx, dkernel, whole), note=note)


@clause("dense.long-sums")
def test_long_sums(trial: Trial) -> None:
    def sums(dtype: str, n: int) -> Iterator[tuple]:
        x, bias, slim = near_one(1, (2, n), dtype), near_one(2, (3,), dtype), DTYPES[dtype].type(1 / 128)
        kernel = near_one(3, (n, 3), dtype) * slim  # a power of two: 80,000 products stay below 65,504
        yield trial.call(x, kernel, bias), wide(x) @ wide(kernel) + wide(bias), "a sum over the inputs"
        x, kernel, g = near_one(4, (n, 2), dtype), near_one(5, (2, 3), dtype), near_one(6, (n, 3), dtype) * slim
        _, of_kernel, of_bias = trial.vjp((x, kernel, bias), g)
        yield of_kernel, wide(x).T @ wide(g), "the kernel's gradient, a sum over the examples"
        yield of_bias, wide(g).sum(0), "the bias's gradient, a sum over the examples"

    told_apart(trial, sums, units=1)  # the sum, and the sum with the bias


# ---- multilayer perceptron


@clause("mlp.value")
def test_mlp_value() -> Iterator[Case]:
    for dtype in DTYPES:
        yield mlp_case(*mlp_arrays(dtype), "tanh")
    yield mlp_case(*mlp_arrays("float32", (2, 4)), "relu")


@clause("mlp.input-layer")
def test_input_layer() -> Iterator[Case]:
    _, weights = mlp_arrays()
    x = np.array([[-3, 2, -1], [4, -2, 5], [-1, -1, -1], [0.5, -6, 2], [3, 3, -2], [-2, 0.25, 1]], np.float32)
    yield mlp_case(x, weights, "relu", "activates the data")
    yield mlp_case(x + 7, weights, "tanh", "normalizes the data")


@clause("mlp.hidden-layers")
def test_hidden_layers() -> Iterator[Case]:
    x, weights = mlp_arrays()
    strong = {name: w * np.float32(2 if name.startswith("bias") else 1) for name, w in weights.items()}
    yield mlp_case(x, strong, "relu", "activation before the bias")


@clause("mlp.output-layer")
def test_output_layer() -> Iterator[Case]:
    x, weights = mlp_arrays()
    low = weights | {"bias_2": np.array([-4.0, 3.0], np.float32)}  # predictions below 0, and above 1
    yield mlp_case(x, low, "relu", "no negative prediction")
    yield mlp_case(x, low, "tanh", "no prediction above 1")


@clause("mlp.depth")
def test_depth() -> Iterator[Case]:
    for widths in ((3, 2), (3, 5, 2), (3, 7, 5, 4, 2), (3, *[4] * 11, 2)):  # of equal widths none is missed
        yield mlp_case(*mlp_arrays(widths=widths), "tanh", "skips a layer")


@clause("mlp.order")
def test_order() -> Iterator[Case]:
    x, weights = mlp_arrays(widths=(2,) * 13)  # equal widths: any order fits
    names = sorted(weights, key=lambda name: (len(name) * 7 + int(name[-1]) * 5) % 11)
    yield mlp_case(x, {name: weights[name] for name in names}, "tanh", "kernel_10 before kernel_2")


@clause("mlp.activations")
def test_activations() -> Iterator[Case]:
    for name in oracle.ACTIVATIONS:
        yield mlp_case(*mlp_arrays(widths=(3, 5, 2)), name, f"another activation than {name}")


@clause("mlp.long-sums")
def test_mlp_long_sums(trial: Trial, lean: bool) -> None:
    """Ask two layers without an activation, whose sums a power of two keeps below 65,504."""

    def table(dtype: str, *widths: int) -> dict[str, np.ndarray]:
        kernels = {f"kernel_{i}": near_one(i, widths[i : i + 2], dtype) for i in range(2)}
        return kernels | {f"bias_{i}": near_one(5 + i, widths[i + 1 : i + 2], dtype) for i in range(2)}

    def sums(dtype: str, n: int) -> Iterator[tuple]:
        slim, identity = DTYPES[dtype].type(1 / 128), {"activation": "identity"}
        for name, widths in (("kernel_0", (n, 3, 2)), ("kernel_1", (2, n, 3))):
            x, weights = near_one(8, (2, widths[0]), dtype), table(dtype, *widths)
            weights[name] *= slim
            what = f"a sum over what {name} reads"
            yield trial.call(x, weights, **identity), oracle.mlp(wide(x), wide(weights), **identity), what
        x, weights, g = near_one(8, (n, 2), dtype), table(dtype, 2, 3, 2), near_one(9, (n, 2), dtype) * slim
        _, found = trial.vjp((x, weights), g, **identity)
        right = oracle.mlp_vjp(wide(x), wide(weights), wide(g), **identity)[1]
        for name in right:
            what, units = f"the gradient of {name}, a sum over the examples", 1 if name == "bias_1" else 4
            yield found[name], right[name], what, units

    told_apart(trial, sums, 4, lean)  # two sums and two with a bias


@clause("mlp.permutation")
def test_permutation() -> Iterator[Case]:
    x, weights = mlp_arrays(widths=(3, 5, 5, 2))
    first, second = [3, 0, 4, 1, 2], [1, 4, 0, 2, 3]
    permuted = {
        "kernel_0": weights["kernel_0"][:, first],
        "bias_0": weights["bias_0"][first],
        "kernel_1": weights["kernel_1"][first][:, second],
        "bias_1": weights["bias_1"][second],
        "kernel_2": weights["kernel_2"][second],
        "bias_2": weights["bias_2"],
    }
    want = mlp_want(x, weights, **TANH)
    yield call("mlp", x, permuted, **TANH, want=want, note="units told apart by position")


@clause("mlp.gradient")
def test_mlp_gradient() -> Iterator[Case]:
    for dtype in DTYPES:
        cotangents = normal_draws(26, (6, WIDTHS[-1]), dtype)
        yield gradient("mlp", *mlp_arrays(dtype), **TANH, cotangents=cotangents, want=mlp_gradients)
