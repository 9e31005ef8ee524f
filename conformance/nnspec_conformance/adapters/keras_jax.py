"""Keras 3 on JAX."""

from __future__ import annotations

import os

os.environ["KERAS_BACKEND"] = "jax"  # read when Keras is imported, once a process

import jax

from nnspec_conformance.adapters import _jax, _keras
from nnspec_conformance.adapters._keras import *  # noqa: F403  the thirteen functions, the same on every backend

_keras.require("jax")

NAME = "keras_jax"
VERSION = _keras.VERSION
DTYPES = ("float32", "bfloat16", "float16")  # on JAX, keras.backend.result_type("float64", float) is float32
VARIANTS = {
    "gelu.form": ("exact", "tanh"),
    "activation.subnormals": "flushed",  # XLA on CPU runs with flush-to-zero and denormals-are-zero set
    "activation.subnormals[tanh]": "kept",  # small input is handed through
    "leaky-relu.gradient-at-zero": "one",
    "parameter-count.gru": ("two", "one"),  # reset_after and not
    "lstm-native.packing": "columns-ifgo",
    "gru-native.packing": "columns-zrn-two-biases",
}
DEFAULTS = {"gelu.default-form": "exact", "leaky-relu.negative-slope": 0.2}
KNOWN_FAILURES = _jax.KNOWN_FAILURES | _keras.KNOWN_FAILURES

asarray, to_numpy, context, vjp = _jax.asarray, _jax.to_numpy, _jax.context, _jax.vjp

forward = jax.jit(_keras.forward, static_argnames="activation")  # one program instead of one for each step
