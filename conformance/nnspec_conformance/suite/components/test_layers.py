"""Tests of components/layers: the dense layer and the multilayer perceptron."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case, ErrorCase, clause
from nnspec_conformance.inputs import normal_draws
from nnspec_conformance.oracles.components import layers as oracle
from nnspec_conformance.subject import DTYPES
from nnspec_conformance.tolerance import Shape, Want, bound, exact, trajectory

WIDTHS = (3, 7, 5, 2)  # no two alike: a transposed or skipped kernel does not fit
LEADING = [(), (6,), (2, 6), (2, 4, 6), (2, 1, 3, 6)]
TANH = {"activation": "tanh"}


def wide(tree) -> Any:
    """The arrays of a tuple or dict in float64."""
    if isinstance(tree, dict):
        return {name: wide(x) for name, x in tree.items()}
    return tree.astype(np.float64) if isinstance(tree, np.ndarray) else tuple(map(wide, tree))


def dense_arrays(
    dtype: str, leading: tuple[int, ...] = (6,), features: int = 3, units: int = 5
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x, kernel, bias: all axes of different lengths, no entry zero, no two alike."""
    shapes = ((*leading, features), (features, units), (units,))
    x, kernel, bias = (normal_draws(20 + i, shape, dtype) for i, shape in enumerate(shapes))
    return x, kernel, bias


def table(widths: tuple[int, ...], dtype: str = "float32", seed: int = 30) -> dict[str, np.ndarray]:
    """Weights of variance 1/n, so that no activation saturates, and biases of deviation 1."""
    found = {}
    for i, (features, units) in enumerate(itertools.pairwise(widths)):
        found[f"kernel_{i}"] = normal_draws(seed + 2 * i, (features, units), dtype, scale=features**-0.5)
        found[f"bias_{i}"] = normal_draws(seed + 2 * i + 1, (units,), dtype)
    return found


def mlp_arrays(
    dtype: str = "float32", leading: tuple[int, ...] = (6,), widths: tuple[int, ...] = WIDTHS
) -> tuple[np.ndarray, dict]:
    return normal_draws(29, (*leading, widths[0]), dtype), table(widths, dtype)


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


def mlp_want(x: np.ndarray, weights: dict, activation: str) -> Want:
    """8 times what the result moves when every operand of every layer is rounded at random, plus an ulp."""

    def run(rounded):
        return [{"y": oracle.mlp(wide(x), wide(weights), activation=activation, rounded=rounded)}]

    return trajectory(run, str(x.dtype))[0]["y"]


def mlp_gradient_want(x: np.ndarray, weights: dict, cotangents: np.ndarray, activation: str) -> tuple[Want, dict]:
    def run(rounded):
        dx, gradients = oracle.mlp_vjp(*wide((x, weights, cotangents)), activation=activation, rounded=rounded)
        return [{"x": dx} | gradients]

    wants = trajectory(run, str(x.dtype))[0]
    return wants.pop("x"), wants


def mlp_case(x: np.ndarray, weights: dict, activation: str, note: str = "") -> Case:
    want = mlp_want(x, weights, activation)
    return Case(operation="mlp", arrays=(x, weights), attributes={"activation": activation}, want=want, note=note)


def within(value: np.ndarray, like: Want) -> Want:
    """Another value with twice the tolerance: both sides of a relation are rounded."""
    return Want(value.astype(np.float64), 2 * like.allowed, 2 * like.flushed, like.dtype, like.tolerance)


# ---- families


@clause("layers.shape")
def test_shape(operation: str) -> Iterator[Case]:
    for leading in LEADING:
        arrays, attributes = arrays_of(operation, leading=leading)
        want = Shape((*leading, units_of(operation)))
        yield Case(operation=operation, arrays=arrays, attributes=attributes, want=want, note="loses a leading axis")


@clause("layers.dtype")
def test_dtype(operation: str) -> Iterator[Case]:
    for dtype in DTYPES:
        arrays, attributes = arrays_of(operation, dtype)
        want = Shape((6, units_of(operation)), dtype)
        yield Case(operation=operation, arrays=arrays, attributes=attributes, want=want, note="promotes")


@clause("layers.batch")
def test_batch(trial, operation: str) -> None:
    (x, *weights), attributes = arrays_of(operation)
    want = dense_want(x, weights[0], weights[1]) if operation == "dense" else mlp_want(x, weights[0], "tanh")
    together = trial.call(x, *weights, **attributes)
    alone = np.concatenate([trial.call(x[i : i + 1], *weights, **attributes) for i in range(len(x))])
    trial.expect(together, within(alone, want), f"{operation} of a batch, against each example by itself")
    for strange in (np.nan, np.inf):
        spoiled = np.array(x)
        spoiled[2] = strange
        beside = np.delete(trial.call(spoiled, *weights, **attributes), 2, axis=0)
        value, allowed, flushed = (np.delete(a, 2, axis=0) for a in (want.value, want.allowed, want.flushed))
        rest = Want(value, allowed, flushed, want.dtype, want.tolerance)
        trial.expect(
            beside, within(np.delete(together, 2, axis=0), rest), f"{operation} beside an example of {strange}"
        )


