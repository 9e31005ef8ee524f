"""Tests of components/forward_propagation: every value on the way, and the gradients."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case, ErrorCase, clause
from nnspec_conformance.inputs import normal_draws
from nnspec_conformance.oracles.components import activations
from nnspec_conformance.oracles.components import forward_propagation as oracle
from nnspec_conformance.oracles.components.layers import activate
from nnspec_conformance.subject import DTYPES
from nnspec_conformance.tolerance import Shape, Want, exact, ulp, unit

WIDTHS = (3, 7, 5, 2)  # no two alike: a transposed or skipped kernel does not fit
TESTED = ("relu", "tanh", "sigmoid", "gelu")
SLOPE = {"relu": 1.0, "tanh": 1.0, "sigmoid": 0.25, "gelu": 1.13}  # the largest |f'|
BEND = {"relu": 0.0, "tanh": 0.77, "sigmoid": 0.0963, "gelu": 0.8}  # the largest |f''|, away from the kink
TANH = {"activation": "tanh"}


def wide(tree: Any) -> Any:
    """The arrays of a tuple or dict in float64."""
    if isinstance(tree, dict):
        return {name: wide(x) for name, x in tree.items()}
    return tree.astype(np.float64) if isinstance(tree, np.ndarray) else tuple(map(wide, tree))


def table(widths: tuple[int, ...], dtype: str = "float32") -> dict[str, np.ndarray]:
    """Weights of variance 1/n, so that no activation saturates, and biases of deviation 1."""
    found = {}
    for i, (n, m) in enumerate(pairwise(widths)):
        found[f"kernel_{i}"] = normal_draws(50 + 2 * i, (n, m), dtype, scale=n**-0.5)
        found[f"bias_{i}"] = normal_draws(51 + 2 * i, (m,), dtype)
    return found


def network(
    dtype: str = "float32", leading: tuple[int, ...] = (6,), widths: tuple[int, ...] = WIDTHS
) -> tuple[np.ndarray, dict]:
    """x and weights: all axes of different lengths, no entry zero, no two alike."""
    return normal_draws(49, (*leading, widths[0]), dtype), table(widths, dtype)


# ---- the error carried through the layers


def step_error(a: np.ndarray, da: Any, kernel: np.ndarray, bias: np.ndarray, z: np.ndarray, dtype: str) -> np.ndarray:
    """What a pre-activation may be off by: what its inputs are off by, and the rounding of the sum."""
    size = (np.abs(a) + da) @ np.abs(kernel) + np.abs(bias)
    terms = kernel.shape[0] + 1
    return da @ np.abs(kernel) + 2 * (terms + 1) * unit(dtype) * size + ulp(z, dtype) / 2


def bend_error(z: np.ndarray, dz: Any, a: np.ndarray, activation: str, dtype: str) -> np.ndarray:
    """What an activation may be off by: what its input is off by, and its own rounding; ReLU has none."""
    if activation == "relu":
        return np.broadcast_to(dz, z.shape)
    rounding = 4 * ulp(np.maximum(np.abs(a), np.minimum(np.abs(z), 4.0)), dtype)
    return SLOPE[activation] * (dz + 2 * ulp(z, dtype)) + rounding


def carried(x: np.ndarray, weights: dict, activation: str) -> tuple[dict, dict]:
    """Every value in float64, and the error allowed to it."""
    dtype, (x, weights) = str(x.dtype), wide((x, weights))
    values, errors, layers = oracle.forward(x, weights, activation=activation), {}, len(weights) // 2
    a, da = x, np.zeros_like(x)
    for i in range(layers):
        z = values[f"z_{i}"]
        dz = errors[f"z_{i}"] = step_error(a, da, weights[f"kernel_{i}"], weights[f"bias_{i}"], z, dtype)
        a = values[f"a_{i}"]
        da = errors[f"a_{i}"] = bend_error(z, dz, a, activation, dtype) if i < layers - 1 else dz
    return values, errors


def as_wants(values: dict, errors: dict, dtype: str, factor: float = 1.0) -> dict[str, Want]:
    return {
        name: Want(v, np.where(np.isfinite(v), factor * errors[name], 0.0), np.zeros_like(v), dtype, "carried bound")
        for name, v in values.items()
    }


def forward_case(x: np.ndarray, weights: dict, activation: str, note: str = "") -> Case:
    want = as_wants(*carried(x, weights, activation), str(x.dtype))
    return Case(operation="forward", arrays=(x, weights), attributes={"activation": activation}, want=want, note=note)


def slope_error(z: np.ndarray, dz: np.ndarray, slope: np.ndarray, activation: str, dtype: str) -> np.ndarray:
    """What a derivative may be off by; on either side of ReLU's kink it may be either slope."""
    if activation == "relu":
        return np.where(np.abs(z) <= dz, 1.0, 0.0)
    size = np.clip(np.abs(z), 1.0, 8.0) if activation == "gelu" else 1.0
    return BEND[activation] * (dz + 2 * ulp(z, dtype)) + 8 * ulp(np.maximum(np.abs(slope), size), dtype)


