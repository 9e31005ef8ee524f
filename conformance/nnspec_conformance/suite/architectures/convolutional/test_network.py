"""Tests of architectures/convolutional/network: values, gradients, the order of features, receptive fields."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case, ErrorCase, call, clause, gradient, refusal
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.inputs import normal_draws, wide
from nnspec_conformance.oracles.architectures.convolutional import network as oracle
from nnspec_conformance.tolerance import Shape, Want, bound, exact, spread
from nnspec_conformance.trees import mapped

Lengths = tuple[int, ...]
READINGS = ("flatten_order", "strided_zeros")
# An odd height, a width of another remainder, and maps and units of which no two have one number.
IMAGES: dict[str, Lengths] = {"lenet": (2, 9, 12, 2), "residual_network": (2, 7, 6, 2)}
UNITS: dict[str, Lengths] = {"lenet": (3, 4, 6, 5), "residual_network": (3, 4, 5)}
SMOOTH: dict[str, dict] = {
    "lenet": {"activation": "tanh", "pooling": "average"},
    "residual_network": {"activation": "tanh"},
}
KINKED: dict[str, dict] = {
    "lenet": {"activation": "relu", "pooling": "max"},
    "residual_network": {"activation": "relu"},
}
SEEN: dict[str, tuple[str, ...]] = {
    "lenet": ("maps_0", "pooled_0", "maps_1", "pooled_1"),
    "residual_network": ("maps", "block_0", "block_1"),
}
LARGE: dict[str, Lengths] = {"lenet": (1, 20, 24, 1), "residual_network": (1, 16, 19, 1)}


def shapes_of(operation: str, image: Lengths, units: Lengths) -> dict[str, Lengths]:
    """The arrays of a table that fits such images."""
    _, height, width, channels = image
    if operation == "lenet":
        n0, n1, n2, n3 = units
        kernels = {
            "kernel_0": (5, 5, channels, n0),
            "kernel_1": (5, 5, n0, n1),
            "kernel_2": ((height // 4) * (width // 4) * n1, n2),
            "kernel_3": (n2, n3),
        }
    else:
        n0, n1, n2 = units
        kernels = {
            "kernel_0": (3, 3, channels, n0),
            "kernel_1": (3, 3, n0, n0),
            "kernel_2": (3, 3, n0, n0),
            "kernel_3": (3, 3, n0, n1),
            "kernel_4": (3, 3, n1, n1),
            "shortcut_kernel": (1, 1, n0, n1),
            "kernel_5": (n1, n2),
        }
    return {n: s for name, kernel in kernels.items() for n, s in ((name, kernel), (_bias(name), kernel[-1:]))}


def _bias(kernel: str) -> str:
    return kernel.replace("kernel", "bias")


def arrays(
    operation: str, dtype: str = "float32", image: Lengths | None = None, units: Lengths | None = None
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Images and a table: no entry zero, no two alike; kernels of variance 1/n, so that nothing saturates."""
    image, units = image or IMAGES[operation], units or UNITS[operation]
    table = {}
    for i, (name, shape) in enumerate(shapes_of(operation, image, units).items()):
        scale = float(np.prod(shape[:-1])) ** -0.5 if "kernel" in name else 0.5
        table[name] = normal_draws(102 + i, shape, dtype, scale=scale)
    return normal_draws(101, image, dtype), table


def told(readings: dict) -> dict[str, Any]:
    """The readings on which values depend, as the oracle takes them."""
    return {name: readings[name] for name in READINGS if name in readings}


# ---- the error that is allowed


def value(x: np.ndarray, weights: dict, *, operation: str, **given: Any) -> dict[str, Want]:
    """Every value, and what it moves when every operand on the way is rounded at random."""
    exactly, function = wide((x, weights)), getattr(oracle, operation)
    return spread(lambda rounded: function(*exactly, **given, rounded=rounded), str(x.dtype))


def gradients(x: np.ndarray, weights: dict, cotangents: dict, *, operation: str, **given: Any) -> tuple:
    """The gradients, and what they move when every operand on the way there and back is rounded at random."""
    exactly, function = wide((x, weights, cotangents)), getattr(oracle, f"{operation}_vjp")
    return spread(lambda rounded: function(*exactly, **given, rounded=rounded), str(x.dtype))


def question(operation: str, made: tuple, given: dict, readings: dict, note: str = "") -> Case:
    return call(operation, *made, **given, want=partial(value, operation=operation, **told(readings)), note=note)


def pulled(operation: str, made: tuple, given: dict, readings: dict, cotangents: dict, note: str) -> Case:
    want = partial(gradients, operation=operation, **told(readings))
    return gradient(operation, *made, **given, cotangents=cotangents, want=want, note=note)


def cotangents_of(operation: str, made: tuple, given: dict, readings: dict, only: str = "") -> dict[str, np.ndarray]:
    """One for every value; zero for all but the one asked for, if one is."""
    values, dtype = getattr(oracle, operation)(*wide(made), **given, **told(readings)), str(made[0].dtype)
    return {
        name: normal_draws(121 + i, v.shape, dtype, scale=1.0 if only in ("", name) else 0.0)
        for i, (name, v) in enumerate(values.items())
    }


