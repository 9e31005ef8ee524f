"""Keras 3 on PyTorch."""

from __future__ import annotations

import os

os.environ["KERAS_BACKEND"] = "torch"  # read when Keras is imported, once a process

from nnspec_conformance.adapters import _keras, _torch
from nnspec_conformance.adapters._keras import *  # noqa: F403  the thirteen functions, the same on every backend

_keras.require("torch")

NAME = "keras_torch"
VERSION = _keras.VERSION
DTYPES = ("float32", "float64", "bfloat16", "float16")
VARIANTS = {
    "gelu.form": ("exact", "tanh"),
    "activation.subnormals[sigmoid]": "flushed",  # 1 / (1 + exp(-x)): exp(89) overflows in float32
    "activation.subnormals[silu]": "flushed",  # x / (1 + exp(-x)), likewise
    "parameter-count.gru": ("two", "one"),  # reset_after and not
    "lstm-native.packing": "columns-ifgo",
    "gru-native.packing": "columns-zrn-two-biases",
}
DEFAULTS = {"gelu.default-form": "exact", "leaky-relu.negative-slope": 0.2}
KNOWN_FAILURES = (
    _torch.KNOWN_FAILURES
    | _keras.KNOWN_FAILURES
    | dict.fromkeys(
        [f"{name}.{part}" for name in ("dense", "mlp", "neuron") for part in ("value", "gradient")]
        + ["dense-native.kernel", "forward.composition", "forward.gradient"],
        "Dense(dtype='float64') on float64 has the precision of float32, off by 1e-7: on PyTorch keras.ops.matmul of "
        "two float64 arrays is done in float32, as result_type says; https://github.com/keras-team/keras/issues/23704",
    )
)

asarray, to_numpy, vjp = _torch.asarray, _torch.to_numpy, _torch.vjp
