"""Stock layers, ``nnx.Conv`` and ``nnx.Linear``, and the poolings of Flax; features are reshaped maps."""

from __future__ import annotations

import functools

import jax
from flax import nnx

VARIANTS = {"network.flatten-order": "hwc", "network.strided-zeros": "end"}
PHI = {"tanh": jax.nn.tanh, "relu": jax.nn.relu}
POOL = {"average": nnx.avg_pool, "max": nnx.max_pool}


def flatten_features(x):
    return x.reshape(len(x), -1)


@functools.partial(jax.jit, static_argnames=("activation", "pooling"))  # one program instead of one for each step
def lenet(x, weights, *, activation, pooling):
    phi, pool = PHI[activation], functools.partial(POOL[pooling], window_shape=(2, 2), strides=(2, 2))
    conv = functools.partial(_conv, weights)
    values = {}
    values["maps_0"] = m = phi(conv("kernel_0")(x))
    values["pooled_0"] = p = pool(m)
    values["maps_1"] = m = phi(conv("kernel_1")(p))
    values["pooled_1"] = p = pool(m)
    values["features"] = f = p.reshape(len(p), -1)
    values["hidden"] = h = phi(_linear(weights, "kernel_2")(f))
    values["output"] = _linear(weights, "kernel_3")(h)
    _refuse_other_names(weights, 4)
    return values


@functools.partial(jax.jit, static_argnames="activation")
def residual_network(x, weights, *, activation):
    phi, conv = PHI[activation], functools.partial(_conv, weights)
    values = {}
    values["maps"] = a = phi(conv("kernel_0")(x))
    values["block_0"] = a = phi(conv("kernel_2")(phi(conv("kernel_1")(a))) + a)
    inner = conv("kernel_4")(phi(conv("kernel_3", stride=2)(a)))
    values["block_1"] = a = phi(inner + conv("shortcut_kernel", stride=2)(a))
    values["pooled"] = p = nnx.avg_pool(a, a.shape[1:3]).reshape(len(a), -1)
    values["output"] = _linear(weights, "kernel_5")(p)
    _refuse_other_names(weights, 7)
    return values


def _refuse_other_names(weights, layers):
    """A module has the parameters that it was built with, and no others."""
    if len(weights) != 2 * layers:
        raise ValueError(f"{len(weights)} arrays for {layers} layers")


def _conv(weights, name, stride=1):
    kernel = weights[name]
    layer = _structure("conv", tuple(kernel.shape), stride)
    return nnx.merge(layer, _state(kernel, weights[name.replace("kernel", "bias")]))


def _linear(weights, name):
    kernel = weights[name]
    return nnx.merge(_structure("linear", tuple(kernel.shape)), _state(kernel, weights[name.replace("kernel", "bias")]))


def _state(kernel, bias):
    return nnx.State({"kernel": nnx.Param(kernel), "bias": nnx.Param(bias)})


@functools.cache
def _structure(kind, shape, stride=1):
    """The structure of a layer, without drawing its first weights; Flax pads as SAME where nothing is said."""

    def make():
        if kind == "linear":
            return nnx.Linear(*shape, rngs=nnx.Rngs(0))
        return nnx.Conv(shape[-2], shape[-1], shape[:2], strides=stride, rngs=nnx.Rngs(0))

    return nnx.split(nnx.eval_shape(make))[0]