# ---- features


@clause("network.flatten-order")
def test_flatten_order(operation: str, readings: dict) -> Iterator[Case]:
    order = readings["flatten_order"]
    if operation == "flatten_features":
        for dtype in ("float32", "bfloat16"):
            x, want = np.array([oracle.EXAMPLE_MAPS], DTYPES[dtype]), np.array([oracle.EXAMPLE_FLAT[order]])
            yield call(operation, x, want=exact(want, dtype), note="another order of the axes")
        x = normal_draws(60, (3, 4, 5, 2))
        right = oracle.flatten_features(wide(x), flatten_order=order)
        yield call(operation, x, want=exact(right), note="height and width exchanged")
        return
    made = arrays(operation)
    yield question(operation, made, SMOOTH[operation], readings, "the rows of the kernel for another order")


@clause("network.ported")
def test_ported(readings: dict) -> Iterator[Case]:
    order = readings["flatten_order"]
    other = "chw" if order == "hwc" else "hwc"
    x, weights = arrays("lenet")
    maps = (x.shape[1] // 4, x.shape[2] // 4, weights["kernel_1"].shape[-1])
    ported = weights | {"kernel_2": oracle.reordered(weights["kernel_2"], maps, other, order)}
    for setting in (SMOOTH, KINKED):
        want = value(x, weights, operation="lenet", **setting["lenet"], flatten_order=other)
        here = value(x, ported, operation="lenet", **setting["lenet"], flatten_order=order)
        want = want | {"features": here["features"]}  # in the order of whom the table is for now
        yield call("lenet", x, ported, **setting["lenet"], want=want, note="rows in the order of the other framework")


# ---- values


@clause("network.example")
def test_example(operation: str, readings: dict) -> Iterator[Case]:
    for dtype in ("bfloat16", "float32"):  # every number is one of the narrowest dtype, and so of all
        if operation == "lenet":
            x, table, values = oracle.LENET_X, oracle.lenet_example(), dict(oracle.LENET_VALUES)
        else:
            x, table, values = oracle.RESIDUAL_X, oracle.residual_example(), dict(oracle.RESIDUAL_VALUES)
            both, end = values.pop("both"), values.pop("end")
            values |= both if readings["strided_zeros"] == "both" else end
        x, table = (
            np.array(x, DTYPES[dtype])[None, :, :, None],
            {k: np.array(w, DTYPES[dtype]) for k, w in table.items()},
        )
        want = {name: exact(np.array([v]), dtype) for name, v in values.items()}
        yield call(operation, x, table, **KINKED[operation], want=want)


@clause("network.value")
def test_value(operation: str, readings: dict) -> Iterator[Case]:
    for dtype in DTYPES:
        yield question(operation, arrays(operation, dtype), SMOOTH[operation], readings, "a layer left out")
    yield question(operation, arrays(operation), KINKED[operation], readings, "the pooling before the activation")
    if operation == "lenet":
        for given in ({"activation": "relu", "pooling": "average"}, {"activation": "tanh", "pooling": "max"}):
            yield question(operation, arrays(operation), given, readings, "one pooling for the other")


@clause("network.strided-zeros")
def test_strided_zeros(readings: dict) -> Iterator[Case]:
    for image in ((2, 8, 6, 2), (2, 7, 5, 2)):  # of odd lengths both readings are one
        made = arrays("residual_network", image=image)
        yield question("residual_network", made, SMOOTH["residual_network"], readings, "the zeros at the other end")


@clause("network.shapes")
def test_shapes(operation: str) -> Iterator[Case]:
    for batch, height, width, channels in ((2, 9, 12, 2), (1, 4, 7, 1), (3, 11, 6, 3)):
        image = (batch, height, width, channels)
        made = arrays(operation, image=image)
        if operation == "lenet":
            n0, n1, n2, n3 = UNITS[operation]
            found = {
                "maps_0": (height, width, n0),
                "pooled_0": (height // 2, width // 2, n0),
                "maps_1": (height // 2, width // 2, n1),
                "pooled_1": (height // 4, width // 4, n1),
                "features": ((height // 4) * (width // 4) * n1,),
                "hidden": (n2,),
                "output": (n3,),
            }
        else:
            n0, n1, n2 = UNITS[operation]
            half = (-(-height // 2), -(-width // 2), n1)
            found = {"maps": (height, width, n0), "block_0": (height, width, n0), "block_1": half}
            found |= {"pooled": (n1,), "output": (n2,)}
        want = {name: Shape((batch, *shape), "float32") for name, shape in found.items()}
        yield call(operation, *made, **SMOOTH[operation], want=want, note="the last window sticks out")


@clause("network.output")
def test_output(trial) -> None:
    for setting in (SMOOTH, KINKED):
        given = setting[trial.operation]
        with trial.part(**given):
            x, weights = arrays(trial.operation)
            last = max(name for name in weights if name.startswith("kernel"))
            weights[_bias(last)] = np.array([-4.0, 3.0, -5.0, 6.0, 7.0], np.float32)  # outputs below 0, and above 1
            values = trial.call(x, weights, **given)
            into = values["hidden" if trial.operation == "lenet" else "pooled"]
            a, kernel, bias = wide((into, weights[last], weights[_bias(last)]))
            want = bound(a @ kernel + bias, np.abs(a) @ np.abs(kernel) + np.abs(bias), len(kernel) + 1, "float32")
            trial.expect(values["output"], want, "the output from the value before it")
            trial.require(
                bool((values["output"] < 0).any() and (values["output"] > 1).any()), "no output below 0 or none above 1"
            )


@clause("network.shortcut")
def test_shortcut() -> Iterator[Case]:
    x, weights = arrays("residual_network", units=(3, 3, 5))
    for name in ("kernel_2", "bias_2", "kernel_4", "bias_4", "shortcut_bias"):
        weights[name] = np.zeros_like(weights[name])
    weights["shortcut_kernel"] = np.eye(3, dtype=np.float32)[None, None]
    weights["kernel_0"], weights["bias_0"] = oracle.middle(3, *np.eye(2, 3)).astype(np.float32), np.zeros(3, np.float32)
    x = np.abs(np.round(8 * x) / 8)
    maps = np.concatenate([x, np.zeros_like(x[..., :1])], -1)
    want: dict[str, Any] = dict.fromkeys(("maps", "block_0"), exact(maps)) | {"block_1": exact(maps[:, ::2, ::2])}
    want |= {"pooled": Shape((2, 3), "float32"), "output": Shape((2, 5), "float32")}
    yield call("residual_network", x, weights, activation="relu", want=want, note="a block that scales its input")


@clause("network.any-size")
def test_any_size(readings: dict) -> Iterator[Case]:
    for image in ((2, 5, 10, 2), (1, 1, 3, 2)):
        x, _ = arrays("residual_network", image=image)
        _, weights = arrays("residual_network")
        yield question("residual_network", (x, weights), SMOOTH["residual_network"], readings, "a fixed divisor")


# ---- gradients


@clause("network.gradient")
def test_gradient(operation: str, readings: dict, lean: bool) -> Iterator[Case]:
    for dtype in ("float32", "bfloat16") if lean else DTYPES:
        made = arrays(operation, dtype)
        g = cotangents_of(operation, made, SMOOTH[operation], readings, "output")
        yield pulled(operation, made, SMOOTH[operation], readings, g, "a path that is cut off")
    made = arrays(operation)
    g = cotangents_of(operation, made, KINKED[operation], readings, "output")
    yield pulled(operation, made, KINKED[operation], readings, g, "a slope that is left out")


@clause("network.gradient-of-values")
def test_gradient_of_values(operation: str, readings: dict) -> Iterator[Case]:
    made = arrays(operation)
    g = cotangents_of(operation, made, SMOOTH[operation], readings)
    yield pulled(operation, made, SMOOTH[operation], readings, g, "values handed out as copies")


@clause("network.receptive-field")
def test_receptive_field(trial) -> None:
    operation, given = trial.operation, SMOOTH[trial.operation]
    made = arrays(operation, image=LARGE[operation], units=(1,) * len(UNITS[operation]))
    values = getattr(oracle, operation)(*wide(made), **given, **told(trial.readings))
    none = mapped(lambda v: np.zeros(v.shape, np.float32), values)
    for name in SEEN[operation]:
        _, rows, columns, _ = values[name].shape
        for place in ((rows // 2, columns // 2), (0, columns - 1)):
            with trial.part(value=name, place=place):
                one = none[name].copy()
                one[(0, *place, 0)] = 1
                dx = np.asarray(trial.vjp(made, none | {name: one}, **given)[0], np.float64)[0, :, :, 0]
                _ask_box(trial, dx, name, place)


def _ask_box(trial: Any, dx: np.ndarray, name: str, place: tuple[int, int]) -> None:
    """Whether the box round what is not zero is the one of the formula."""
    found, right = [], []
    for axis in (0, 1):
        there = np.flatnonzero(dx.any(1 - axis))
        found.append((int(there.min()), int(there.max())) if len(there) else None)
        right.append(oracle.seen(layers(trial, name, dx.shape[axis]), dx.shape[axis], place[axis]))
    trial.require(found == right, f"{name} at {place} depends on rows and columns {found}, the formula says {right}")


def layers(trial: Any, name: str, length: int) -> list[tuple[int, int, int]]:
    """The layers from the input to a value."""
    every = oracle.LENET
    if trial.operation == "residual_network":
        every = oracle.residual_layers(length, trial.readings["strided_zeros"])
    names = list(every)
    return [every[n] for n in names[: names.index(name) + 1]]


# ---- refusals


@clause("network.image-size-error")
def test_image_size() -> Iterator[ErrorCase]:
    right = arrays("lenet")
    for image in ((2, 12, 12, 2), (2, 9, 9, 2), (2, 3, 12, 2)):
        x = normal_draws(101, image)
        yield refusal("lenet", x, right[1], **SMOOTH["lenet"], valid=right, note=f"{image[1]} by {image[2]} pixels")
