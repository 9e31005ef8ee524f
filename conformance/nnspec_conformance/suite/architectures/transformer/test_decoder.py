"""Tests of architectures/transformer/decoder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case, ErrorCase, call, clause, gradient, refusal
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.inputs import normal_draws, wide
from nnspec_conformance.oracles.architectures.transformer import decoder as oracle
from nnspec_conformance.oracles.architectures.transformer import encoder as encoders
from nnspec_conformance.oracles.architectures.transformer.normalization import layer_norm
from nnspec_conformance.suite.architectures.transformer import test_encoder as encoder
from nnspec_conformance.tolerance import Shape, Want, exact

BATCH, TIME, PLACES, LAYERS = 3, 4, 6, 2
LENGTHS = np.array([6, 2, 3])
EPSILON = encoder.EPSILON
VALUES = {"decoder_layer": oracle.decoder_layer, "decoder": oracle.decoder, "encoder_decoder": oracle.encoder_decoder}
GRADIENTS = {
    "decoder_layer": oracle.decoder_layer_vjp,
    "decoder": oracle.decoder_vjp,
    "encoder_decoder": oracle.encoder_decoder_vjp,
}

WIDE: dict[str, dict[str, Any]] = {
    "heads deeper than 16": {"depth": 17},
    "more than 16 heads": {"heads": 17, "depth": 1},
    "more than 16 hidden units and places": {"hidden": 17, "places": 17},
    "no whole vector": {"dtype": "float16", "heads": 3, "depth": 3, "hidden": 5},
}

Weights = dict[str, np.ndarray]


# ---- what is expected


value, gradients = encoder.of(VALUES), encoder.of(GRADIENTS)


# ---- what is asked


def weights(operation: str, norm: str = "post", dtype: str = "float32", **sizes: int) -> Weights:
    """Every weight of a layer, of a stack, or of an encoder and a decoder of one layer each."""
    lengths = encoder.sizes_of(**sizes)
    if operation == "decoder_layer":
        return encoder.a_table(oracle.AXES, lengths, 2001, dtype)
    if operation == "decoder":
        return stacked(oracle.AXES, LAYERS, norm, dtype, lengths, 2001)
    parts = {start: stacked(axes, 1, norm, dtype, lengths, 2001 + 200 * n)
             for n, (start, axes) in enumerate(oracle.PARTS.items())}  # fmt: skip
    return {f"{start}{name}": w for start, table in parts.items() for name, w in table.items()}


def stacked(axes: dict, layers: int, norm: str, dtype: str, sizes: dict[str, int], seed: int) -> Weights:
    """The table of a stack, no two weights alike."""
    found = {
        f"{name}_{n}": w
        for n in range(layers)
        for name, w in encoder.a_table(axes, sizes, seed + 60 * n, dtype).items()
    }
    return found | (encoder.a_table(oracle.FINAL, sizes, seed + 190, dtype) if norm == "pre" else {})


@dataclass(frozen=True)
class Call:
    """What an operation is handed: a target, a source, and a table that fits."""

    operation: str
    x: np.ndarray
    table: Weights
    source: np.ndarray

    @property
    def arrays(self) -> tuple:
        """The arrays in the order of the operation."""
        if self.operation == "encoder_decoder":
            return self.source, self.x, self.table
        return self.x, self.table, self.source

    def named(self, gradients: Any) -> tuple[Any, Any, Any]:
        """Gradients in the operation's order, as those of the target, of the weights and of the source."""
        one, other, third = gradients
        return (other, third, one) if self.operation == "encoder_decoder" else (one, other, third)

    def right(self, *lengths: np.ndarray, **given: Any) -> Want:
        """What the oracle gives."""
        return value(*self.arrays, *lengths, operation=self.operation, **given)

    def pulled(self, *more: np.ndarray, **given: Any) -> tuple[Any, Any, Any]:
        """The gradients that the oracle gives, of target, weights and source."""
        return self.named(gradients(*self.arrays, *more, operation=self.operation, **given))


def asking(
    operation: str, norm: str = "post", dtype: str = "float32", places: int = PLACES, **sizes: int
) -> Call:  # fmt: skip
    x = normal_draws(2501, (BATCH, TIME, encoder.sizes_of(**sizes)["width"]), dtype)
    source = normal_draws(2502, (BATCH, places, x.shape[-1]), dtype)
    return Call(operation, x, weights(operation, norm, dtype, **sizes), source)


def cotangents(x: np.ndarray) -> np.ndarray:
    return normal_draws(2503, x.shape, str(x.dtype))


def real() -> np.ndarray:
    """Which places belong to a source."""
    return np.arange(PLACES) < LENGTHS[:, None]


