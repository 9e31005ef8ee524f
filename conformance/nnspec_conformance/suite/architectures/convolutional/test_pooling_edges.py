"""Tests of architectures/convolutional/pooling: gradients and ties, NaN, and what must be refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case, ErrorCase, call, clause, gradient, refusal
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.errors import Refused
from nnspec_conformance.inputs import normal_draws, wide
from nnspec_conformance.oracles.architectures.convolutional import pooling as oracle
from nnspec_conformance.suite.architectures.convolutional.test_pooling import (
    FEWER,
    LRN,
    OTHERS,
    PADS,
    PLAIN,
    SAME,
    SQUARE,
    UNEVEN,
    UP,
    gradients,
    image,
    pulled,
    whole,
)
from nnspec_conformance.suite.architectures.convolutional.test_pooling import of as expected
from nnspec_conformance.tolerance import bound, exact

WINDOW: dict[str, Any] = {"window": (2, 2), "stride": (2, 2)}


# ---- gradients


@clause("max-pool.gradient")
def test_gradient_of_the_largest(operation: str, readings: dict, lean: bool) -> Iterator[Case]:
    yield from _gradients(operation, readings, lean)


@clause("average-pool.gradient")
def test_gradient_of_the_mean(operation: str, readings: dict, lean: bool) -> Iterator[Case]:
    yield from _gradients(operation, readings, lean)


def _gradients(operation: str, readings: dict, lean: bool) -> Iterator[Case]:
    for dtype in ("float32", "bfloat16") if lean else DTYPES:
        yield pulled(operation, PLAIN, readings, "windows that overlap", dtype)
    shape, given = SQUARE if lean else SAME[1]
    for padding in ("same", "same_lower"):
        yield pulled(operation, (shape, given | {"padding": padding}), readings, "places cut off at the wrong end")
    for setting, note in FEWER if lean else ((UNEVEN, "what the stride leaves over"), *OTHERS):
        yield pulled(operation, setting, readings, note)
    for setting in (PADS[1], UP[1]) if lean else (*PADS, *UP, (UNEVEN[0], {"window": (4, 3), "stride": (1, 1)})):
        yield pulled(operation, setting, readings, "pads cut off at the wrong end")


SIDE_BY_SIDE: dict[str, Any] = {"window": (2, 3), "stride": (2, 3)}


def tied(dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """Windows side by side with one to six largest entries, and cotangents of both signs."""
    x = np.random.default_rng(71).integers(-1, 1, (2, 6, 8, 3)).astype(np.float64)
    x[0, :2, :3] = 0  # as after ReLU
    return x.astype(DTYPES[dtype]), normal_draws(72, (2, 3, 2, 3), dtype)


@clause("max-pool.tie")
def test_tie(trial, lean: bool) -> None:
    for dtype in trial.dtypes[:2] if lean else trial.dtypes:
        x, g = tied(dtype)
        shared(trial, x, g, dtype, "ties")


def shared(trial, x: np.ndarray, g: np.ndarray, dtype: str, what: str, given: dict = SIDE_BY_SIDE) -> None:
    """The gradient of windows side by side is a convex combination for the entries that win: NaN where there is one."""
    (dx,) = trial.vjp((x,), g, **given)
    trial.require(np.shape(dx) == x.shape, f"the gradient has shape {np.shape(dx)}, expected {x.shape}")
    if np.shape(dx) != x.shape:
        return
    plan = oracle.planned(x, **given)
    read, parts = plan.read(wide(x), -np.inf), plan.read(wide(dx), 0.0)  # no two windows overlap
    wins = (read == read.max(-1, keepdims=True)) | np.isnan(read)
    g, others = wide(g)[..., None], np.where(wins, 0, parts)
    trial.require(not others.any(), f"{dtype}: another entry than the largest of a window, or NaN, gets a part")
    against = bool((parts * np.sign(g) < 0).any())
    trial.require(not against, f"{dtype}: a part has the other sign than the cotangent")
    total, want = parts.sum(-1), bound(g[..., 0], g[..., 0], read.shape[-1], dtype)
    trial.expect(total, want, f"{dtype}: the parts of a window with {what}, added")
    left_over = wide(dx)[:, :, plan.counts[1] * plan.window[1] - plan.pads[1][0] :]
    most = np.abs(left_over).max(initial=0)
    trial.require(not most, f"{dtype}: an entry that no window reads gets {most:.3g}")


@clause("max-pool.tie-share")
def test_tie_share(readings: dict) -> Iterator[Case]:
    share = readings["tie_share"]

    def want(x: np.ndarray, g: np.ndarray, **given: Any) -> tuple:
        (found,) = oracle.max_pool_vjp(wide(x), wide(g), **given, tie_share=share)
        return (bound(found, np.full(found.shape, np.abs(wide(g)).max()), 4, str(g.dtype)),)

    x, g = tied("float32")
    yield gradient("max_pool", x, **SIDE_BY_SIDE, cotangents=g, want=want, note="the cotangent shared otherwise")
    g, overlapping = normal_draws(73, (2, 5, 7, 3)), {"window": (2, 2), "stride": (1, 1)}
    yield gradient("max_pool", x, **overlapping, cotangents=g, want=want, note="ties in windows that overlap")


# ---- NaN and infinity


@clause("pool.nan")
def test_nan(operation: str, readings: dict) -> Iterator[Case]:
    want = whole if operation == "global_average_pool" else expected(operation, readings)
    given = {} if operation == "global_average_pool" else UNEVEN[1]
    for dtype in ("float32", "float64"):
        for at in ((0, 2, 1, 1), (1, 3, 3, 0), (1, 0, 0, 2), (0, 7, 6, 0)):
            x = image(UNEVEN[0], dtype).copy()
            x[at] = np.nan
            yield call(operation, x, **given, want=want, note="a NaN that is dropped, or spreads")


@clause("max-pool.minus-infinity")
def test_minus_infinity(lean: bool) -> Iterator[Case]:
    for dtype in ("float32", "bfloat16") if lean else DTYPES:
        x = image(UNEVEN[0], dtype).copy()
        x[0, :4, :2] = -np.inf
        for given in (UNEVEN[1], PADS[0][1]):  # beside padding, too
            right = exact(oracle.max_pool(wide(x), **given), dtype)
            yield call("max_pool", x, **given, want=right, note="a start from the lowest finite number")


@clause("max-pool.minus-infinity-gradient")
def test_minus_infinity_gradient(trial, lean: bool) -> None:
    for dtype in trial.dtypes[:2] if lean else trial.dtypes:
        x, g = image((2, 6, 8, 3), dtype).copy(), normal_draws(72, (2, 3, 2, 3), dtype)
        x[0, :2, :3] = x[1, 2:4, 3:6, 1] = x[1, 4:, 3:6] = -np.inf  # whole windows, of all channels and of one
        shared(trial, x, g, dtype, "minus infinity alone")
        if lean and dtype != trial.dtypes[0]:
            continue
        beside, x = {"window": (3, 3), "stride": (3, 3), "pads": (1, 1, 1, 1)}, image((2, 5, 8, 3), dtype).copy()
        x[0, :2, :2] = x[1, 2:, 5:, 1] = -np.inf
        with trial.part(pads=(1, 1, 1, 1)):
            shared(trial, x, normal_draws(74, (2, 2, 3, 3), dtype), dtype, "minus infinity beside padding", beside)


@clause("max-pool.nan-gradient")
def test_nan_gradient(trial) -> None:
    for dtype in ("float32", "float64"):
        x, g = image((2, 6, 8, 3), dtype).copy(), normal_draws(72, (2, 3, 2, 3), dtype)
        x[0, 0, 0] = x[0, 1, 4, 1] = x[0, 5, 2, 2] = x[1, 1, 1] = np.nan  # first, in the middle, and last
        x[0, 2, :2] = x[1, 2:4, 3:6, 0] = np.nan  # several of a window, and all of them
        shared(trial, x, g, dtype, "NaN")
        x, given = image(PLAIN[0], dtype).copy(), PLAIN[1]
        x[0, 3, 2] = x[1, 5, 4, 1] = np.nan  # one in each of the windows that overlap there
        g = normal_draws(62, oracle.max_pool(x, **given).shape, dtype)
        want = gradients("max_pool", x, g, **given)
        trial.expect(trial.vjp((x,), g, **given), want, f"{dtype}: the gradient of overlapping windows", (x,))


# ---- what is refused, or read in another way


def valid(operation: str) -> tuple[np.ndarray]:
    return (image((2, 6, 7, 3)),)


@clause("pool.no-window")
def test_no_window(trial) -> None:
    for axis, window, stride in ((1, (2, 4), (1, 1)), (0, (4, 2), (3, 2))):  # less is missing than a stride
        shape = (2, 6, 3, 2) if axis else (2, 3, 6, 2)
        given: dict[str, Any] = {"window": window, "stride": stride}
        trial.call(image((2, 6, 6, 2)), **given)
        try:
            got = trial.call(image(shape), **given)
        except Refused:
            trial.require(trial.readings["no_window"] == "refused", f"a window of {window} on {shape} is refused")
            continue
        right = (2, 5, 0, 2) if axis else (2, 0, 3, 2)
        empty = trial.readings["no_window"] == "empty" and np.shape(got) == right
        trial.require(empty, f"a window of {window} on {shape}: got the shape {np.shape(got)}")


@clause("pool.wide-pads")
def test_wide_pads(trial) -> None:
    x, given = image((2, 6, 6, 2)), {"window": (2, 3), "stride": (1, 1)}
    trial.call(x, **given, pads=(1, 1, 1, 1))
    try:
        got = trial.call(x, **given, pads=(2, 2, 1, 1))
    except Refused:
        trial.require(trial.readings["wide_pads"] == "refused", "pads as long as the window are refused")
        return
    trial.require(trial.readings["wide_pads"] == "taken", "pads as long as the window are taken")
    border = wide(got)[:, :1]
    empty = border == -np.inf if trial.operation == "max_pool" else (border == 0) | np.isnan(border)
    trial.require(bool(empty.all()), f"windows of padding alone give {border.ravel()[:3]}")


@clause("pool.negative-pads")
def test_negative_pads(trial) -> None:
    x = image((2, 6, 7, 2))
    right = trial.call(x[:, 1:-1, 1:-1], **WINDOW)
    try:
        got = trial.call(x, **WINDOW, pads=(-1, -1, -1, -1))
    except Refused:
        trial.require(trial.readings["negative_pads"] == "refused", "negative pads are refused")
        return
    crops = got.shape == right.shape and np.allclose(wide(got), wide(right), rtol=1e-5)
    crops = crops and trial.readings["negative_pads"] == "crops"
    trial.require(crops, f"the pads -1 are taken: shape {got.shape}")


@clause("pool.missing-axis")
def test_missing_axis(operation: str) -> Iterator[ErrorCase]:
    given = {} if operation == "global_average_pool" else WINDOW
    x = image((4, 6, 7, 3))
    yield refusal(operation, x[..., 0], **given, valid=(x,), note="images without their channel axis")


@clause("pool.window-error")
def test_window(operation: str) -> Iterator[ErrorCase]:
    right = {"window": (2, 2)}
    for window in ((0, 0), (-1, -1), (2, 2, 2)):
        yield refusal(
            operation, *valid(operation), window=window, stride=(2, 2), valid=right, note=f"a window of {window}"
        )  # fmt: skip


@clause("pool.stride-error")
def test_stride(operation: str) -> Iterator[ErrorCase]:
    for stride in ((0, 0), (-1, -1)):
        yield refusal(
            operation, *valid(operation), window=(2, 2), stride=stride, valid=WINDOW, note=f"a stride of {stride}"
        )  # fmt: skip


@clause("pool.pads-error")
def test_pads(operation: str) -> Iterator[ErrorCase]:
    for pads in ((1, 1, 1), (1, 1, 1, 1, 1, 1)):
        right = {"pads": (1, 1, 1, 1)}
        yield refusal(operation, *valid(operation), **WINDOW, pads=pads, valid=right, note=f"{len(pads)} pads")


@clause("pool.padding-name")
def test_padding_name(operation: str) -> Iterator[ErrorCase]:
    for word in ("full", "half"):
        right = {"padding": "valid"}
        yield refusal(operation, *valid(operation), **WINDOW, padding=word, valid=right, note=f"the padding {word!r}")


@clause("local-response-normalization.size-error")
def test_size() -> Iterator[ErrorCase]:
    for size in (0, -1):
        x = normal_draws(65, (2, 3, 2, 7))
        yield refusal("local_response_normalization", x, **LRN | {"size": size}, valid=LRN, note=f"a size of {size}")
