"""Tests of architectures/transformer/encoder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case, ErrorCase, call, clause, gradient, refusal
from nnspec_conformance.dtypes import DTYPES, float_dtype, is_float
from nnspec_conformance.inputs import normal_draws, wide
from nnspec_conformance.oracles.architectures.transformer import encoder as oracle
from nnspec_conformance.oracles.architectures.transformer.normalization import layer_norm
from nnspec_conformance.suite.architectures._sequences import remembered
from nnspec_conformance.tolerance import Shape, Want, exact, spread
from nnspec_conformance.trees import leaves, mapped

BATCH, TIME, HEADS, DEPTH, HIDDEN, LAYERS = 3, 5, 2, 4, 6, 2
LENGTHS = np.array([5, 2, 3])
EPSILON = 0.05  # large enough to matter beside a variance of 1
VALUES = {"encoder_layer": oracle.encoder_layer, "encoder": oracle.encoder}
GRADIENTS = {"encoder_layer": oracle.encoder_layer_vjp, "encoder": oracle.encoder_vjp}

WIDE: dict[str, dict[str, Any]] = {
    "heads deeper than 16": {"of": {"depth": 17}},
    "no whole vector": {"dtype": "float16", "of": {"heads": 3, "depth": 3, "hidden": 5}},
}

FACTORS = 2**14 - 3  # of a rounded run, before they come again

Weights = dict[str, np.ndarray]


# ---- what is asked


def a_table(axes: dict, sizes: dict[str, int], seed: int, dtype: str = "float32") -> Weights:
    """Weights by name, no two alike; what is summed keeps its size, and no scale is near zero."""
    found = {}
    for n, (name, words) in enumerate(axes.items()):
        shape = tuple(sizes[word] for word in words)
        if "kernel" in name:
            rows = sizes[words[0]] * (sizes[words[1]] if words[0] == "heads" else 1)
            found[name] = normal_draws(seed + n, shape, dtype, scale=1.2 * rows**-0.5)
        elif "scale" in name:
            found[name] = (1 + normal_draws(seed + n, shape, "float64", scale=0.3)).astype(DTYPES[dtype])
        else:
            found[name] = normal_draws(seed + n, shape, dtype, scale=0.5)
    return found


def sizes_of(heads: int = HEADS, depth: int = DEPTH, hidden: int = HIDDEN) -> dict[str, int]:
    return {"width": heads * depth, "heads": heads, "depth": depth, "hidden": hidden}


def weights(operation: str, norm: str = "post", dtype: str = "float32", **sizes: int) -> Weights:
    """Every weight of a layer or of a stack."""
    lengths = sizes_of(**sizes)
    if operation == "encoder_layer":
        return a_table(oracle.AXES, lengths, 1001, dtype)
    layers = [a_table(oracle.AXES, lengths, 1001 + 40 * n, dtype) for n in range(LAYERS)]
    found = {f"{name}_{n}": w for n, table in enumerate(layers) for name, w in table.items()}
    return found | (a_table(oracle.FINAL, lengths, 1901, dtype) if norm == "pre" else {})


def with_zeros(table: Weights) -> Weights:
    """The same weights, of which one of each kernel is zero."""
    found = {name: w.copy() for name, w in table.items()}
    for name in found:
        if "kernel" in name:
            found[name].flat[1] = 0
    return found


def inputs(dtype: str = "float32", time: int = TIME, *, seed: int = 991) -> np.ndarray:
    return normal_draws(seed, (BATCH, time, HEADS * DEPTH), dtype)


def cotangents(x: np.ndarray) -> np.ndarray:
    return normal_draws(992, x.shape, str(x.dtype))


def real(time: int = TIME) -> np.ndarray:
    """Which places belong to a sequence."""
    return np.arange(time) < LENGTHS[:, None]


def asked(lean: bool) -> Iterator[tuple[str, str, str]]:
    """Both places of the norm and both activations, in every dtype."""
    if lean:
        yield from (("float32", "post", "relu"), ("float32", "pre", "gelu"), ("bfloat16", "post", "gelu"))
        yield from (("float16", "pre", "relu"), ("float64", "post", "gelu"))
        return
    yield from ((dtype, norm, phi) for dtype in DTYPES for norm in ("post", "pre") for phi in ("relu", "gelu"))


# ---- what is expected


def rows_together(found: Any) -> Any:
    """The same tolerances, where no entry is held closer than its row on average.

    The entries of a row are sums of as many terms of one size, of a bias as of a result. Of some hundred of them a few
    hardly move in 16 runs.
    """

    def eased(one: Want) -> Want:
        if not one.value.ndim or not one.value.size:
            return one
        return one.allowing(lambda allowed: np.maximum(allowed, allowed.mean(-1, keepdims=True)))

    return eased(found) if isinstance(found, Want) else found


def widened(operands: tuple) -> tuple:
    """The floating-point arrays of a call in float64; lengths stay integers."""
    return mapped(lambda x: np.asarray(x, np.float64) if is_float(x) else x, operands)


def of(functions: dict[str, Callable]) -> Callable[..., Any]:
    """What the oracle of an operation gives, and what it moves when all it computes with is rounded at random.

    Of operands with a NaN or an infinity a single rounded run is made: only where these come through is asked.
    """

    @remembered
    def found(*operands: Any, operation: str, **given: Any) -> Any:
        run = partial(functions[operation], *widened(operands), **given)
        runs = 16 if all(np.isfinite(wide(x)).all() for x in leaves(operands)) else 1
        dtype = float_dtype(operands) or "float32"
        return rows_together(spread(lambda rounded: run(rounded=from_table(rounded)), dtype, runs=runs))

    return found


def from_table(rounded: Callable) -> Callable:
    """The same rounding with factors that come again: of the widest layers to draw each took most of a run."""
    once = rounded(np.ones(FACTORS))
    factors, at = np.concatenate([once, once]), 0

    def again(x: Any) -> np.ndarray:
        nonlocal at
        x = np.asarray(x, np.float64)
        begin, at = at, (at + x.size) % FACTORS
        chosen = factors[begin : begin + min(x.size, FACTORS)]
        return x * (chosen if x.size <= FACTORS else np.resize(chosen, x.size)).reshape(x.shape)

    return again


value, gradients = of(VALUES), of(GRADIENTS)


def told(readings: dict, operands: tuple) -> dict:
    """The reading, where an answer depends on it."""
    padded = any(x.dtype.kind in "iu" for x in leaves(operands))
    return {"padded_rows": readings["padded_rows"]} if padded and "padded_rows" in readings else {}


def expected(operation: str, readings: dict) -> Callable[..., Any]:
    return lambda *operands, **given: value(*operands, operation=operation, **told(readings, operands) | given)


def pulled(operation: str, readings: dict) -> Callable[..., Any]:
    return lambda *operands, **given: gradients(*operands, operation=operation, **told(readings, operands) | given)


def at(want: Want, places: Any) -> Want:
    """The expected numbers at some places."""
    return replace(want, value=want.value[places], allowed=want.allowed[places], flushed=want.flushed[places])


# ---- values and gradients


@clause("encoder-layer.example")
def test_example(lean: bool) -> Iterator[Case]:
    for dtype in ("float32",) if lean else DTYPES:
        number = DTYPES[dtype]
        x = np.array([oracle.EXAMPLE_X], number)
        table = {name: np.array(w, number) for name, w in oracle.EXAMPLE_WEIGHTS.items()}
        for norm, y in oracle.EXAMPLE_Y.items():
            near = value(x, table, operation="encoder_layer", norm=norm, epsilon=0.0)
            want = replace(near, value=np.array([y], np.float64))
            yield call("encoder_layer", x, table, norm=norm, epsilon=0.0, want=want, note="the norm elsewhere")


@clause("encoders.value")
def test_value(operation: str, readings: dict, lean: bool) -> Iterator[Case]:
    want = expected(operation, readings)
    for dtype, norm, phi in asked(lean):
        arrays, note = (inputs(dtype), weights(operation, norm, dtype)), "the norm at another place"
        yield call(operation, *arrays, norm=norm, activation=phi, epsilon=EPSILON, want=want, note=note)


@clause("encoders.gradient")
def test_gradient(operation: str, readings: dict, lean: bool) -> Iterator[Case]:
    want = pulled(operation, readings)
    for dtype, norm, phi in list(asked(lean))[: 2 if lean else None]:
        x, table = inputs(dtype), weights(operation, norm, dtype)
        given = {"norm": norm, "activation": phi, "epsilon": EPSILON, "cotangents": cotangents(x)}
        yield gradient(operation, x, table, **given, want=want, note="no gradient on the shortcut")
    for note, sizes in WIDE.items() if operation == "encoder" and not lean else ():  # many parts: see duty.sizes
        dtype, lengths = sizes.get("dtype", "float32"), sizes_of(**sizes["of"])
        x = normal_draws(991, (BATCH, TIME, lengths["width"]), dtype)
        table = with_zeros(weights(operation, "post", dtype, **sizes["of"]))
        given = {"norm": "post", "epsilon": EPSILON, "cotangents": cotangents(x)}
        yield gradient(operation, x, table, **given, want=want, note=note)


@clause("encoder.layers")
def test_layers(trial) -> None:
    x = inputs()
    for norm in ("post", "pre"):
        table = weights("encoder", norm)
        y = x
        for n in range(LAYERS):
            y = trial.call(y, oracle.of_layer(table, n), operation="encoder_layer", norm=norm, epsilon=EPSILON)
        if norm == "pre":
            y = layer_norm(wide(y), wide(table["final_scale"]), wide(table["final_shift"]), epsilon=EPSILON)
        near = value(x, table, operation="encoder", norm=norm, epsilon=EPSILON)
        want = replace(near, value=wide(y), allowed=2 * near.allowed)  # both are off by as much
        trial.expect(trial.call(x, table, norm=norm, epsilon=EPSILON), want, f"{norm}: the stack beside its layers")


@clause("encoder-layer.zero-kernels")
def test_zero_kernels(trial) -> None:
    for dtype in ("float32", "bfloat16"):
        if dtype not in trial.dtypes:
            continue
        x = inputs(dtype)
        table = {name: (1 + 0 * w if "scale" in name else 0 * w).astype(w.dtype)
                 for name, w in weights("encoder_layer", dtype=dtype).items()}  # fmt: skip
        got = trial.call(x, table, norm="pre", epsilon=EPSILON)
        trial.expect(got, exact(wide(x), dtype), "pre: the input itself")
        near = value(x, table, operation="encoder_layer", norm="post", epsilon=EPSILON)
        right = layer_norm(layer_norm(wide(x), epsilon=EPSILON), epsilon=EPSILON)
        got = trial.call(x, table, norm="post", epsilon=EPSILON)
        trial.expect(got, replace(near, value=right), "post: the norm of the norm")


@clause("encoders.order")
def test_order(operation: str) -> Iterator[Case]:
    order = [2, 0, 4, 1, 3]
    for norm in ("post", "pre"):
        x, table = inputs(), weights(operation, norm)
        right = value(x, table, operation=operation, norm=norm, epsilon=EPSILON)
        want = at(right, np.s_[:, order])
        yield call(operation, x[:, order], table, norm=norm, epsilon=EPSILON, want=want, note="a place counts")


# ---- what a place may see


@clause("encoders.causal")
def test_causal(trial) -> None:
    for dtype in ("float32", "bfloat16"):
        if dtype not in trial.dtypes:
            continue
        x = inputs(dtype)
        given = {"norm": "pre", "epsilon": EPSILON, "causal": True}
        table = weights(trial.operation, "pre", dtype)
        near = value(x, table, operation=trial.operation, **given)
        before = trial.call(x, table, **given)
        trial.expect(before, near, "the causal results")
        for t, factor in ((1, -3), (TIME - 1, 1e4)):
            other = x.copy()
            other[:, t] = (factor * x[:, t]).astype(x.dtype)
            after = trial.call(other, table, **given)[:, :t]
            trial.expect(after, exact(wide(before[:, :t]), dtype), f"results before place {t}, where another input is")
    x, table = inputs(), weights(trial.operation, "pre")
    g = np.where(np.arange(TIME)[:, None] < 2, cotangents(x), 0).astype(x.dtype)
    dx = trial.vjp((x, table), g, norm="pre", epsilon=EPSILON, causal=True)[0]
    trial.expect(dx[:, 2:], exact(np.zeros(dx[:, 2:].shape)), "the gradient of two results for later inputs")


@clause("encoders.lengths")
def test_lengths(trial) -> None:
    for norm, phi in (("post", "gelu"), ("pre", "relu")):
        x, table = inputs(), weights(trial.operation, norm)
        given = {"norm": norm, "activation": phi, "epsilon": EPSILON}
        alike = trial.call(x, table, np.full(BATCH, 3), **given)[:, :3]
        want = value(x[:, :3], table, operation=trial.operation, **given)
        trial.expect(alike, want, f"{norm}: sequences that are all of 3 places")
        got = trial.call(x, table, LENGTHS, **given)
        g = np.where(real()[..., None], cotangents(x), 0).astype(x.dtype)
        back = trial.vjp((x, table, LENGTHS), g, **given)
        total: Any = None
        for i, n in enumerate(LENGTHS):
            alone = value(x[i : i + 1, :n], table, operation=trial.operation, **given)
            trial.expect(got[i : i + 1, :n], alone, f"{norm}: a sequence of {n} places beside itself alone")
            parts = gradients(x[i : i + 1, :n], table, g[i : i + 1, :n], operation=trial.operation, **given)
            trial.expect(back[0][i : i + 1, :n], parts[0], f"{norm}: the gradient of a sequence of {n} places")
            total = parts[1] if i == 0 else {name: added(total[name], w) for name, w in parts[1].items()}
        trial.expect(back[1], total, f"{norm}: the gradients of the weights")


def added(one: Want, other: Want) -> Want:
    return replace(one, value=one.value + other.value, allowed=one.allowed + other.allowed)


def padded_with(fill: float, x: np.ndarray) -> np.ndarray:
    return np.where(real(x.shape[1])[..., None], x, x.dtype.type(fill))


@clause("encoders.padding")
def test_padding(trial) -> None:
    x, table = inputs(), weights(trial.operation)
    given = {"norm": "post", "epsilon": EPSILON}
    near = at(value(x, table, LENGTHS, operation=trial.operation, **given), real())
    before = trial.call(padded_with(0.5, x), table, LENGTHS, **given)[real()]
    trial.expect(before, near, "results beside finite padding")
    for fill in (-700, 1e15):
        after = trial.call(padded_with(fill, x), table, LENGTHS, **given)[real()]
        trial.expect(after, exact(wide(before)), f"results with {fill} in the padding")
    g = np.where(real()[..., None], cotangents(x), 0).astype(x.dtype)
    dx = trial.vjp((padded_with(0.5, x), table, LENGTHS), g, **given)[0]
    trial.expect(dx[~real()], exact(np.zeros(dx[~real()].shape)), "the gradient of the padding")


@clause("encoders.padding-content")
def test_padding_content(trial) -> None:
    x, table = inputs(), weights(trial.operation)
    given = {"norm": "post", "epsilon": EPSILON}
    before = trial.call(padded_with(0.5, x), table, LENGTHS, **given)[real()]
    for fill in (np.nan, np.inf):
        after = trial.call(padded_with(fill, x), table, LENGTHS, **given)[real()]
        trial.expect(after, exact(wide(before)), f"results with {fill} in the padding")


@clause("encoders.longer-padding")
def test_longer_padding(trial) -> None:
    for norm in ("post", "pre"):
        x, table = inputs(), weights(trial.operation, norm)
        longer = np.concatenate([x, inputs(time=3, seed=993)], 1)
        given = {"norm": norm, "epsilon": EPSILON}
        got = trial.call(longer, table, LENGTHS, **given)[:, :TIME][real()]
        right = at(value(x, table, LENGTHS, operation=trial.operation, **given), real())
        trial.expect(got, right, f"{norm}: results at the places of sequences that are padded further")


@clause("encoders.padded-rows")
def test_padded_rows(operation: str, readings: dict, lean: bool) -> Iterator[Case]:
    for norm in ("post", "pre"):
        x, table = inputs(), weights(operation, norm)
        note = "other numbers behind the end"
        given = {"norm": norm, "epsilon": EPSILON} | ({"causal": True} if norm == "pre" else {})
        yield call(operation, x, table, LENGTHS, **given, want=expected(operation, readings), note=note)
        back = {"cotangents": cotangents(x), "want": pulled(operation, readings)}
        yield gradient(operation, x, table, LENGTHS, **given, **back, note="a gradient through the padding")


# ---- fine print


@clause("encoders.shape")
def test_shape(operation: str, lean: bool) -> Iterator[Case]:
    grid = [(1, 1, 1, 1, 1), (2, 3, 1, 6, 1), (1, 4, 3, 2, 5), (4, 1, 2, 1, 7)]
    for batch, time, heads, depth, hidden in grid[1:3] if lean else grid:
        x = normal_draws(994, (batch, time, heads * depth))
        table = weights(operation, heads=heads, depth=depth, hidden=hidden)
        yield call(operation, x, table, norm="post", epsilon=EPSILON, want=Shape(x.shape), note="an axis that is lost")


@clause("encoders.shapes")
def test_shapes(operation: str) -> Iterator[ErrorCase]:
    right, given = (inputs(), weights(operation)), {"norm": "post", "epsilon": EPSILON}
    note = "features of another width than the weights"
    yield refusal(operation, inputs()[..., :-1], right[1], **given, valid=right, note=note)
    told = (*right, LENGTHS)
    yield refusal(operation, *right, LENGTHS[:2], **given, valid=told, note="two lengths for three examples")
