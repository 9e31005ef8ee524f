"""PyTorch: ``torch.nn.functional`` and, where that hands on to ``torch``, ``torch`` itself."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from nnspec_conformance.adapters import _torch
from nnspec_conformance.adapters._weights_torch import (
    convolution_native,
    dense_native,
    gru_native,
    lstm_native,
    parameter_count,
)

NAME = "torch"
VERSION = torch.__version__
DTYPES = ("float32", "float64", "bfloat16", "float16")
VARIANTS = {
    "gelu.form": ("exact", "tanh"),
    "activation.subnormals[sigmoid]": "flushed",  # 1 / (1 + exp(-x)): exp(89) overflows in float32
    "activation.subnormals[silu]": "flushed",  # x / (1 + exp(-x)), likewise
    "parameter-count.rnn": "two",
    "parameter-count.lstm": "two",
    "parameter-count.gru": "two",
    "dense-native.kernel": "out-in",
    "convolution-native.kernel": "oihw",
    "lstm-native.packing": "rows-ifgo-two-biases",
    "gru-native.packing": "rows-rzn-two-biases",
}
DEFAULTS = {
    "gelu.default-form": "exact",
    "softmax.default-axis": 0,  # of three axes; of two it is 1, and PyTorch warns that it guesses
}
KNOWN_FAILURES = _torch.KNOWN_FAILURES

asarray, to_numpy, vjp = _torch.asarray, _torch.to_numpy, _torch.vjp

identity = torch.nn.Identity()
relu = F.relu
leaky_relu = F.leaky_relu
elu = F.elu
selu = F.selu
sigmoid = torch.sigmoid
tanh = torch.tanh
softplus = F.softplus
silu = F.silu
hard_sigmoid = F.hardsigmoid


def gelu(x, **given):
    if "form" in given:
        given["approximate"] = {"exact": "none", "tanh": "tanh"}[given.pop("form")]
    return F.gelu(x, **given)


def softmax(x, **given):
    return F.softmax(x, **_axis_as_dim(given))


def log_softmax(x, **given):
    return F.log_softmax(x, **_axis_as_dim(given))


def _axis_as_dim(given):
    return {"dim" if name == "axis" else name: value for name, value in given.items()}
