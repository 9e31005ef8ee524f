"""The project's own reference implementation."""

from __future__ import annotations

import nnspec
from nnspec_conformance.adapters.jax.transport import SUBNORMALS, abstract, asarray, compile, context, to_numpy, vjp

NAME = "reference"
VERSION = nnspec.__version__
DTYPES = ("float32", "float64", "bfloat16", "float16")
PACKAGES = ("nnspec", "jax", "jaxlib", "flax", "optax")
COMPILES = True