def gradient_wants(x: np.ndarray, weights: dict, cotangents: dict, activation: str) -> tuple[Want, dict[str, Want]]:
    """The gradients in float64, and the errors carried back."""
    dtype, (values, errors) = str(x.dtype), carried(x, weights, activation)
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
            g = given[f"z_{i}"] + slope * above
            size = np.abs(given[f"z_{i}"]) + (np.abs(slope) + dslope) * (np.abs(above) + dabove)
            dg = (np.abs(slope) + dslope) * dabove + dslope * np.abs(above) + 4 * u * size
        a, da = (values[f"a_{i - 1}"], errors[f"a_{i - 1}"]) if i else (x, np.zeros_like(x))
        a, da, rows, drows = (v.reshape(-1, v.shape[-1]) for v in (a, da, np.abs(g), dg))
        kernel = np.abs(weights[f"kernel_{i}"])
        count, units = len(rows), kernel.shape[1]
        size = (np.abs(a) + da).T @ (rows + drows)
        allowed[f"kernel_{i}"] = (np.abs(a) + da).T @ drows + da.T @ rows + 2 * (count + 1) * u * size
        allowed[f"bias_{i}"] = drows.sum(0) + 2 * (count + 1) * u * (rows + drows).sum(0)
        dg = dg @ kernel.T + 2 * (units + 1) * u * ((np.abs(g) + dg) @ kernel.T)
        g = g @ weights[f"kernel_{i}"].T
    gradients, allowed = gradients | {"x": dx}, allowed | {"x": dg}
    wants = as_wants(gradients, {name: e + ulp(gradients[name], dtype) / 2 for name, e in allowed.items()}, dtype)
    return wants.pop("x"), wants


# ---- names and values


@clause("forward.example")
def test_example() -> Iterator[Case]:
    for dtype in ("bfloat16", "float32"):  # every number is one of the narrowest dtype, and so of all
        x = np.array([oracle.EXAMPLE_X], DTYPES[dtype])
        weights = {name: np.array(w, DTYPES[dtype]) for name, w in oracle.EXAMPLE_WEIGHTS.items()}
        want = {name: exact(np.array([v]), dtype) for name, v in oracle.EXAMPLE_VALUES.items()}
        yield Case(operation="forward", arrays=(x, weights), attributes={"activation": "relu"}, want=want)


@clause("forward.names")
def test_names() -> Iterator[Case]:
    for dtype, leading, widths in [
        *((dtype, (6,), WIDTHS) for dtype in DTYPES),
        ("float32", (6,), (3, 2)),
        ("float32", (2, 4), WIDTHS),
    ]:
        x, weights = network(dtype, leading, widths)
        shapes = {f"{v}_{i}": Shape((*leading, m), dtype) for i, m in enumerate(widths[1:]) for v in "za"}
        yield Case(operation="forward", arrays=(x, weights), attributes=TANH, want=shapes, note="counts layers from 1")


@clause("forward.single-example")
def test_single_example() -> Iterator[Case]:
    x, weights = network()
    yield forward_case(x[0], weights, "tanh", "a batch axis of one")


@clause("forward.composition")
def test_composition() -> Iterator[Case]:
    for dtype in DTYPES:
        yield forward_case(*network(dtype), "tanh")
    for activation in TESTED:
        yield forward_case(*network(), activation, "activation before the bias")


@clause("forward.depth")
def test_depth() -> Iterator[Case]:
    for widths in ((3, 2), (3, 5, 2), WIDTHS, (3, 7, 5, 4, 2)):
        yield forward_case(*network(widths=widths), "tanh", "skips a layer")
    x, weights = network(widths=(2,) * 13)  # of equal widths none is missed by its shape, and any order fits
    shuffled = {name: weights[name] for name in sorted(weights)}
    yield forward_case(x, shuffled, "tanh", "kernel_10 before kernel_2")


@clause("forward.output")
def test_output(trial) -> None:
    x, weights = network()
    weights["bias_2"] = np.array([-4.0, 3.0], np.float32)  # outputs below 0, and above 1
    for activation in TESTED:
        values = trial.call(x, weights, activation=activation)
        z, a = values["z_2"], values["a_2"]
        trial.require(z.tobytes() == a.tobytes(), f"a_2 is not z_2 with {activation}: {a[0]} and {z[0]}")
        trial.require(bool((a < 0).any() and (a > 1).any()), f"with {activation} no output below 0 or none above 1")


