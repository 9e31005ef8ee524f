"""The oracle's functions in the dtype that is handed over: half precision is computed in float32 and rounded once."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from nnspec_conformance.dtypes import DTYPES, float_dtype, is_float
from nnspec_conformance.trees import mapped

WIDE = {DTYPES["float16"]: np.float32, DTYPES["bfloat16"]: np.float32}


def in_dtype(function: Callable) -> Callable:
    """The function of arrays and tables, its results rounded to the dtype of the first floating-point argument."""

    @functools.wraps(function)
    def call(*arrays, **attributes) -> Any:
        dtype = float_dtype(arrays)
        y = function(*mapped(_widened, arrays), **attributes)
        if dtype is None:
            return np.asarray(y)
        return mapped(lambda part: np.asarray(part).astype(dtype) if part.dtype.kind == "f" else part, y)

    return call


def _widened(x: np.ndarray) -> np.ndarray:
    return x.astype(WIDE.get(x.dtype, x.dtype))


def pulled_back(derivative: Callable) -> Callable:
    """The vector-Jacobian product of an elementwise function, from its derivative, already in the dtype."""

    def vjp(x, cotangents, **attributes):
        return ((cotangents * derivative(x, **attributes)).astype(x.dtype),)

    return vjp


def flushing(function: Callable) -> Callable:
    """The function with one more keyword: whether subnormal results are kept, or become zero."""

    @functools.wraps(function)
    def call(*arrays, subnormals="kept", **attributes):
        y = function(*arrays, **attributes)
        return _flushed(y) if subnormals == "flushed" else y

    return call


def summing(function: Callable) -> Callable:
    """The function with one more keyword: whether a sum keeps its digits, or is rounded to the dtype of the arrays."""

    @functools.wraps(function)
    def call(*arrays, sums="wide", **attributes):
        narrow = {"narrow": float_dtype(arrays)} if sums == "rounded" else {}
        return function(*arrays, **attributes, **narrow)

    return call


def _flushed(y: np.ndarray) -> np.ndarray:
    tiny = np.finfo(y.dtype).smallest_normal if y.dtype != "bfloat16" else np.float32(2.0**-126)
    return np.where(np.abs(y) < tiny, np.zeros_like(y), y)
