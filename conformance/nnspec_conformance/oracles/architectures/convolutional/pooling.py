"""Pooling in NumPy, written from the clauses: all that a window reads along a last axis, then its maximum or its mean.

Every function computes in the dtype that it is handed; the expected values of the suite are computed in float64.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

PADDINGS = ("valid", "same", "same_lower")


@dataclass(frozen=True)
class Plan:
    """What a call asks for, one number or pair for height and one for width.

    Attributes:
        window: places of a window.
        stride: from one window to the next.
        pads: places before and after.
        counts: how many windows.
        lengths: of the input.
    """

    window: tuple[int, ...]
    stride: tuple[int, ...]
    pads: tuple[tuple[int, int], ...]
    counts: tuple[int, ...]
    lengths: tuple[int, ...]

    @property
    def spans(self) -> list[int]:
        """How long each axis is from the first place of the first window to all that a window or a pad reaches."""
        axes = zip(self.lengths, self.pads, self.counts, self.stride, self.window, strict=True)
        return [max(before + n + after, (count - 1) * s + k) for n, (before, after), count, s, k in axes]

    @property
    def inside(self) -> tuple[slice, ...]:
        """Where the input lies in these spans."""
        return (
            slice(None),
            *(slice(before, before + n) for n, (before, _) in zip(self.lengths, self.pads, strict=True)),
        )

    def places(self):
        """The places of a window, each as the slices at which all windows read it."""
        for tap in np.ndindex(self.window):
            axes = zip(tap, self.stride, self.counts, strict=True)
            yield (slice(None), *(slice(a, a + (n - 1) * s + 1 if n else a, s) for a, s, n in axes))

    def read(self, x, fill):
        """What each window reads, along a new last axis; outside the input it is ``fill``."""
        padded = np.full((len(x), *self.spans, x.shape[-1]), fill, x.dtype)
        padded[self.inside] = x
        return np.stack([padded[place] for place in self.places()], -1)

    def handed_back(self, x, parts):
        """The sum, for each entry, of the parts of all windows that read it."""
        total = np.zeros((len(x), *self.spans, x.shape[-1]), parts.dtype)
        for i, place in enumerate(self.places()):
            total[place] += parts[..., i]
        return total[self.inside]

    def counted(self, dtype, *, pads):
        """Which places of each window count, [1, rows, columns, 1, places]: of the input, or of its pads, too."""
        lengths = [before + n + after for n, (before, after) in zip(self.lengths, self.pads, strict=True)]
        ones = np.zeros((1, *self.spans, 1), dtype)
        ones[(slice(None), *map(slice, lengths)) if pads else self.inside] = 1
        return np.stack([ones[place] for place in self.places()], -1)


def planned(
    x, *, window, stride=None, padding="valid", pads=None, ceil_mode=False, no_window="refused", wide_pads="refused"
):
    """The plan of a call that is in order.

    Raises:
        ValueError: the array or a keyword does not fit.
    """
    window, pads = tuple(window), tuple(pads or (0, 0, 0, 0))
    stride = window if stride is None else tuple(stride)
    if x.ndim != 4 or (len(window), len(stride), len(pads)) != (2, 2, 4):
        raise ValueError(f"x {x.shape}, window {window}, stride {stride} and pads {pads} are not of two axes")
    if min(window) < 1 or min(stride) < 1 or min(pads) < 0:
        raise ValueError(f"window {window} and stride {stride} must be at least 1, pads {pads} at least 0")
    if padding not in PADDINGS or (any(pads) and padding != "valid"):
        raise ValueError(f"no padding {padding!r}, or pads beside it")
    pairs, counts = [], []
    for axis, (length, k, s) in enumerate(zip(x.shape[1:3], window, stride, strict=True)):
        pair = pads[2 * axis], pads[2 * axis + 1]
        if max(pair) >= k and wide_pads == "refused":
            raise ValueError(f"pads {pair} make windows of {k} places that hold padding alone")
        if padding != "valid":
            total = max((int(np.ceil(length / s)) - 1) * s + k - length, 0)
            pair = (total // 2, total - total // 2) if padding == "same" else (total - total // 2, total // 2)
        free = (length + sum(pair) - k) / s
        starts = [p * s for p in range(int(np.ceil(free) if ceil_mode else np.floor(free)) + 1)]
        count = sum(start < pair[0] + length for start in starts)
        if not count and no_window == "refused":
            raise ValueError(f"no window of {k} places fits into a length of {length}")
        pairs.append(pair)
        counts.append(count)
    return Plan(window, stride, tuple(pairs), tuple(counts), x.shape[1:3])


def cropped(x, given: dict[str, Any], negative_pads) -> tuple[Any, dict[str, Any]]:
    """The input without what negative pads cut off, where they do, and the pads that are left."""
    pads = given.get("pads") or (0, 0, 0, 0)
    if negative_pads == "refused" or len(pads) != 4 or min(pads) >= 0:
        return x, given
    inner = [slice(max(0, -pads[i]), n - max(0, -pads[i + 1])) for i, n in zip((0, 2), x.shape[1:3], strict=True)]
    return x[:, *inner], given | {"pads": tuple(max(0, p) for p in pads)}


def shares(read, tie_share, inside: Any = True):
    """What part of a window's cotangent each entry gets, of a maximum: those that are largest share all of it.

    Of these are the places ``inside`` the input alone, if there is one: padding is as large as minus infinity.
    """
    winners = (read == read.max(-1, keepdims=True)) | np.isnan(read)
    entries = winners & inside
    winners = np.where(entries.any(-1, keepdims=True), entries, winners)
    if tie_share == "equal":
        return winners / winners.sum(-1, keepdims=True)
    winners = winners if tie_share == "first" else winners[..., ::-1]
    alone = np.zeros_like(winners)
    np.put_along_axis(alone, winners.argmax(-1)[..., None], True, -1)
    return alone if tie_share == "first" else alone[..., ::-1]


def max_pool(x, *, tie_share="first", negative_pads="refused", **given):
    x, given = cropped(x, given, negative_pads)
    return planned(x, **given).read(x, -np.inf).max(-1)


def max_pool_vjp(x, cotangents, *, tie_share="first", negative_pads="refused", **given):
    plan = planned(x, **given)
    inside = plan.counted(bool, pads=False)
    parts = cotangents[..., None] * shares(plan.read(x, -np.inf), tie_share, inside).astype(x.dtype)
    return (plan.handed_back(x, parts),)


def average_pool(x, *, count_pads="left-out", negative_pads="refused", **given):
    x, given = cropped(x, given, negative_pads)
    plan = planned(x, **given)
    n = plan.counted(x.dtype, pads=count_pads == "counted").sum(-1)
    with np.errstate(invalid="ignore"):  # a window of padding alone: zero over zero
        return plan.read(x, 0).sum(-1) / n


def average_pool_vjp(x, cotangents, *, count_pads="left-out", negative_pads="refused", **given):
    plan = planned(x, **given)
    n = plan.counted(x.dtype, pads=count_pads == "counted").sum(-1)
    return (plan.handed_back(x, np.broadcast_to((cotangents / n)[..., None], plan.read(x, 0).shape)),)


def global_average_pool(x):
    if x.ndim != 4:
        raise ValueError(f"x has shape {x.shape}, expected a batch, height, width and channels")
    return x.mean((1, 2))


def global_average_pool_vjp(x, cotangents):
    dx = np.empty(x.shape, x.dtype)
    dx[...] = cotangents[:, None, None] / (x.shape[1] * x.shape[2])
    return (dx,)


def _near(y, size):
    """The sum over the channels that a window of so many channels holds, around each channel."""
    side, channels = size // 2, y.shape[-1]
    padded = np.zeros((*y.shape[:-1], channels + 2 * side), y.dtype)
    padded[..., side : side + channels] = y
    return sum(padded[..., i : i + channels] for i in range(size))


def as_it_is(y):
    return y


def local_response_normalization(x, *, size, alpha, beta, k, alpha_share="whole", rounded=as_it_is):
    if size < 1:
        raise ValueError(f"size {size} is below 1")
    factor = alpha if alpha_share == "whole" else alpha / size
    d = rounded(k + rounded(factor * rounded(_near(rounded(x**2), size))))
    return rounded(x / rounded(d**beta))


def local_response_normalization_vjp(
    x, cotangents, *, size, alpha, beta, k, alpha_share="whole", rounded=as_it_is
):  # fmt: skip
    factor = alpha if alpha_share == "whole" else alpha / size
    d = rounded(k + rounded(factor * rounded(_near(rounded(x**2), size))))
    power = rounded(d**-beta)
    back = rounded(_near(rounded(rounded(cotangents * x) * rounded(power / d)), size))
    return (rounded(cotangents * power) - rounded(2 * factor * beta * x * back),)
