"""What the convolution and its transpose share: how arrays lie, what each window reads, and which numbers they take."""

import functools
import itertools
from collections.abc import Sequence
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

Implementation = Literal["plain", "fused"]
LAYOUTS = {1: ("NHC", "HIO", "NHC"), 2: ("NHWC", "HWIO", "NHWC")}


def of_patches(x: Array, kernel: Array, stride: tuple[int, ...], dilation: tuple[int, ...], groups: int) -> Array:
    """What every window reads, as a row of a matrix, times the kernel as a matrix."""
    channels, filters = kernel.shape[-2:]
    read = by_tap(x, kernel.shape[:-2], stride, dilation)
    counts = read[0].shape[1:-1]
    patches = jnp.stack(read, -2).reshape(len(x), *counts, len(read), groups, channels)
    W = kernel.reshape(len(read), channels, groups, filters // groups)
    return jnp.einsum("...tgc,tcgf->...gf", patches, W).reshape(len(x), *counts, filters)


def over_taps(x: Array, kernel: Array, stride: tuple[int, ...], dilation: tuple[int, ...]) -> Array:
    """The products of every tap, added: all there is to do where a filter reads one channel."""
    filters = kernel.shape[-1]
    wide = jnp.promote_types(x.dtype, jnp.float32)
    read = by_tap(x.astype(wide), kernel.shape[:-2], stride, dilation)
    W = kernel.reshape(len(read), filters).astype(wide)
    products = (jnp.repeat(r, filters // x.shape[-1], -1) * w for r, w in zip(read, W, strict=True))
    return functools.reduce(jnp.add, products).astype(x.dtype)


@functools.partial(jax.custom_jvp, nondiff_argnums=(2, 3))
def of_one_channel(x: Array, kernel: Array, stride: tuple[int, ...], dilation: tuple[int, ...]) -> Array:
    """The same for images of one channel; where it is differentiated, value and gradients are those of one product.

    XLA computes a sum over taps again for each of its consumers, and in training there are several.
    """
    return over_taps(x, kernel, stride, dilation)


@of_one_channel.defjvp
def _(stride: tuple[int, ...], dilation: tuple[int, ...], at: tuple, along: tuple) -> tuple[Array, Array]:
    (x, kernel), (dx, dkernel) = at, along
    moved = of_patches(dx, kernel, stride, dilation, 1) + of_patches(x, dkernel, stride, dilation, 1)
    return of_patches(x, kernel, stride, dilation, 1), moved


def with_bias(y: Array, bias: Array | None) -> Array:
    """The feature maps with a number added to each; its gradient is a sum over all places, and is added up wide."""
    if bias is None:
        return y
    wide = jnp.promote_types(y.dtype, jnp.float32)
    return (y.astype(wide) + bias.astype(wide)).astype(y.dtype)


def by_tap(x: Array, window: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...]) -> list[Array]:
    """What each tap of the window reads at all places: [batch, *places, channels]."""
    counts = [fitting(n, k, s, d) for n, k, s, d in zip(x.shape[1:-1], window, stride, dilation, strict=True)]
    read = []
    for tap in itertools.product(*map(range, window)):
        starts = [a * d for a, d in zip(tap, dilation, strict=True)]
        stops = [at + (n - 1) * s + 1 for at, n, s in zip(starts, counts, stride, strict=True)]
        read.append(x[:, *(slice(*cut) for cut in zip(starts, stops, stride, strict=True))])
    return read


def fitting(length: int, taps: int, stride: int, dilation: int) -> int:
    """How many windows fit into a padded length."""
    return (length - dilation * (taps - 1) - 1) // stride + 1


def check_numbers(name: str, word: str, numbers: Sequence[int], count: int, least: int) -> None:
    """Refuse numbers that are too few, too many, too small or no integers."""
    if len(numbers) != count:
        raise ValueError(f"{name}: {word}={tuple(numbers)} has {len(numbers)} numbers, expected {count}")
    if wrong := [n for n in numbers if not isinstance(n, int | np.integer) or isinstance(n, bool) or n < least]:
        raise ValueError(f"{name}: {word}={tuple(numbers)} has {wrong[0]}, expected integers of at least {least}")
