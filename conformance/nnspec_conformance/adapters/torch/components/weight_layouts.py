"""PyTorch's layers on weights that lie as theirs do."""

from __future__ import annotations

from typing import Any

from torch import nn

VARIANTS = {
    "dense-native.kernel": "out-in",
    "convolution-native.kernel": "oihw",
    "lstm-native.packing": "rows-ifgo-two-biases",
    "gru-native.packing": "rows-rzn-two-biases",
}
KNOWN_FAILURES = {
    "duty.sizes[convolution_native]; float32": (
        "F.conv2d of an input without channels, with weights for 3 output channels, has the shape (3, 0, 1, 1), right "
        "is (3, 3, 1, 1) with the bias everywhere; https://github.com/pytorch/pytorch/issues/56998"
    ),
}
RECURRENT_NAMES = {
    "kernel": "weight_ih_l0", "recurrent_kernel": "weight_hh_l0", "bias": "bias_ih_l0", "recurrent_bias": "bias_hh_l0"
}  # fmt: skip


def _loaded(module, names, weights, x):
    """The layer with these weights; PyTorch itself refuses names and shapes that do not fit."""
    module = module.to(x.dtype)
    module.load_state_dict({names.get(name, name): w for name, w in weights.items()})
    return module


def _sizes(weights, name, axes=2):
    """The lengths of a kernel; of one that is missing any, since PyTorch refuses the table."""
    return weights[name].shape if name in weights else (1,) * axes


def dense_native(x, weights):
    out_features, in_features = _sizes(weights, "kernel")
    return _loaded(nn.Linear(in_features, out_features), {"kernel": "weight"}, weights, x)(x)


def convolution_native(x, weights):
    out_features, in_features, *window = _sizes(weights, "kernel", 4)
    size: Any = tuple(window)
    module = _loaded(nn.Conv2d(in_features, out_features, size), {"kernel": "weight"}, weights, x)
    return module(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)


def _recurrent(kind, x, weights):
    module = kind(_sizes(weights, "kernel")[1], _sizes(weights, "recurrent_kernel")[1], batch_first=True)
    return _loaded(module, RECURRENT_NAMES, weights, x)(x)[0]


def lstm_native(x, weights):
    return _recurrent(nn.LSTM, x, weights)


def gru_native(x, weights):
    return _recurrent(nn.GRU, x, weights)
