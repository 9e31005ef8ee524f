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
NAMES = {dtype: name for name, dtype in DTYPES.items()}


def name_of(dtype: np.dtype) -> str:
    """The name of any dtype; of these four by a table, since NumPy takes thirty times as long to make the text."""
    return NAMES.get(dtype) or str(dtype)


def tested(names: Any, operation: str) -> tuple[str, ...]:
    """The dtypes that a subject declares, for all its operations (``*``) or for one.

    Raises:
        ValueError: it is no tuple, an empty one, or one with something else among the names.
    """
    known = f"use some of {', '.join(DTYPES)}"
    if operation == "*" and names == ():
        raise ValueError(f"DTYPES is empty; {known}")
    if not isinstance(names, tuple | list) or not names:
        raise ValueError(f"DTYPES[{operation!r}] is {_shown(names)}, expected a tuple; {known}")
    for name in names:
        if not isinstance(name, str) or name not in DTYPES:
            raise ValueError(f"DTYPES holds {_shown(name)}; {known}")
    return tuple(names)


def _shown(value: Any) -> str:
    return " ".join(repr(value).split())[:100]


def is_float(x: Any) -> bool:
    """Whether ``x`` is a NumPy array of a floating-point type, bfloat16 included."""
    return isinstance(x, np.ndarray) and x.dtype in NAMES


def float_dtype(values: Any) -> str | None:
    """Name of the first floating-point type found in nested arrays."""
    if isinstance(values, np.ndarray):
        return NAMES.get(values.dtype)
    inner = values.values() if isinstance(values, dict) else values if isinstance(values, tuple | list) else ()
    return next((name for name in map(float_dtype, inner) if name), None)
