"""Tests of components/weight_layouts: layouts, by what the layer computes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nnspec_conformance.cases import Case, call, clause
from nnspec_conformance.inputs import normal_draws, wide
from nnspec_conformance.oracles.components import weight_layouts as oracle
from nnspec_conformance.tolerance import Want, bound, spread

WIDE = ("float32", "float64")  # where the numbers lie does not depend on the dtype
BATCH, TIME, IN, HIDDEN = 2, 4, 3, 5
FORMS = {"forget_gate", "reset", "update"}  # readings of what a cell computes


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


def native_case(operation: str, readings: dict, dtype: str, square: bool = False, note: str = "") -> Case:
    """The layer on weights that lie as the reading says; expected is the exchange layout's answer in float64."""
    reading = reading_of(readings)
    x = normal_draws(30, layer_input(operation, square), dtype)
    weights = oracle.pack(operation, table(operation, dtype, square), reading)

    def want(x: np.ndarray, weights: dict) -> Want:
        exchange = oracle.unpack(operation, wide(weights), reading)
        return wanted(operation, wide(x), exchange, str(x.dtype), **form)

    form = {keyword: readings[keyword] for keyword in readings.keys() & FORMS}
    return call(operation, x, weights, want=want, note=note)


def wanted(operation: str, x: np.ndarray, weights: dict, dtype: str, **form: str) -> Want:
    forward = oracle.FORWARD[operation]
    if operation in oracle.KERNEL_AXES:
        absolute = forward(np.abs(x), {name: np.abs(w) for name, w in weights.items()})
        return bound(forward(x, weights), absolute, weights["kernel"][..., 0].size + 1, dtype)
    return spread(lambda rounded: forward(x, weights, rounded, **form), dtype)


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


@clause("lstm-native.forget-gate")
def test_the_constant_of_the_forget_gate(readings: dict) -> Iterator[Case]:
    for dtype in WIDE:
        yield native_case("lstm_native", readings, dtype, note="a constant in the code, which no file of weights shows")


@clause("gru-native.packing")
def test_gru_native(readings: dict) -> Iterator[Case]:
    for dtype in WIDE:
        yield native_case("gru_native", readings, dtype)


@clause("gru-native.reset")
def test_the_place_of_the_reset_gate(readings: dict) -> Iterator[Case]:
    for dtype in WIDE:
        yield native_case("gru_native", readings, dtype, note="before the product, as in the paper, or after it")


@clause("gru-native.update")
def test_what_the_update_gate_keeps(readings: dict) -> Iterator[Case]:
    for dtype in WIDE:
        yield native_case("gru_native", readings, dtype, note="z and 1 - z exchanged, as between the papers")


def right(operation: str, readings: dict) -> tuple[np.ndarray, dict[str, np.ndarray], str]:
    """An input, weights that fit it, and the name of a bias."""
    weights = oracle.pack(operation, table(operation, "float32"), reading_of(readings))
    bias = next(name for name in weights if name.startswith("bias"))
    return normal_draws(30, layer_input(operation), "float32"), weights, bias
