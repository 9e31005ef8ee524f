"""Tests of components/forward_propagation: every value on the way, and the gradients."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case, ErrorCase, call, clause, gradient, refusal
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.inputs import network, normal_draws, wide
from nnspec_conformance.oracles.components import activations
from nnspec_conformance.oracles.components import forward_propagation as oracle
from nnspec_conformance.oracles.components.layers import activate
from nnspec_conformance.tolerance import (
    Shape,
    Want,
    carried,
    exact,
    function_error,
    product_error,
    spread,
    ulp,
    unit,
)
from nnspec_conformance.trees import mapped
from nnspec_conformance.wanted import value_of

WIDTHS = (3, 7, 5, 2)  # no two alike: a transposed or skipped kernel does not fit
TESTED = ("relu", "tanh", "sigmoid", "gelu")
SLOPE = {  # the largest |f'|
    "identity": 1.0, "relu": 1.0, "leaky_relu": 1.0, "elu": 1.0, "selu": 1.76, "gelu": 1.13, "sigmoid": 0.25,
    "tanh": 1.0, "softplus": 1.0, "silu": 1.1, "hard_sigmoid": 0.17,
}  # fmt: skip
BEND = {  # the largest |f''|, away from the kinks
    "identity": 0.0, "relu": 0.0, "leaky_relu": 0.0, "elu": 1.0, "selu": 1.76, "gelu": 0.8, "sigmoid": 0.0963,
    "tanh": 0.77, "softplus": 0.25, "silu": 0.5, "hard_sigmoid": 0.0,
}  # fmt: skip
KINKS = {"relu": (0.0,), "leaky_relu": (0.0,), "selu": (0.0,), "hard_sigmoid": (-3.0, 3.0)}
TANH = {"activation": "tanh"}


def arrays(
    dtype: str = "float32", leading: tuple[int, ...] = (6,), widths: tuple[int, ...] = WIDTHS
) -> tuple[np.ndarray, dict]:
    """x and weights: all axes of different lengths, no entry zero, no two alike."""
    return network(widths, dtype, leading=leading, seed=49)


# ---- the error carried through the layers


def sum_error(a: np.ndarray, da: Any, kernel: np.ndarray, bias: np.ndarray, z: np.ndarray, dtype: str) -> np.ndarray:
    """What a pre-activation may be off by if its inputs are off by ``da``."""
    carried_in = product_error(a, da, kernel, 0.0 * kernel, len(kernel) + 1, dtype, plus=np.abs(bias))
    return carried_in + ulp(z, dtype) / 2


def activation_error(z: np.ndarray, dz: Any, a: np.ndarray, activation: str, dtype: str) -> np.ndarray:
    """What an activation may be off by; ReLU and the identity round nothing."""
    if activation in ("identity", "relu"):
        return np.broadcast_to(dz, z.shape)
    return function_error(z, dz, SLOPE[activation], a, 4, dtype, scale=np.minimum(np.abs(z), 4.0))


def slope_error(z: np.ndarray, dz: np.ndarray, slope: np.ndarray, activation: str, dtype: str) -> np.ndarray:
    """What a derivative may be off by; on either side of a kink it may be either slope."""
    near = [np.abs(z - kink) <= dz for kink in KINKS.get(activation, ())]
    jump = np.where(np.any(near, axis=0), 1.0, 0.0) if near else np.zeros_like(z)
    if activation in ("identity", "relu"):
        return jump
    scale = np.clip(np.abs(z), 1.0, 8.0) if activation in ("gelu", "silu") else 1.0
    return jump + function_error(z, dz, BEND[activation], slope, 8, dtype, scale=scale)


def on_the_way(x: np.ndarray, weights: dict, activation: str) -> tuple[dict, dict]:
    """Every value in float64, and the error allowed to it."""
    dtype, (x, weights) = str(x.dtype), wide((x, weights))
    values, errors, layers = oracle.forward(x, weights, activation=activation), {}, len(weights) // 2
    a, da = x, np.zeros_like(x)
    for i in range(layers):
        z = values[f"z_{i}"]
        dz = errors[f"z_{i}"] = sum_error(a, da, weights[f"kernel_{i}"], weights[f"bias_{i}"], z, dtype)
        a = values[f"a_{i}"]
        da = errors[f"a_{i}"] = activation_error(z, dz, a, activation, dtype) if i < layers - 1 else dz
    return values, errors


def forward_want(x: np.ndarray, weights: dict, *, activation: str) -> dict[str, Want]:
    """Every value, within the carried error; of activations that are not elementwise within a spread."""
    if activation not in SLOPE:
        return value_of(oracle.forward)(x, weights, activation=activation)
    values, errors = on_the_way(x, weights, activation)
    return {name: carried(v, errors[name], str(x.dtype)) for name, v in values.items()}


def forward_gradients(
    x: np.ndarray, weights: dict, cotangents: dict, *, activation: str
) -> tuple[Want, dict[str, Want]]:
    """The gradients in float64, and the errors carried back; of activations that are not elementwise a spread."""
    if activation not in SLOPE:
        given = wide((x, weights, cotangents))
        return spread(lambda r: oracle.forward_vjp(*mapped(r, given), activation=activation), str(x.dtype))
    dtype, (values, errors) = str(x.dtype), on_the_way(x, weights, activation)
    x, weights, given = wide((x, weights, cotangents))
    u, layers, allowed = unit(dtype), len(weights) // 2, {}
    dx, gradients = oracle.forward_vjp(x, weights, given, activation=activation)
    g = given[f"z_{layers - 1}"] + given[f"a_{layers - 1}"]
    dg = 2 * u * (np.abs(given[f"z_{layers - 1}"]) + np.abs(given[f"a_{layers - 1}"]))
    for i in range(layers - 1, -1, -1):
        if i < layers - 1:  # here g and dg are those of what reaches the activation
            z, above, dabove = values[f"z_{i}"], given[f"a_{i}"] + g, dg + 2 * u * (np.abs(given[f"a_{i}"]) + np.abs(g))
            slope = getattr(activations, f"{activation}_derivative")(z)
            dslope = slope_error(z, errors[f"z_{i}"], slope, activation, dtype)
            g, plus = given[f"z_{i}"] + slope * above, np.abs(given[f"z_{i}"])
            dg = product_error(slope, dslope, above, dabove, 1, dtype, times=np.multiply, plus=plus)
        a, da = (values[f"a_{i - 1}"], errors[f"a_{i - 1}"]) if i else (x, np.zeros_like(x))
        inputs, dinputs, rows, drows = (v.reshape(-1, v.shape[-1]) for v in (a, da, g, dg))
        kernel, count = weights[f"kernel_{i}"], len(rows)
        allowed[f"kernel_{i}"] = product_error(inputs.T, dinputs.T, rows, drows, count, dtype)
        allowed[f"bias_{i}"] = drows.sum(0) + 2 * (count + 1) * u * (np.abs(rows) + drows).sum(0)
        dg = product_error(g, dg, kernel.T, 0.0 * kernel.T, kernel.shape[1], dtype)
        g = g @ kernel.T
    gradients, allowed = gradients | {"x": dx}, allowed | {"x": dg}
    wants = {name: carried(g, allowed[name] + ulp(g, dtype) / 2, dtype) for name, g in gradients.items()}
    return wants.pop("x"), wants


def forward_case(x: np.ndarray, weights: dict, activation: str, note: str = "") -> Case:
    return call("forward", x, weights, activation=activation, want=forward_want, note=note)


# ---- names and values


@clause("forward.example")
def test_example() -> Iterator[Case]:
    for dtype in ("bfloat16", "float32"):  # every number is one of the narrowest dtype, and so of all
        x = np.array([oracle.EXAMPLE_X], DTYPES[dtype])
        weights = {name: np.array(w, DTYPES[dtype]) for name, w in oracle.EXAMPLE_WEIGHTS.items()}
        want = {name: exact(np.array([v]), dtype) for name, v in oracle.EXAMPLE_VALUES.items()}
        yield call("forward", x, weights, activation="relu", want=want)


@clause("forward.names")
def test_names() -> Iterator[Case]:
    for dtype, leading, widths in [
        *((dtype, (6,), WIDTHS) for dtype in DTYPES),
        ("float32", (6,), (3, 2)),
        ("float32", (2, 4), WIDTHS),
    ]:
        x, weights = arrays(dtype, leading, widths)
        shapes = {f"{v}_{i}": Shape((*leading, m), dtype) for i, m in enumerate(widths[1:]) for v in "za"}
        yield call("forward", x, weights, **TANH, want=shapes, note="counts layers from 1")


@clause("forward.single-example")
def test_single_example() -> Iterator[Case]:
    x, weights = arrays()
    yield forward_case(x[0], weights, "tanh", "a batch axis of one")


@clause("forward.composition")
def test_composition() -> Iterator[Case]:
    for dtype in DTYPES:
        yield forward_case(*arrays(dtype), "tanh")
    for activation in TESTED:
        yield forward_case(*arrays(), activation, "activation before the bias")


@clause("forward.depth")
def test_depth() -> Iterator[Case]:
    for widths in ((3, 2), (3, 5, 2), WIDTHS, (3, 7, 5, 4, 2)):
        yield forward_case(*arrays(widths=widths), "tanh", "skips a layer")
    x, weights = arrays(widths=(2,) * 13)  # of equal widths none is missed by its shape, and any order fits
    shuffled = {name: weights[name] for name in sorted(weights)}
    yield forward_case(x, shuffled, "tanh", "kernel_10 before kernel_2")


@clause("forward.output")
def test_output(trial) -> None:
    x, weights = arrays()
    weights["bias_2"] = np.array([-4.0, 3.0], np.float32)  # outputs below 0, and above 1
    for activation in TESTED:
        with trial.part(activation=activation):
            values = trial.call(x, weights, activation=activation)
            z, a = values["z_2"], values["a_2"]
            trial.require(z.tobytes() == a.tobytes(), f"a_2 is not z_2 with {activation}: {a[0]} and {z[0]}")
            trial.require(bool((a < 0).any() and (a > 1).any()), f"with {activation} no output below 0 or none above 1")


@clause("forward.consistency")
def test_consistency(trial) -> None:
    for activation in TESTED:
        with trial.part(activation=activation):
            x, weights = arrays()
            values, dtype, (a, weights) = (
                trial.call(x, weights, activation=activation),
                str(x.dtype),
                wide((x, weights)),
            )
            for i in range(len(WIDTHS) - 1):
                kernel, bias = weights[f"kernel_{i}"], weights[f"bias_{i}"]
                z = a @ kernel + bias
                wants = {"z": carried(z, sum_error(a, np.zeros_like(a), kernel, bias, z, dtype), dtype)}
                if i < len(WIDTHS) - 2:
                    handed = values[f"z_{i}"].astype(np.float64)
                    right = activate(handed, activation)
                    rounding = activation_error(handed, np.zeros_like(handed), right, activation, dtype)
                    wants["a"] = carried(right, rounding, dtype)
                for name, want in wants.items():
                    trial.expect(values[f"{name}_{i}"], want, f"{name}_{i} from the value before it, {activation}")
                a = values[f"a_{i}"].astype(np.float64)


# ---- examples


@clause("forward.nan")
def test_nan() -> Iterator[Case]:
    for activation in TESTED:
        x, weights = arrays()
        x[2, 1] = np.nan
        yield forward_case(x, weights, activation, "a statistic of the batch")


# ---- gradients


def gradient_case(x: np.ndarray, weights: dict, cotangents: dict, activation: str, note: str) -> Case:
    asked = {"activation": activation, "cotangents": cotangents}
    return gradient("forward", x, weights, **asked, want=forward_gradients, note=note)


def cotangents_of(leading: tuple[int, ...], dtype: str, only: str = "") -> dict[str, np.ndarray]:
    """One for every value; zero for all but the one asked for, if one is."""
    given = {}
    for i, m in enumerate(WIDTHS[1:]):
        for k, v in enumerate("za"):
            draws = normal_draws(70 + 2 * i + k, (*leading, m), dtype)
            given[f"{v}_{i}"] = draws if only in ("", f"{v}_{i}") else np.zeros_like(draws)
    return given


@clause("forward.gradient")
def test_gradient() -> Iterator[Case]:
    settings = [("float32", "relu", (6,)), ("float32", "gelu", (6,)), ("float32", "tanh", (2, 4))]
    settings += [("float64", "tanh", (6,)), ("bfloat16", "tanh", (6,)), ("float16", "sigmoid", (6,))]
    for dtype, activation, leading in settings:  # a program each
        cotangents = cotangents_of(leading, dtype, "a_2")
        yield gradient_case(*arrays(dtype, leading), cotangents, activation, "averages over the batch")


@clause("forward.gradient-of-values")
def test_gradient_of_values() -> Iterator[Case]:
    yield gradient_case(*arrays(), cotangents_of((6,), "float32"), "tanh", "hands out copies cut off")


# ---- refusals


def refused(weights: dict, note: str) -> ErrorCase:
    x, right = arrays()
    return refusal("forward", x, weights, **TANH, valid=(x, right), note=note)


@clause("forward.empty-table")
def test_empty_table() -> Iterator[ErrorCase]:
    yield refused({}, "no layers at all")
