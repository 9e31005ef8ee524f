"""The activation functions of ``jax.nn``."""

from __future__ import annotations

import jax

VARIANTS = {"gelu.form": ("exact", "tanh")}
DEFAULTS = {"gelu.default-form": "tanh"}

identity = jax.nn.identity
relu = jax.nn.relu
leaky_relu = jax.nn.leaky_relu
elu = jax.nn.elu
selu = jax.nn.selu
sigmoid = jax.nn.sigmoid
tanh = jax.nn.tanh
softplus = jax.nn.softplus
silu = jax.nn.silu
hard_sigmoid = jax.nn.hard_sigmoid
softmax = jax.nn.softmax
log_softmax = jax.nn.log_softmax


def gelu(x, **given):
    if "form" in given:
        given["approximate"] = {"exact": False, "tanh": True}[given.pop("form")]
    return jax.nn.gelu(x, **given)