def padded_with(fill: float, asked: Call) -> Call:
    source = np.where(real()[..., None], asked.source, asked.source.dtype.type(fill))
    return replace(asked, source=source)


# ---- values and gradients


@clause("decoder-layer.example")
def test_example(lean: bool) -> Iterator[Case]:
    for dtype in ("float32",) if lean else DTYPES:
        x, source = (np.array([a], DTYPES[dtype]) for a in (oracle.EXAMPLE_X, oracle.EXAMPLE_SOURCE))
        table = {name: np.array(w, DTYPES[dtype]) for name, w in oracle.EXAMPLE_WEIGHTS.items()}
        for norm, y in oracle.EXAMPLE_Y.items():
            near = value(x, table, source, operation="decoder_layer", norm=norm, epsilon=0.0)
            want = replace(near, value=np.array([y], np.float64))
            yield call("decoder_layer", x, table, source, norm=norm, epsilon=0.0, want=want, note="the norm elsewhere")


@clause("decoders.value")
def test_value(operation: str, lean: bool) -> Iterator[Case]:
    want = partial(value, operation=operation)
    for dtype, norm, phi in encoder.asked(lean):
        given = {"norm": norm, "activation": phi, "epsilon": EPSILON}
        yield call(operation, *asking(operation, norm, dtype).arrays, **given, want=want, note="parts in another order")
    if operation == "decoder" and not lean:  # two layers are too large for this in the duty of sizes
        deep = asking(operation, depth=65)
        yield call(operation, *deep.arrays, norm="post", epsilon=EPSILON, want=want, note="heads deeper than 64")


@clause("decoders.gradient")
def test_gradient(operation: str, lean: bool) -> Iterator[Case]:
    want = partial(gradients, operation=operation)
    for dtype, norm, phi in list(encoder.asked(lean))[: 2 if lean else None]:
        asked = asking(operation, norm, dtype)
        given = {"norm": norm, "activation": phi, "epsilon": EPSILON, "cotangents": cotangents(asked.x)}
        yield gradient(operation, *asked.arrays, **given, want=want, note="no gradient for the source")
    for note, sizes in WIDE.items() if not lean else ():  # many parts: the duty of sizes asks fewer lengths of them
        large = asking(operation, **sizes)
        given = {"norm": "post", "epsilon": EPSILON, "cotangents": cotangents(large.x), "note": note}
        yield gradient(operation, *replace(large, table=encoder.with_zeros(large.table)).arrays, **given, want=want)
    if operation == "decoder":  # of two layers each is the first or the last
        asked = asking(operation)
        three = stacked(oracle.AXES, 3, "post", "float32", encoder.sizes_of(), 2001)
        given = {"norm": "post", "epsilon": EPSILON, "cotangents": cotangents(asked.x), "note": "a layer left out"}
        yield gradient(operation, *replace(asked, table=three).arrays, **given, want=want)


@clause("decoder.layers")
def test_layers(trial) -> None:
    for norm in ("post", "pre"):
        asked = asking("decoder", norm)
        y = asked.x
        for n in range(LAYERS):
            given = {"operation": "decoder_layer", "norm": norm, "epsilon": EPSILON}
            y = trial.call(y, oracle.of_layer(asked.table, n), asked.source, **given)
        if norm == "pre":
            y = layer_norm(wide(y), *(wide(asked.table[name]) for name in oracle.FINAL), epsilon=EPSILON)
        near = asked.right(norm=norm, epsilon=EPSILON)
        want = replace(near, value=wide(y), allowed=2 * near.allowed)  # both are off by as much
        got = trial.call(*asked.arrays, norm=norm, epsilon=EPSILON)
        trial.expect(got, want, f"{norm}: the stack beside its layers")


@clause("encoder-decoder.parts")
def test_parts(trial) -> None:
    for norm in ("post", "pre"):
        asked, given = asking("encoder_decoder", norm), {"norm": norm, "epsilon": EPSILON}
        below, above = (oracle.of_part(asked.table, start) for start in oracle.PARTS)
        seen = encoders.encoder(wide(asked.source), wide(below), **given).astype(np.float32)
        y = trial.call(asked.x, oracle.of_layer(above, 0), seen, operation="decoder_layer", **given)
        if norm == "pre":
            y = layer_norm(wide(y), *(wide(above[name]) for name in oracle.FINAL), epsilon=EPSILON)
        near = asked.right(**given)
        want = replace(near, value=wide(y), allowed=2 * near.allowed)  # both are off by as much
        trial.expect(trial.call(*asked.arrays, **given), want, f"{norm}: the whole beside its two parts")


