"""Stock JAX, Flax and Optax. The functions of ``flax.nnx`` are those of ``jax.nn``, so the version is that of JAX."""

from __future__ import annotations

import jax

from nnspec_conformance.adapters.jax.transport import SUBNORMALS, abstract, asarray, compile, context, to_numpy, vjp

NAME = "flax_optax"
VERSION = jax.__version__
DTYPES = ("float32", "float64", "bfloat16", "float16")
PACKAGES = ("jax", "jaxlib", "flax", "optax")
COMPILES = True
TOPICS = ("jax",)
