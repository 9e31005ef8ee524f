"""Keras 3 on JAX."""

from __future__ import annotations

import os

os.environ["KERAS_BACKEND"] = "jax"  # read when Keras is imported, once a process

from nnspec_conformance.adapters.jax.transport import SUBNORMALS, asarray, compile, context, to_numpy, vjp
from nnspec_conformance.adapters.keras.backend import VERSION, require

require("jax")

NAME = "keras_jax"
DTYPES = ("float32", "bfloat16", "float16")  # on JAX, keras.backend.result_type("float64", float) is float32
PACKAGES = ("jax", "jaxlib", "keras")
COMPILES = True
TOPICS = ("keras", "jax")
