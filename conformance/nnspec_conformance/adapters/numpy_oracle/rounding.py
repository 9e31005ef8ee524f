"""Float64 formulas in the dtype that is handed over: half precision is computed in float32 and rounded once."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

DTYPES_WIDE = {"float16": np.float32, "bfloat16": np.float32}


def _flush(y):
    """Subnormal numbers become zero."""
    tiny = np.finfo(y.dtype).smallest_normal if y.dtype != "bfloat16" else np.float32(2.0**-126)
    return np.where(np.abs(y) < tiny, np.zeros_like(y), y)


def in_dtype(function):
    """Compute half-precision arrays in float32 and round once; flush subnormals if asked to."""

    @functools.wraps(function)
    def call(x, *, subnormals="kept", **attributes):
        wide = DTYPES_WIDE.get(str(x.dtype))
        y = function(x.astype(wide) if wide else x, **attributes).astype(x.dtype)
        return _flush(y) if subnormals == "flushed" else y

    return call


def pulled_back(derivative):
    """The vector-Jacobian product of an elementwise function."""
    derivative = in_dtype(derivative)

    def vjp(x, cotangents, **attributes):
        return ((cotangents * derivative(x, **attributes)).astype(x.dtype),)

    return vjp


def along_axis(function):
    """A vector-Jacobian product that brings its own cotangents; half precision in float32, rounded once."""

    def vjp(x, cotangents, **attributes):
        wide = DTYPES_WIDE.get(str(x.dtype), x.dtype)
        return (function(x.astype(wide), cotangents.astype(wide), **attributes)[0].astype(x.dtype),)

    return vjp


def wide(tree):
    """Half-precision arrays in float32, also inside a dict."""
    if isinstance(tree, dict):
        return {name: wide(x) for name, x in tree.items()}
    return tree.astype(DTYPES_WIDE.get(str(tree.dtype), tree.dtype))


def in_dtypes(function: Callable) -> Callable:
    """A function of several arrays or tables: computed in float32 where they are half precision, rounded once."""

    @functools.wraps(function)
    def call(*arrays, **attributes) -> Any:
        dtype = arrays[0].dtype

        def rounded(y):
            if isinstance(y, dict):
                return {name: rounded(part) for name, part in y.items()}
            return tuple(map(rounded, y)) if isinstance(y, tuple) else y.astype(dtype)

        return rounded(function(*map(wide, arrays), **attributes))

    return call
