"""Windows of whole blocks: where the stride divides the window, both convolutions are one matrix product.

The image is cut into blocks of the stride, and what a block holds becomes channels. A window then reads a few whole
blocks, without a stride. The transposed convolution is the same, read from the results to the inputs. Half precision is
computed in float32 and rounded once.
"""

import functools
import itertools
import math
from collections.abc import Sequence

import jax.numpy as jnp
from jaxtyping import Array


def divides(stride: Sequence[int], window: Sequence[int], dilation: Sequence[int]) -> bool:
    """Whether windows are made of whole blocks of more than one place."""
    return max(dilation) == 1 and max(stride) > 1 and not any(k % s for k, s in zip(window, stride, strict=True))


def of_blocks(x: Array, kernel: Array, stride: Sequence[int]) -> Array:
    """The convolution of padded images: what every window reads, block by block, times the kernel as a matrix."""
    wide = jnp.promote_types(x.dtype, jnp.float32)
    W = _by_block(kernel.astype(wide), stride)  # [*taps, *stride, channels, filters]
    taps = W.shape[: len(stride)]
    counts = [(n - k) // s + 1 for n, k, s in zip(x.shape[1:-1], kernel.shape, stride, strict=False)]
    whole = [slice((n + t - 1) * s) for n, t, s in zip(counts, taps, stride, strict=True)]
    blocks = _cut(x[:, *whole].astype(wide), stride)
    read = [blocks[:, *map(_from, tap, counts)] for tap in itertools.product(*map(range, taps))]
    rows = jnp.concatenate(read, -1)  # [batch, *counts, taps * stride * channels]
    return _times(rows, W.reshape(rows.shape[-1], kernel.shape[-1])).astype(x.dtype)


def over_blocks(x: Array, kernel: Array, stride: Sequence[int]) -> Array:
    """The transposed convolution before anything is cropped: each input gives some whole blocks, which are added."""
    wide = jnp.promote_types(x.dtype, jnp.float32)
    W = _by_block(kernel.astype(wide), stride)
    taps, (channels, filters) = W.shape[: len(stride)], kernel.shape[-2:]
    held = math.prod(stride) * filters  # by one block
    given = _times(x.astype(wide), jnp.moveaxis(W, -2, 0).reshape(channels, math.prod(taps) * held))
    y = functools.reduce(jnp.add, (
        jnp.pad(of_tap, [(0, 0), *((a, t - 1 - a) for a, t in zip(tap, taps, strict=True)), (0, 0)])
        for tap, of_tap in zip(itertools.product(*map(range, taps)), jnp.split(given, math.prod(taps), -1), strict=True)
    ))  # fmt: skip
    return _joined(y.reshape(*y.shape[:-1], *stride, filters), stride).astype(x.dtype)


def _times(x: Array, W: Array) -> Array:
    """The product with a matrix, as one of two matrices: of more axes XLA copies the rows to learn from them."""
    return (x.reshape(math.prod(x.shape[:-1]), x.shape[-1]) @ W).reshape(*x.shape[:-1], W.shape[-1])


def _from(start: int, count: int) -> slice:
    return slice(start, start + count)


def _split(lengths: Sequence[int], stride: Sequence[int]) -> list[int]:
    """Each length as blocks of a stride: [blocks, stride, blocks, stride]."""
    return [part for n, s in zip(lengths, stride, strict=True) for part in (n // s, s)]


def _by_block(kernel: Array, stride: Sequence[int]) -> Array:
    """The kernel as [*taps, *stride, channels, filters], with as many taps as the window has blocks."""
    n = len(stride)
    W = kernel.reshape(*_split(kernel.shape[:n], stride), *kernel.shape[n:])
    return W.transpose(*range(0, 2 * n, 2), *range(1, 2 * n, 2), 2 * n, 2 * n + 1)


def _cut(x: Array, stride: Sequence[int]) -> Array:
    """The image by blocks, [batch, *blocks, stride * channels]."""
    n = len(stride)
    blocks = x.reshape(len(x), *_split(x.shape[1:-1], stride), x.shape[-1])
    blocks = blocks.transpose(0, *range(1, 2 * n, 2), *range(2, 2 * n + 1, 2), 2 * n + 1)
    return blocks.reshape(*blocks.shape[: n + 1], math.prod(stride) * x.shape[-1])


def _joined(blocks: Array, stride: Sequence[int]) -> Array:
    """The image of its blocks [batch, *blocks, *stride, channels]."""
    n = len(stride)
    lengths = [count * s for count, s in zip(blocks.shape[1:], stride, strict=False)]
    order = [axis for i in range(1, n + 1) for axis in (i, i + n)]
    return blocks.transpose(0, *order, 2 * n + 1).reshape(len(blocks), *lengths, blocks.shape[-1])
