"""The oracles as a subject: the same NumPy functions, in the dtype that they are handed. Shown as oracle, not as evidence.

Mutants are this adapter with one thing wrong. Half-precision inputs are computed in float32 and rounded once.
"""

from __future__ import annotations

import functools

import numpy as np

from nnspec_conformance.oracles.components import activations
from nnspec_conformance.subject import DTYPES as ALL_DTYPES

NAME = "numpy_oracle"
VERSION = np.__version__
DTYPES_WIDE = {"float16": np.float32, "bfloat16": np.float32}
DTYPES = tuple(ALL_DTYPES)
VARIANTS = {"gelu.form": ("exact", "tanh", "sigmoid"), "hard-sigmoid.form": ("sixth", "fifth", "half")}
DEFAULTS = {"gelu.default-form": "exact", "hard-sigmoid.default-form": "sixth"}

ELEMENTWISE = (
    "identity", "relu", "leaky_relu", "elu", "selu", "gelu", "sigmoid", "tanh", "softplus", "silu", "hard_sigmoid"
)  # fmt: skip
SMOOTH = ("gelu", "sigmoid", "tanh", "softplus", "silu")


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


def _row_vjp(function):
    def vjp(x, cotangents, **attributes):
        wide = DTYPES_WIDE.get(str(x.dtype), x.dtype)
        return (function(x.astype(wide), cotangents.astype(wide), **attributes)[0].astype(x.dtype),)

    return vjp


for _name in ELEMENTWISE:
    globals()[_name] = in_dtype(getattr(activations, _name))
    globals()[f"{_name}_vjp"] = pulled_back(getattr(activations, f"{_name}_derivative"))
for _name in SMOOTH:
    globals()[f"{_name}_second_derivative"] = in_dtype(getattr(activations, f"{_name}_second_derivative"))
for _name in ("softmax", "log_softmax"):
    globals()[_name] = in_dtype(getattr(activations, _name))
    globals()[f"{_name}_vjp"] = _row_vjp(getattr(activations, f"{_name}_vjp"))