@clause("forward.consistency")
def test_consistency(trial) -> None:
    for activation in TESTED:
        x, weights = network()
        values, dtype, (a, weights) = trial.call(x, weights, activation=activation), str(x.dtype), wide((x, weights))
        for i in range(len(WIDTHS) - 1):
            kernel, bias = weights[f"kernel_{i}"], weights[f"bias_{i}"]
            z = a @ kernel + bias
            errors = {"z": step_error(a, np.zeros_like(a), kernel, bias, z, dtype)}
            handed = values[f"z_{i}"].astype(np.float64)
            wants = as_wants({"z": z}, errors, dtype)
            if i < len(WIDTHS) - 2:
                bent = activate(handed, activation)
                rounding = {"a": bend_error(handed, np.zeros_like(handed), bent, activation, dtype)}
                wants |= as_wants({"a": bent}, rounding, dtype)
            for name, want in wants.items():
                trial.expect(values[f"{name}_{i}"], want, f"{name}_{i} from the value before it, {activation}")
            a = values[f"a_{i}"].astype(np.float64)


# ---- examples


@clause("forward.examples")
def test_examples(trial) -> None:
    x, weights = network()
    values, errors = carried(x, weights, "tanh")
    together = trial.call(x, weights, **TANH)
    alone = [trial.call(x[i : i + 1], weights, **TANH) for i in range(len(x))]
    beside = np.where(np.arange(len(x))[:, None] == 2, x, 100 * x)
    others = trial.call(beside, weights, **TANH)
    for name, got in together.items():
        loop = as_wants({name: np.concatenate([one[name] for one in alone])}, errors, "float32", 2.0)
        trial.expect(got, Want(**vars(loop[name]) | {"value": wide(loop[name].value)}), f"{name} against a loop")
        third = Want(wide(got[2]), 2 * errors[name][2], np.zeros_like(values[name][2]), "float32", "carried bound")
        trial.expect(others[name][2], third, f"{name} beside other examples")


@clause("forward.nan")
def test_nan() -> Iterator[Case]:
    for activation in TESTED:
        x, weights = network()
        x[2, 1] = np.nan
        yield forward_case(x, weights, activation, "a statistic of the batch")


@clause("forward.determinism")
def test_determinism(trial) -> None:
    x, weights = network(widths=(300, 5, 2))  # sums long enough for the order of their terms to show
    first = trial.call(x, weights, **TANH)
    trial.call(-3 * x, weights, **TANH)
    for again in (trial.call(x, weights, **TANH), trial.call(x, weights, **TANH)):
        for name, got in again.items():
            same = got.tobytes() == first[name].tobytes()
            trial.require(same, f"{name} of the same call differs by {np.abs(wide(got) - wide(first[name])).max():.3g}")


# ---- gradients


def gradient_case(x: np.ndarray, weights: dict, cotangents: dict, activation: str, note: str) -> Case:
    return Case(
        operation="forward",
        what="gradient",
        arrays=(x, weights),
        attributes={"activation": activation},
        cotangents=cotangents,
        want=gradient_wants(x, weights, cotangents, activation),
        note=note,
    )


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
        yield gradient_case(*network(dtype, leading), cotangents, activation, "averages over the batch")


@clause("forward.gradient-of-values")
def test_gradient_of_values() -> Iterator[Case]:
    yield gradient_case(*network(), cotangents_of((6,), "float32"), "tanh", "hands out copies cut off")


# ---- refusals


def refused(weights: dict, note: str, activation: str = "tanh") -> ErrorCase:
    x, right = network()
    return ErrorCase(
        operation="forward",
        arrays=(x, weights),
        valid_arrays=(x, right),
        attributes={"activation": activation},
        valid_attributes=TANH,
        note=note,
    )


@clause("forward.widths")
def test_widths() -> Iterator[ErrorCase]:
    for i, n, m in ((0, 4, 7), (1, 4, 5), (2, 1, 2)):
        yield refused(table(WIDTHS) | {f"kernel_{i}": normal_draws(80, (n, m))}, f"a kernel_{i} of {n} inputs")


@clause("forward.missing-weights")
def test_missing_weights() -> Iterator[ErrorCase]:
    for missing in ("kernel_0", "bias_1", "kernel_2", "bias_2"):
        yield refused({name: w for name, w in table(WIDTHS).items() if name != missing}, f"no {missing}")


@clause("forward.extra-weights")
def test_extra_weights() -> Iterator[ErrorCase]:
    for extra in ("bias_3", "scale_1"):
        yield refused(table(WIDTHS) | {extra: normal_draws(81, (2,))}, f"{extra} in a table of three layers")


@clause("forward.empty-table")
def test_empty_table() -> Iterator[ErrorCase]:
    yield refused({}, "no layers at all")


@clause("forward.unknown-activation")
def test_unknown_activation() -> Iterator[ErrorCase]:
    for name in ("rulu", "none"):
        yield refused(table(WIDTHS), f"activation {name!r}", name)
