"""``nnx.BatchNorm``, called with its weights and its running statistics."""

from __future__ import annotations

import functools

import jax.numpy as jnp
from flax import nnx

VARIANTS = {"batch-norm-update.variance": "biased"}
DEFAULTS = {"batch-norm-update.default-decay": 0.99}


def batch_norm(x, scale=None, bias=None, **given):
    mean = jnp.zeros(x.shape[-1:], x.dtype)
    return _called(x, mean, mean + 1, scale, bias, False, given)[0]


def batch_norm_eval(x, mean, variance, scale=None, bias=None, **given):
    return _called(x, mean, variance, scale, bias, True, given)[0]


def batch_norm_update(x, mean, variance, **given):
    layer = _called(x, mean, variance, None, None, False, given)[1]
    return layer.mean[...], layer.var[...]


def _called(x, mean, variance, scale, bias, running, given):
    named = {"momentum" if name == "decay" else name: value for name, value in given.items()}
    named |= {"use_running_average": running, "use_scale": scale is not None, "use_bias": bias is not None}
    weights = {name: nnx.Param(w) for name, w in (("scale", scale), ("bias", bias)) if w is not None}
    statistics = {"mean": nnx.BatchStat(mean), "var": nnx.BatchStat(variance)}
    layer = nnx.merge(_structure(x.shape[-1], tuple(named.items())), nnx.State(weights | statistics))
    return layer(x), layer


@functools.cache
def _structure(features, given):
    return nnx.split(nnx.eval_shape(lambda: nnx.BatchNorm(features, rngs=nnx.Rngs(0), **dict(given))))[0]
