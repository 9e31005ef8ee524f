"""The reference's converters. The layers that its own topics do not have yet are a few lines of JAX here."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from nnspec.components import activations, weight_layouts
from nnspec_conformance import clauses

VARIANTS = clauses.own_spec().told(
    "components/weight_layouts"
) | {  # of the layouts those that the frameworks below have
    "convolution-native.kernel": ("hwio", "oihw"),
    "lstm-native.packing": ("by-gate", "columns-ifgo", "rows-ifgo-two-biases"),
    "lstm-native.forget-gate": "bias-alone",
    "gru-native.packing": ("by-gate", "columns-rzn", "columns-zrn-two-biases", "rows-rzn-two-biases"),
    "gru-native.reset": "after",
    "gru-native.update": "keeps",
}
FRAMEWORKS: dict[str, Any] = {
    "in-out": "keras", "out-in": "torch", "hwio": "keras", "oihw": "torch", "columns-ifgo": "keras",
    "rows-ifgo-two-biases": "torch", "columns-rzn": "flax", "columns-zrn-two-biases": "keras",
    "rows-rzn-two-biases": "torch",
}  # fmt: skip


def _exchange(weights, layer, reading):
    """The exchange table, by the converter of a framework that has this layout.

    Under NumPy, which compiles nothing, unless a gradient is taken.
    """
    traced = any(isinstance(w, Tracer) for w in weights.values())
    table = {name: w if traced else np.asarray(w) for name, w in weights.items()}
    if reading == "by-gate":
        if lacking := weight_layouts.EXCHANGE[layer].keys() - table.keys():  # a converter would put zeros there
            raise ValueError(f"{layer} lacks {', '.join(sorted(lacking))}")
        return weight_layouts.to_exchange(
            weight_layouts.from_exchange(table, layer=layer, framework="torch"), layer=layer, framework="torch"
        )
    framework = FRAMEWORKS[reading]
    if (layer, framework) in weight_layouts.PACKINGS:
        packing = weight_layouts.PACKINGS[layer, framework]
        if packing.stacked:
            table["bias"] = (jnp if traced else np).stack([table["bias"], table.pop("recurrent_bias")])
        names = dict(zip(("kernel", "recurrent_kernel", "bias", "recurrent_bias"), packing.names, strict=False))
    else:
        names = weight_layouts.NAMES[framework][layer]
    native = {names.get(name, name): w for name, w in table.items()}
    return weight_layouts.to_exchange(native, layer=layer, framework=framework)


def dense_native(x, weights, *, kernel):
    table = _exchange(weights, "dense", kernel)
    return _dense(x, table["kernel"], table["bias"])


def convolution_native(x, weights, *, kernel):
    table = _exchange(weights, "convolution", kernel)
    return _convolution(x, table["kernel"], table["bias"])


def lstm_native(x, weights, *, packing):
    return _lstm(x, _exchange(weights, "lstm", packing))


def gru_native(x, weights, *, packing):
    table = _exchange(weights, "gru", packing)
    zeros = np.zeros(table["bias_n"].shape, table["bias_n"].dtype)
    return _gru(x, {"recurrent_bias_n": zeros} | table)


@jax.jit
def _dense(x, kernel, bias):
    return jnp.dot(x, kernel) + bias


@jax.jit
def _convolution(x, kernel, bias):
    height, width = kernel.shape[:2]
    rows, columns = x.shape[1] - height + 1, x.shape[2] - width + 1
    x = x[:, np.add.outer(np.arange(rows), np.arange(height))]  # [batch, rows, height, all columns, in]
    x = x[:, :, :, np.add.outer(np.arange(columns), np.arange(width))]  # [batch, rows, height, columns, width, in]
    if x.shape[-1] != kernel.shape[2]:  # einsum would broadcast one channel to all
        raise ValueError(f"x has {x.shape[-1]} channels, the kernel {kernel.shape[2]}")
    return jnp.einsum("nrhcwi,hwio->nrco", x, kernel) + bias


@jax.jit
def _lstm(x, w):
    sigmoid, tanh = activations.sigmoid, activations.tanh

    def step(carry, x):
        h, c = carry
        i, f, g, o = (x @ w[f"kernel_{k}"] + h @ w[f"recurrent_kernel_{k}"] + w[f"bias_{k}"] for k in "ifgo")
        c = sigmoid(f) * c + sigmoid(i) * tanh(g)
        h = sigmoid(o) * tanh(c)
        return (h, c), h

    start = jnp.zeros((len(x), w["bias_i"].size), x.dtype)
    return jax.lax.scan(step, (start, start), x.swapaxes(0, 1))[1].swapaxes(0, 1)


@jax.jit
def _gru(x, w):
    sigmoid, tanh = activations.sigmoid, activations.tanh

    def step(h, x):
        r, z = (sigmoid(x @ w[f"kernel_{k}"] + h @ w[f"recurrent_kernel_{k}"] + w[f"bias_{k}"]) for k in "rz")
        product = h @ w["recurrent_kernel_n"] + w["recurrent_bias_n"]
        n = tanh(x @ w["kernel_n"] + w["bias_n"] + r * product)
        h = (1 - z) * n + z * h
        return h, h

    start = jnp.zeros((len(x), w["bias_n"].size), x.dtype)
    return jax.lax.scan(step, start, x.swapaxes(0, 1))[1].swapaxes(0, 1)
