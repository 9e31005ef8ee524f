"""What the convolution and its transpose share: how arrays lie, what each window reads, and which numbers they take."""

import itertools
from collections.abc import Sequence
from typing import Literal

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

Implementation = Literal["plain", "fused"]
LAYOUTS = {1: ("NHC", "HIO", "NHC"), 2: ("NHWC", "HWIO", "NHWC")}


def of_patches(x: Array, kernel: Array, stride: tuple[int, ...], dilation: tuple[int, ...], groups: int) -> Array:
    """What every window reads, as a row of a matrix, times the kernel as a matrix."""
    *window, channels, filters = kernel.shape
    counts = [fitting(n, k, s, d) for n, k, s, d in zip(x.shape[1:-1], window, stride, dilation, strict=True)]
    read = []
    for tap in itertools.product(*map(range, window)):
        starts = [a * d for a, d in zip(tap, dilation, strict=True)]
        stops = [at + (n - 1) * s + 1 for at, n, s in zip(starts, counts, stride, strict=True)]
        read.append(x[:, *(slice(*cut) for cut in zip(starts, stops, stride, strict=True))])  # [batch, *places, in]
    patches = jnp.stack(read, -2).reshape(len(x), *counts, len(read), groups, channels)
    W = kernel.reshape(len(read), channels, groups, filters // groups)
    return jnp.einsum("...tgc,tcgf->...gf", patches, W).reshape(len(x), *counts, filters)


def fitting(length: int, taps: int, stride: int, dilation: int) -> int:
    """How many windows fit into a padded length."""
    return (length - dilation * (taps - 1) - 1) // stride + 1


def check_numbers(name: str, word: str, numbers: Sequence[int], count: int, least: int) -> None:
    """Refuse numbers that are too few, too many, too small or no integers."""
    if len(numbers) != count:
        raise ValueError(f"{name}: {word}={tuple(numbers)} has {len(numbers)} numbers, expected {count}")
    if wrong := [n for n in numbers if not isinstance(n, int | np.integer) or isinstance(n, bool) or n < least]:
        raise ValueError(f"{name}: {word}={tuple(numbers)} has {wrong[0]}, expected integers of at least {least}")
