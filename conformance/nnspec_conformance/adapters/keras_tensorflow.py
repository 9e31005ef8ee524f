"""Keras 3 on TensorFlow."""

from __future__ import annotations

import os

os.environ["KERAS_BACKEND"] = "tensorflow"  # read when Keras is imported, once a process

from nnspec_conformance.adapters import _keras, _tensorflow
from nnspec_conformance.adapters._keras import *  # noqa: F403  the thirteen functions, the same on every backend

_keras.require("tensorflow")

NAME = "keras_tensorflow"
VERSION = _keras.VERSION
DTYPES = ("float32", "float64", "bfloat16", "float16")
VARIANTS = {
    "gelu.form": ("exact", "tanh"),
    "activation.subnormals": "flushed",  # TensorFlow sets flush-to-zero and denormals-are-zero in its threads
}
DEFAULTS = {"gelu.default-form": "exact", "leaky-relu.negative-slope": 0.2}
KNOWN_FAILURES = {}

asarray, to_numpy, vjp = _tensorflow.asarray, _tensorflow.to_numpy, _tensorflow.vjp