@clause("decoder-layer.zero-kernels")
def test_zero_kernels(trial) -> None:
    for dtype in ("float32", "bfloat16"):
        if dtype not in trial.dtypes:
            continue
        asked = asking("decoder_layer", dtype=dtype)
        table = {n: (1 + 0 * w if "scale" in n else 0 * w).astype(w.dtype) for n, w in asked.table.items()}
        asked = replace(asked, table=table)
        got = trial.call(*asked.arrays, norm="pre", epsilon=EPSILON)
        trial.expect(got, exact(wide(asked.x), dtype), "pre: the input itself")
        y = wide(asked.x)
        for _ in range(3):
            y = layer_norm(y, epsilon=EPSILON)
        near = asked.right(norm="post", epsilon=EPSILON)
        got = trial.call(*asked.arrays, norm="post", epsilon=EPSILON)
        trial.expect(got, replace(near, value=y), "post: the norm of the norm of the norm")


# ---- what a place may see


@clause("decoders.causal")
def test_causal(trial) -> None:
    for dtype in ("float32", "bfloat16"):
        if dtype not in trial.dtypes:
            continue
        asked, given = asking(trial.operation, "pre", dtype), {"norm": "pre", "epsilon": EPSILON}
        before = trial.call(*asked.arrays, **given)
        trial.expect(before, asked.right(**given), "the results")
        for t, factor in ((1, -3), (TIME - 1, 1e4)):
            other = asked.x.copy()
            other[:, t] = (factor * asked.x[:, t]).astype(other.dtype)
            after = trial.call(*replace(asked, x=other).arrays, **given)[:, :t]
            trial.expect(after, exact(wide(before[:, :t]), dtype), f"results before place {t}, where another target is")
    asked = asking(trial.operation, "pre")
    g = np.where(np.arange(TIME)[:, None] < 2, cotangents(asked.x), 0).astype(np.float32)
    dx = asked.named(trial.vjp(asked.arrays, g, norm="pre", epsilon=EPSILON))[0]
    trial.expect(dx[:, 2:], exact(np.zeros(dx[:, 2:].shape)), "the gradient of two results for later places")


@clause("decoders.whole-source")
def test_whole_source(operation: str) -> Iterator[Case]:
    want = partial(value, operation=operation)
    for place in (0, 1, TIME, PLACES - 1):
        asked = asking(operation)
        other = asked.source.copy()
        other[:, place] *= -2
        given = {"norm": "post", "epsilon": EPSILON, "want": want}
        yield call(operation, *replace(asked, source=other).arrays, **given, note=f"source {place} is hidden")


@clause("decoders.source-order")
def test_source_order(operation: str) -> Iterator[Case]:
    for norm in ("post", "pre"):
        asked = asking(operation, norm)
        want = asked.right(norm=norm, epsilon=EPSILON)
        arrays = replace(asked, source=asked.source[:, [4, 0, 5, 2, 1, 3]]).arrays
        yield call(operation, *arrays, norm=norm, epsilon=EPSILON, want=want, note="a place of the source counts")


@clause("decoders.lengths")
def test_lengths(trial) -> None:
    for norm, phi in (("post", "gelu"), ("pre", "relu")):
        asked, given = asking(trial.operation, norm), {"norm": norm, "activation": phi, "epsilon": EPSILON}
        alike, cut = np.full(BATCH, 3), replace(asked, source=asked.source[:, :3])
        about = f"{norm}: beside sources that are all of 3 places"
        trial.expect(trial.call(*asked.arrays, alike, **given), cut.right(**given), about)
        got, g = trial.call(*asked.arrays, LENGTHS, **given), cotangents(asked.x)
        dx, table, dsource = asked.named(trial.vjp((*asked.arrays, LENGTHS), g, **given))
        total: Any = None
        for i, n in enumerate(LENGTHS):
            one = slice(i, i + 1)
            alone = replace(asked, x=asked.x[one], source=asked.source[one, :n])
            trial.expect(got[one], alone.right(**given), f"{norm}: beside a source of {n} places alone")
            parts = alone.pulled(g[one], **given)
            trial.expect(dx[one], parts[0], f"{norm}: the gradient of the target, with {n} places of source")
            trial.expect(dsource[one, :n], parts[2], f"{norm}: the gradient of a source of {n} places")
            total = parts[1] if total is None else {k: encoder.added(total[k], w) for k, w in parts[1].items()}
        trial.expect(table, total, f"{norm}: the gradients of the weights")