@clause("layers.empty-batch")
def test_empty_batch(operation: str) -> Iterator[Case]:
    arrays, attributes = arrays_of(operation, leading=(0,))
    units = units_of(operation)
    want = Shape((0, units))
    yield Case(operation=operation, arrays=arrays, attributes=attributes, want=want, note="a mean over nothing")
    zeros = [
        {name: exact(np.zeros(w.shape)) for name, w in a.items()} if isinstance(a, dict) else exact(np.zeros(a.shape))
        for a in arrays
    ]
    yield Case(
        operation=operation,
        what="gradient",
        arrays=arrays,
        attributes=attributes,
        cotangents=np.zeros((0, units), np.float32),
        want=tuple(zeros),
        note="0 / 0",
    )


@clause("layers.feature-count")
def test_feature_count(operation: str) -> Iterator[ErrorCase]:
    for features in (4, 1):
        (x, *weights), attributes = arrays_of(operation)
        wrong = normal_draws(28, (6, features))
        yield ErrorCase(
            operation=operation,
            arrays=(wrong, *weights),
            valid_arrays=(x, *weights),
            attributes=attributes,
            note=f"{features} features for a kernel of 3",
        )


# ---- dense


@clause("dense.value")
def test_value() -> Iterator[Case]:
    for dtype in DTYPES:
        arrays = dense_arrays(dtype)
        yield Case(operation="dense", arrays=arrays, want=dense_want(*arrays), note="forgotten bias")
    for arrays in (dense_arrays("float32", (2, 3), 300, 4), dense_arrays("float32", (6,), 4, 4)):
        yield Case(operation="dense", arrays=arrays, want=dense_want(*arrays), note="a transposed square kernel")


@clause("dense.gradient")
def test_gradient() -> Iterator[Case]:
    for dtype, leading in [*((dtype, (6,)) for dtype in DTYPES), ("float32", (2, 4, 6))]:
        arrays = dense_arrays(dtype, leading)
        cotangents = normal_draws(27, (*leading, 5), dtype)
        x, kernel, bias, g = wide((*arrays, cotangents))
        rows, gs = x.reshape(-1, 3), g.reshape(-1, 5)
        dx, dw, db = oracle.dense_vjp(x, kernel, bias, g)
        want = (
            bound(dx, np.abs(g) @ np.abs(kernel).T, 5, dtype),
            bound(dw, np.abs(rows).T @ np.abs(gs), len(rows), dtype),
            bound(db, np.abs(gs).sum(0), len(rows), dtype),
        )
        yield Case(
            operation="dense",
            what="gradient",
            arrays=arrays,
            cotangents=cotangents,
            want=want,
            note="averages over the batch",
        )


@clause("dense.bias-length")
def test_bias_length() -> Iterator[ErrorCase]:
    x, kernel, bias = dense_arrays("float32")
    for length in (4, 1):
        yield ErrorCase(
            operation="dense",
            arrays=(x, kernel, bias[:length]),
            valid_arrays=(x, kernel, bias),
            note=f"a bias of {length} for 5 units",
        )


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
    want = mlp_want(x, weights, "tanh")
    yield Case(operation="mlp", arrays=(x, permuted), attributes=TANH, want=want, note="units told apart by position")


@clause("mlp.gradient")
def test_mlp_gradient() -> Iterator[Case]:
    for dtype in DTYPES:
        x, weights = mlp_arrays(dtype)
        cotangents = normal_draws(26, (6, WIDTHS[-1]), dtype)
        want = mlp_gradient_want(x, weights, cotangents, "tanh")
        yield Case(
            operation="mlp", what="gradient", arrays=(x, weights), attributes=TANH, cotangents=cotangents, want=want
        )


def refused(weights: dict, valid: dict, note: str, **attributes: str) -> ErrorCase:
    """A table or an activation that must be refused, with the right ones as the control."""
    x, _ = mlp_arrays()
    return ErrorCase(
        operation="mlp",
        arrays=(x, weights),
        valid_arrays=(x, valid),
        attributes=TANH | attributes,
        valid_attributes=TANH,
        note=note,
    )


@clause("mlp.unknown-activation")
def test_unknown_activation() -> Iterator[ErrorCase]:
    _, weights = mlp_arrays()
    for name in ("rulu", "none"):
        yield refused(weights, weights, f"activation {name!r}", activation=name)


@clause("mlp.missing-weights")
def test_missing_weights() -> Iterator[ErrorCase]:
    _, weights = mlp_arrays()
    for missing in ("bias_1", "bias_2", "kernel_0"):
        yield refused({n: w for n, w in weights.items() if n != missing}, weights, f"no {missing}")


@clause("mlp.extra-weights")
def test_extra_weights() -> Iterator[ErrorCase]:
    _, weights = mlp_arrays()
    for extra in ("bias_3", "scale_1"):
        yield refused(weights | {extra: normal_draws(25, (2,))}, weights, f"{extra} in a table of three layers")
