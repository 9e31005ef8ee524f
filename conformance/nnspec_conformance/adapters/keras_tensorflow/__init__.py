"""Keras 3 on TensorFlow."""

from __future__ import annotations

import os

os.environ["KERAS_BACKEND"] = "tensorflow"  # read when Keras is imported, once a process

from nnspec_conformance.adapters.keras.backend import VERSION, require
from nnspec_conformance.adapters.keras_tensorflow.numbers import KNOWN_FAILURES
from nnspec_conformance.adapters.keras_tensorflow.transport import STEPS, SUBNORMALS, asarray, to_numpy, vjp

require("tensorflow")

NAME = "keras_tensorflow"
DTYPES = ("float32", "float64", "bfloat16", "float16")
PACKAGES = ("keras", "tensorflow")
TOPICS = ("keras",)
