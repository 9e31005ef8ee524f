"""The oracle's functions in the dtype that is handed over: half precision is computed in float32 and rounded once."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from nnspec_conformance.dtypes import DTYPES, float_dtype, is_float
from nnspec_conformance.subnormals import FLUSHING
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
    """The function with one more keyword: whether subnormal results are kept, or become zero in the usual dtypes."""

    @functools.wraps(function)
    def call(*arrays, subnormals="kept", **attributes):
        y = function(*arrays, **attributes)
        return _flushed(y) if subnormals == "flushed" and str(y.dtype) in FLUSHING else y

    return call


def summing(function: Callable) -> Callable:
    """The function with one more keyword: whether a sum keeps its digits, or is rounded to the dtype of the arrays."""

    @functools.wraps(function)
    def call(*arrays, sums="wide", **attributes):
        narrow = {"narrow": float_dtype(arrays)} if sums == "rounded" else {}
        return function(*arrays, **attributes, **narrow)

    return call


def summing_rows(function: Callable) -> Callable:
    """The same for sums inside an example, of its features or classes."""

    @functools.wraps(function)
    def call(*arrays, rows="wide", **attributes):
        narrow = {"row_sums": float_dtype(arrays)} if rows == "rounded" else {}
        return function(*arrays, **attributes, **narrow)

    return call


def stepping(function: Callable) -> Callable:
    """A value with one more keyword: whether half precision is rounded once, or at every step."""

    @functools.wraps(function)
    def call(*arrays, half="once", **attributes):
        return function(*arrays, **attributes, **({} if _is_slope(function) else _narrow(arrays, half)))

    return call


def stepping_slopes(function: Callable) -> Callable:
    """The same for a slope."""

    @functools.wraps(function)
    def call(*arrays, half_slopes="once", **attributes):
        return function(*arrays, **attributes, **(_narrow(arrays, half_slopes) if _is_slope(function) else {}))

    return call


def _is_slope(function: Callable) -> bool:
    return function.__name__.endswith("_derivative")


def _narrow(arrays: tuple, half: str) -> dict[str, str]:
    dtype = float_dtype(arrays)
    return {"narrow": dtype} if half == "steps" and dtype is not None and DTYPES[dtype] in WIDE else {}


def _flushed(y: np.ndarray) -> np.ndarray:
    tiny = np.finfo(y.dtype).smallest_normal if y.dtype != "bfloat16" else np.float32(2.0**-126)
    return np.where(np.abs(y) < tiny, np.zeros_like(y), y)
