"""The floating-point types that subjects are tested in, by name. This module imports none of ours."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np

DTYPES = {
    "float16": np.dtype(np.float16),
    "bfloat16": np.dtype(ml_dtypes.bfloat16),
    "float32": np.dtype(np.float32),
    "float64": np.dtype(np.float64),
}


def is_float(x: Any) -> bool:
    """Whether ``x`` is a NumPy array of a floating-point type, bfloat16 included."""
    return isinstance(x, np.ndarray) and str(x.dtype) in DTYPES


def float_dtype(values: Any) -> str | None:
    """Name of the first floating-point type found in nested arrays."""
    if isinstance(values, np.ndarray):
        return str(values.dtype) if is_float(values) else None
    inner = values.values() if isinstance(values, dict) else values if isinstance(values, tuple | list) else ()
    return next((name for name in map(float_dtype, inner) if name), None)