@clause("decoders.padding")
def test_padding(trial) -> None:
    asked, given = asking(trial.operation), {"norm": "post", "epsilon": EPSILON}
    before = trial.call(*padded_with(0.5, asked).arrays, LENGTHS, **given)
    trial.expect(before, asked.right(LENGTHS, **given), "results beside finite padding")
    for fill in (-700, 1e15):
        after = trial.call(*padded_with(fill, asked).arrays, LENGTHS, **given)
        trial.expect(after, exact(wide(before)), f"results with {fill} in the padding")
    back = trial.vjp((*padded_with(0.5, asked).arrays, LENGTHS), cotangents(asked.x), **given)
    dsource = asked.named(back)[2]
    trial.expect(dsource[~real()], exact(np.zeros(dsource[~real()].shape)), "the gradient of the padding")


@clause("decoders.padding-content")
def test_padding_content(trial) -> None:
    asked, given = asking(trial.operation), {"norm": "post", "epsilon": EPSILON}
    before = trial.call(*padded_with(0.5, asked).arrays, LENGTHS, **given)
    for fill in (np.nan, np.inf):
        after = trial.call(*padded_with(fill, asked).arrays, LENGTHS, **given)
        trial.expect(after, exact(wide(before)), f"results with {fill} in the padding")


@clause("decoders.other-lengths")
def test_other_lengths(trial) -> None:
    asked, given = asking(trial.operation), {"norm": "post", "epsilon": EPSILON}
    before = trial.call(*asked.arrays, LENGTHS, **given)
    trial.expect(before, asked.right(LENGTHS, **given), "the results")
    for n in (1, PLACES) if trial.readings.get("no_source") == "refused" else (1, PLACES, 0):
        after = trial.call(*asked.arrays, np.array([6, n, 3]), **given)
        kept = exact(wide(before[[0, 2]]))
        trial.expect(after[[0, 2]], kept, f"results beside a source of length {n}, which was of length 2")


@clause("decoders.longer")
def test_longer(trial) -> None:
    for norm in ("post", "pre"):
        asked, given = asking(trial.operation, norm), {"norm": norm, "epsilon": EPSILON}
        more = [normal_draws(2504 + n, (BATCH, 3, a.shape[-1])) for n, a in enumerate((asked.x, asked.source))]
        x, source = (np.concatenate(pair, 1) for pair in zip((asked.x, asked.source), more, strict=True))
        got = trial.call(*replace(asked, x=x, source=source).arrays, LENGTHS, **given)[:, :TIME]
        trial.expect(got, asked.right(LENGTHS, **given), f"{norm}: results where both sequences go on")


@clause("decoders.no-source")
def test_no_source(operation: str, readings: dict) -> Iterator[Case | ErrorCase]:
    asked, none = asking(operation), np.array([6, 0, 3])
    given, note = {"norm": "post", "epsilon": EPSILON}, "one target is written from nothing"
    if readings["no_source"] == "refused":
        yield refusal(operation, *asked.arrays, none, **given, valid=(*asked.arrays, LENGTHS), note=note)
        return
    told = {"operation": operation, "no_source": "zeros"}
    yield call(operation, *asked.arrays, none, **given, want=partial(value, **told), note=note)
    back = {"cotangents": cotangents(asked.x), "want": partial(gradients, **told)}
    yield gradient(operation, *asked.arrays, none, **given, **back, note="0 over 0 in the backward pass")


# ---- fine print


@clause("decoders.shape")
def test_shape(operation: str, lean: bool) -> Iterator[Case]:
    grid = [(1, 1, 1, 1, 1, 1), (2, 3, 1, 1, 6, 1), (1, 4, 2, 3, 2, 5), (4, 1, 3, 2, 1, 7)]
    for batch, time, places, heads, depth, hidden in grid[1:3] if lean else grid:
        x, source = (normal_draws(2506, (batch, length, heads * depth)) for length in (time, places))
        table = weights(operation, heads=heads, depth=depth, hidden=hidden)
        arrays = Call(operation, x, table, source).arrays
        yield call(operation, *arrays, norm="post", epsilon=EPSILON, want=Shape(x.shape), note="an axis that is lost")


@clause("decoders.shapes")
def test_shapes(operation: str) -> Iterator[ErrorCase]:
    asked, given = asking(operation), {"norm": "post", "epsilon": EPSILON}
    right = asked.arrays
    for other, note in (
        (asked.source[..., :-1], "a source of another width than the weights"),
        (asked.source[:2], "two sources for three targets"),
    ):
        yield refusal(operation, *replace(asked, source=other).arrays, **given, valid=right, note=note)
    told = (*right, LENGTHS)
    yield refusal(operation, *right, LENGTHS[:2], **given, valid=told, note="two lengths for three sources")


@clause("decoders.empty-source")
def test_empty_source(operation: str) -> Iterator[ErrorCase]:
    asked, given = asking(operation), {"norm": "post", "epsilon": EPSILON}
    empty = replace(asked, source=asked.source[:, :0])
    yield refusal(operation, *empty.arrays, **given, valid=asked.arrays, note="the target is written from nothing")
