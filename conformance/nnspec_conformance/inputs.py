"""Inputs on which wrong implementations show: whole ranges, edges, every half-precision number."""

from __future__ import annotations

from functools import cache, lru_cache
from itertools import pairwise
from typing import Any

import numpy as np

from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.tolerance import finfo, ulp
from nnspec_conformance.trees import mapped


@cache
def half_numbers(dtype: str) -> np.ndarray:
    """Every finite number of float16 or bfloat16, in order."""
    x = np.arange(2**16, dtype=np.uint16).view(DTYPES[dtype])
    finite = np.isfinite(x.astype(np.float32))
    return x[finite][np.argsort(x[finite].astype(np.float32), kind="stable")]


def real_numbers(dtype: str, largest: float | None = None) -> np.ndarray:
    """Finite numbers of a dtype over its whole range, both signs, zero included, in order.

    Half precision: all of them. Else: three in each octave of the normal numbers (fewer in float64), a fine grid within
    20, and coarser ones as far as exponentials overflow and underflow: 120, in float64 750.

    Args:
        dtype: name of the dtype.
        largest: leave out magnitudes above it; the array keeps its length, and begins again at its end.
    """
    return _real_numbers(dtype, largest).copy()


@cache
def _real_numbers(dtype: str, largest: float | None) -> np.ndarray:
    if dtype in ("float16", "bfloat16"):
        x = half_numbers(dtype)
    else:
        info = finfo(DTYPES[dtype])
        octaves = 2.0 ** np.arange(info.minexp, info.maxexp, 1 / 3 if dtype == "float32" else 3 + 1 / 3)
        edges = [float(info.max), float(info.smallest_normal), 1.0, 2.5, 3.0, 20.0]
        grids = [np.linspace(0, 20, 2001), np.linspace(0, 120, 1201)]
        grids += [np.linspace(0, 750, 301)] if dtype == "float64" else []
        x = np.concatenate([octaves[np.isfinite(octaves)], edges, *grids])
        x = np.unique(np.concatenate([-x, x]).astype(DTYPES[dtype]))
    if largest is not None:
        return same_length(x[np.abs(x.astype(np.float64)) <= largest], x.size)
    return x


def same_length(x: np.ndarray, size: int | None = None) -> np.ndarray:
    """The elements, again and again up to ``size``, by default that of ``real_numbers`` in the same dtype.

    A compiler that sees one shape compiles once: a new shape costs a compiling subject more than all its elements.
    """
    size = real_numbers(str(x.dtype)).size if size is None else size
    return np.resize(x, size)  # the last one alone would soon be most of what is expected


def neighbours(x: np.ndarray, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """The float64 values ``steps`` units in the last place below and above each element, within the dtype's range."""
    exact, largest = x.astype(np.float64), float(finfo(x.dtype).max)
    reach = steps * ulp(exact, str(x.dtype))
    with np.errstate(over="ignore"):
        return np.clip(exact - reach, -largest, largest), np.clip(exact + reach, -largest, largest)


def normal_draws(seed: int, shape: tuple[int, ...], dtype: str = "float32", scale: float = 1.0) -> np.ndarray:
    """Reproducible normal draws; non-zero and pairwise different for all practical purposes."""
    return (_standard_normal(seed, tuple(shape)) * scale).astype(DTYPES[dtype])


@lru_cache(maxsize=1024)
def _standard_normal(seed: int, shape: tuple[int, ...]) -> Any:
    """The draws of a seed, kept: the questions to a topic are asked with the same arrays over and over."""
    return np.random.default_rng(seed).standard_normal(shape)


def wide(tree: Any) -> Any:
    """The arrays of nested tuples and dicts in float64, in which an oracle computes."""
    return mapped(lambda x: np.asarray(x, np.float64), tree)


def network(
    widths: tuple[int, ...], dtype: str = "float32", *, leading: tuple[int, ...] = (6,), seed: int = 0
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """x and the table ``kernel_0``, ``bias_0``, ...: no entry zero, no two alike.

    Kernels have variance 1/n, so that no activation saturates, and biases deviation 1. Data come from ``seed``, each
    array of the table from the next one.
    """
    table = {}
    for i, (features, units) in enumerate(pairwise(widths)):
        table[f"kernel_{i}"] = normal_draws(seed + 2 * i + 1, (features, units), dtype, scale=features**-0.5)
        table[f"bias_{i}"] = normal_draws(seed + 2 * i + 2, (units,), dtype)
    return normal_draws(seed, (*leading, widths[0]), dtype), table
