"""Keras 3 on PyTorch."""

from __future__ import annotations

import os

os.environ["KERAS_BACKEND"] = "torch"  # read when Keras is imported, once a process

from nnspec_conformance.adapters.keras.backend import VERSION, require
from nnspec_conformance.adapters.keras_torch.numbers import KNOWN_FAILURES
from nnspec_conformance.adapters.torch.transport import LAYOUTS, STEPS, asarray, to_numpy, vjp

require("torch")

NAME = "keras_torch"
DTYPES = ("float32", "float64", "bfloat16", "float16")
PACKAGES = ("torch", "keras")
TOPICS = ("keras",)
