r"""Pooling: one number for each window of a feature map, the largest entry or the mean.

Maximum and mean have two implementations. ``plain`` is the reduction of windows as XLA has it. ``fused`` takes what one
place of all windows reads as a whole array, and compares or adds these arrays: those of all places, or of long windows
first along each row and then along the columns.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial, reduce
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from nnspec.architectures.convolutional._windows import Implementation, by_tap, check_numbers
from nnspec.checking import NonNegative, Positive, checked

__all__ = ["average_pool", "global_average_pool", "local_response_normalization", "max_pool"]

PaddingName = Literal["valid", "same", "same_lower"]
Pads = Sequence[tuple[int, int]]
STATIC = ("window", "stride", "padding", "pads", "ceil_mode", "implementation")
FEW_PLACES = 9  # of a window; with more of them its rows are reduced first, which shares what windows have in common
MOST_ENTRIES = 2**31 - 1  # that an index of 32 bits counts
MOST_ARRAYS = 32  # each is an operation of its own in the program


@checked
@partial(jax.jit, static_argnames=STATIC)
def max_pool(
    x: Float[Array, "batch height width channels"],
    *,
    window: tuple,
    stride: tuple | None = None,
    padding: PaddingName = "valid",
    pads: tuple = (0, 0, 0, 0),
    ceil_mode: bool = False,
    implementation: Implementation | None = None,
) -> Float[Array, "batch rows columns channels"]:
    r"""Take the largest entry of each window, channel by channel.

    With $k$ = ``window``, $s$ = ``stride``, and $x$ padded with $-\infty$:
    $y_{p,q,c} = \max_{0 \le a < k_1,\, 0 \le e < k_2} x_{s_1 p + a,\, s_2 q + e,\, c}$   [max-pool.value][]

    Args:
        x: images or feature maps, any float dtype.
        window: height and width of the window.
        stride: rows and columns from one window to the next, at least 1; the window itself if it is left out.
        padding: places by name: ``valid`` none, ``same`` as many as keep height and width, over the stride, the odd
            one at the end, ``same_lower`` at the start.
        pads: places above, below, left and right, beside ``valid``; each less than the window.
        ceil_mode: whether a last window may stick out, if it begins before the end of the image.
        implementation: ``plain`` or ``fused``; by default fused where windows lie side by side, and on a CPU where they
            overlap, up to a sum of 32 of height and width of a window; else plain.

    Returns:
        One number for each place of the window and each channel. Of several largest entries the first one, row by row,
        gets the gradient.

    Raises:
        ValueError: window, stride or pads have the wrong number of integers, or too small ones; a pad is as long as the
            window; pads stand beside another padding than ``valid``; no window fits.

    Source: LeCun, Bottou, Bengio and Haffner 1998, section II.A; Goodfellow, Bengio and Courville 2016, section 9.3.
    """
    s, pairs, counts = _checked("max_pool", x.shape, window, stride, padding, pads, ceil_mode)
    reached = _reached(x.shape, window, s, pairs, counts)
    library = partial(_by_library, init=-jnp.inf, operator=jax.lax.max, window=window, stride=s, pads=reached)
    side_by_side = tuple(window) == s and not any(map(any, reached))
    few = math.prod(window) <= FEW_PLACES and x.size <= MOST_ENTRIES
    arrays = _by_place if few and not side_by_side else partial(_joined, _larger, -jnp.inf)
    fused = partial(arrays, tuple(window), s, reached)
    return _chosen(implementation, x, partial(_largest, library), fused, window, side_by_side)


@checked
@partial(jax.jit, static_argnames=(*STATIC, "count_pads"))
def average_pool(
    x: Float[Array, "batch height width channels"],
    *,
    window: tuple,
    stride: tuple | None = None,
    padding: PaddingName = "valid",
    pads: tuple = (0, 0, 0, 0),
    ceil_mode: bool = False,
    count_pads: bool = False,
    implementation: Implementation | None = None,
) -> Float[Array, "batch rows columns channels"]:
    r"""Take the mean of each window, channel by channel.

    With $k$ = ``window``, $s$ = ``stride``, and $n_{p,q}$ the number of places of the window that count:
    $y_{p,q,c} = \frac{1}{n_{p,q}} \sum_{a<k_1,\, e<k_2} x_{s_1 p + a,\, s_2 q + e,\, c}$   [average-pool.value][]

    Args:
        x: images or feature maps, any float dtype.
        window: height and width of the window.
        stride: rows and columns from one window to the next, at least 1; the window itself if it is left out.
        padding: places by name, as ``max_pool`` takes it; their entries are zero.
        pads: places above, below, left and right, beside ``valid``; each less than the window.
        ceil_mode: whether a last window may stick out, if it begins before the end of the image; what sticks out
            never counts.
        count_pads: whether places of the padding count, too.
        implementation: ``plain`` or ``fused``, as of ``max_pool``.

    Returns:
        One number for each place of the window and each channel.

    Raises:
        ValueError: window, stride or pads have the wrong number of integers, or too small ones; a pad is as long as the
            window; pads stand beside another padding than ``valid``; no window fits.

    Source: LeCun, Bottou, Bengio and Haffner 1998, section II.B.
    """
    s, pairs, counts = _checked("average_pool", x.shape, window, stride, padding, pads, ceil_mode)
    reached = _reached(x.shape, window, s, pairs, counts)
    wide = x.astype(jnp.promote_types(x.dtype, jnp.float32))  # a sum in half precision overflows
    library = partial(_by_library, init=0.0, operator=jax.lax.add, window=window, stride=s, pads=reached)
    fused = partial(_joined, jax.lax.add, 0.0, window, s, reached)
    side_by_side = tuple(window) == s and not any(map(any, reached))
    sums = _chosen(implementation, wide, library, fused, window, side_by_side)
    rows, columns = (
        _counted(length, k, step, pair, count, count_pads)
        for length, k, step, pair, count in zip(x.shape[1:3], window, s, pairs, counts, strict=True)
    )
    n = np.outer(rows, columns)[:, :, None]
    return (sums / n.astype(wide.dtype)).astype(x.dtype)


@checked
@jax.jit
def global_average_pool(x: Float[Array, "batch height width channels"]) -> Float[Array, "batch channels"]:
    r"""Take the mean of each whole feature map.

    $y_c = \frac{1}{L_1 L_2} \sum_{i,j} x_{i,j,c}$   [global-average-pool.value][]

    Args:
        x: feature maps, any float dtype.

    Returns:
        One number for each channel.

    Raises:
        ValueError: the maps have no place.

    Source: Lin, Chen and Yan 2014, section 3.2.
    """
    places = x.shape[1] * x.shape[2]
    if not places:
        raise ValueError(f"global_average_pool: x has shape {x.shape}, without a place to take the mean of")
    return (jnp.sum(x, (1, 2), dtype=jnp.promote_types(x.dtype, jnp.float32)) / places).astype(x.dtype)


@checked
@partial(jax.jit, static_argnames=("size",))
def local_response_normalization(
    x: Float[Array, "batch height width channels"],
    *,
    size: int,
    alpha: NonNegative,
    beta: NonNegative,
    k: Positive,
) -> Float[Array, "batch height width channels"]:
    r"""Divide each entry by a power of what the neighbouring channels hold at its place.

    With $n$ = ``size``, $\alpha$ = ``alpha``, $\beta$ = ``beta``, and the sum over channels that there are:
    $y_{i,j,c} = x_{i,j,c} \big/ \big(k + \alpha \sum_{|e - c| \le (n-1)/2} x_{i,j,e}^2\big)^\beta$
    [local-response-normalization.alpha-share][]

    Args:
        x: feature maps, any float dtype.
        size: how many channels are summed, an odd number.
        alpha: factor of the sum of squares, which is not divided by the size; at least 0.
        beta: the power, at least 0.
        k: added to the sum; positive.

    Returns:
        Same shape and dtype as ``x``.

    Raises:
        ValueError: ``size`` is even or below 1; ``alpha`` or ``beta`` is negative, or ``k`` not positive.

    Source: Krizhevsky, Sutskever and Hinton 2012, section 3.3.
    """
    if size < 1 or size % 2 == 0:
        raise ValueError(f"local_response_normalization: size={size} has no middle channel; expected an odd number")
    wide, side = x.astype(jnp.promote_types(x.dtype, jnp.float32)), (size - 1) // 2
    sums = jax.lax.reduce_window(
        wide * wide, 0.0, jax.lax.add, (1, 1, 1, size), (1, 1, 1, 1), ((0, 0),) * 3 + ((side, side),)
    )
    return (wide / (k + alpha * sums) ** beta).astype(x.dtype)


def _by_library(
    x: Array,
    init: float,
    operator: Callable,
    window: Sequence[int],
    stride: Sequence[int],
    pads: Sequence[tuple[int, int]],
) -> Array:
    """The reduction of windows, as XLA has it."""
    return jax.lax.reduce_window(x, init, operator, (1, *window, 1), (1, *stride, 1), ((0, 0), *pads, (0, 0)))


def _chosen(
    implementation: Implementation | None,
    x: Array,
    library: Callable[[Array], Array],
    fused: Callable[[Array], Array],
    window: tuple[int, ...],
    side_by_side: bool,
) -> Array:
    """The windows, each made one number by the library or by joining whole arrays."""
    if implementation is not None:
        return fused(x) if implementation == "fused" else library(x)
    if sum(window) > MOST_ARRAYS:
        return library(x)
    if side_by_side:
        return fused(x)
    return jax.lax.platform_dependent(x, cpu=fused, default=library)


def _joined(
    join: Callable[[Array, Array], Array], fill: float, window: tuple[int, ...], stride: tuple[int, ...], pads: Pads,
    x: Array,
) -> Array:  # fmt: skip
    """What one place of all windows reads, joined for all places; of long windows the rows first."""
    x, (k1, k2), (s1, s2) = _padded(x, fill, pads), window, stride
    if k1 * k2 <= FEW_PLACES:
        return reduce(join, by_tap(x, window, stride, (1, 1)))
    rows = reduce(join, by_tap(x, (1, k2), (1, s2), (1, 1)))
    return reduce(join, by_tap(rows, (k1, 1), (s1, 1), (1, 1)))


def _padded(x: Array, fill: float, pads: Pads) -> Array:
    if not any(map(any, pads)):
        return x
    edges = [(0, 0, 0), *((before, after, 0) for before, after in pads), (0, 0, 0)]
    return jax.lax.pad(x, jnp.asarray(fill, x.dtype), edges)


@partial(jax.custom_jvp, nondiff_argnums=(0, 1, 2))
def _by_place(window: tuple[int, ...], stride: tuple[int, ...], pads: Pads, x: Array) -> Array:
    """The maximum of windows that overlap; its derivative reads at the places of the winners alone.

    The gradient is then an addition there. Of the comparisons XLA makes a gradient that goes through all places of a
    window for every entry, which took twice as long.
    """
    return _joined(_larger, -jnp.inf, window, stride, pads, x)


@_by_place.defjvp
def _by_place_jvp(
    window: tuple[int, ...], stride: tuple[int, ...], pads: Pads, primals: tuple[Array], tangents: tuple[Array]
) -> tuple[Array, Array]:
    (x,), (dx,) = primals, tangents
    y, *others = by_tap(_padded(x, -jnp.inf, pads), window, stride, (1, 1))
    place = jnp.zeros(y.shape, jnp.int32)  # in the window, row by row
    for i, other in enumerate(others, 1):
        wins = (other > y) | jnp.isnan(other)
        y, place = jnp.where(wins, other, y), jnp.where(wins, i, place)
    n, rows, columns, c = jnp.ogrid[tuple(map(slice, y.shape))]
    # Padding wins over minus infinity alone, and stands for the entry beside it, which is in the window.
    row = jnp.clip(rows * stride[0] - pads[0][0] + place // window[1], 0, x.shape[1] - 1)
    column = jnp.clip(columns * stride[1] - pads[1][0] + place % window[1], 0, x.shape[2] - 1)
    at = ((n * x.shape[1] + row) * x.shape[2] + column) * x.shape[3] + c
    return y, dx.ravel().at[at].get(mode="promise_in_bounds")


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _largest(library: Callable[[Array], Array], x: Array) -> Array:
    """The maximum by the library, whose search for the winner passes over NaN, and stops at padding.

    So the search is handed infinity for NaN, and for minus infinity the lowest number, which is above the padding.
    """
    return library(x)


@_largest.defjvp
def _largest_jvp(
    library: Callable[[Array], Array], primals: tuple[Array], tangents: tuple[Array]
) -> tuple[Array, Array]:
    (x,) = primals
    searched = jnp.where(jnp.isnan(x), jnp.inf, jnp.maximum(x, jnp.finfo(x.dtype).min))
    return library(x), jax.jvp(library, (searched,), tangents)[1]


def _larger(first: Array, second: Array) -> Array:
    """Take the larger entry, or NaN; of equal entries the first, which then gets the gradient."""
    return jnp.where((second > first) | jnp.isnan(second), second, first)


def _counted(length: int, taps: int, stride: int, pads: tuple[int, int], count: int, count_pads: bool) -> np.ndarray:
    """How many places of each window count along an axis."""
    before, after = pads
    first = np.arange(count) * stride - before
    low, high = (-before, length + after) if count_pads else (0, length)
    return np.minimum(first + taps, high) - np.maximum(first, low)


def _reached(
    shape: tuple[int, ...],
    window: Sequence[int],
    stride: Sequence[int],
    pads: Sequence[tuple[int, int]],
    counts: Sequence[int],
) -> list[tuple[int, int]]:
    """The places before and after each axis that some window reaches."""
    return [
        (before, max(0, (count - 1) * s + k - length - before))
        for length, k, s, (before, _), count in zip(shape[1:3], window, stride, pads, counts, strict=True)
    ]


def _checked(
    name: str,
    shape: tuple[int, ...],
    window: tuple,
    stride: tuple | None,
    padding: PaddingName,
    pads: tuple,
    ceil_mode: bool,
) -> tuple[tuple[int, ...], list[tuple[int, int]], list[int]]:
    """Stride, padding and number of windows on each axis, of a call that is in order."""
    check_numbers(name, "window", window, 2, 1)
    s = tuple(window if stride is None else stride)
    check_numbers(name, "stride", s, 2, 1)
    check_numbers(name, "pads", pads, 4, 0)
    if any(pads) and padding != "valid":
        raise ValueError(f"{name}: pads={pads} stand beside padding={padding!r}; use padding='valid'")
    pairs, counts = [], []
    for i, (n, k, step) in enumerate(zip(shape[1:3], window, s, strict=True)):
        before, after = pads[2 * i : 2 * i + 2]
        if max(before, after) >= k:
            raise ValueError(f"{name}: pads={pads} make windows of padding alone; expected less than the window's {k}")
        if padding != "valid":
            total = max((-(-n // step) - 1) * step + k - n, 0)
            before = total // 2 if padding == "same" else total - total // 2
            after = total - before
        count = (n + before + after - k + (step - 1 if ceil_mode else 0)) // step + 1
        if ceil_mode:  # a window must begin before the end of the image
            count = min(count, -(-(n + before) // step))
        if count < 1:
            raise ValueError(
                f"{name}: a window of {k} places does not fit into axis {i + 1} of x, {n} long, "
                f"{n + before + after} padded; use a smaller window"
            )
        pairs.append((before, after))
        counts.append(count)
    return s, pairs, counts
