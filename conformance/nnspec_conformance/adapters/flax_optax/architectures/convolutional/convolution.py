"""The stock layer, ``nnx.Conv``."""

from __future__ import annotations

import functools

from flax import nnx

VARIANTS = {"convolution.no-window": "empty", "convolution.negative-pads": "crops"}
KNOWN_FAILURES = {
    f"duty.broadcasting[{operation}]": (
        "a bias of one entry is added to every filter, right is to refuse it: nnx.merge compares no "
        "shapes and nnx.Conv broadcasts the bias; "
        "searched 2026-11-27, not found; https://github.com/google/flax/blob/v0.12.8/flax/nnx/nn/linear.py"
    )
    for operation in ("convolution_1d", "convolution_2d")
}
DEFAULTS = {"convolution.default-padding": "same"}


def convolution_1d(x, kernel, bias=None, **given):
    return _convolution(1, x, kernel, bias, given)


def convolution_2d(x, kernel, bias=None, **given):
    return _convolution(2, x, kernel, bias, given)


def _convolution(axes, x, kernel, bias, given):
    names = {"stride": "strides", "dilation": "kernel_dilation", "groups": "feature_group_count"}
    named = {names.get(name, name): value for name, value in given.items() if name != "pads"}
    if "pads" in given:
        pads = given["pads"]
        named["padding"] = tuple(tuple(pads[i : i + 2]) for i in range(0, len(pads), 2))
    elif "padding" in named:
        named["padding"] = named["padding"].upper()
    state = {"kernel": nnx.Param(kernel)} | ({} if bias is None else {"bias": nnx.Param(bias)})
    layer = _layer(axes, tuple(kernel.shape), bias is not None, tuple(sorted(named.items())))
    return nnx.merge(layer, nnx.State(state))(x)


@functools.cache
def _layer(axes, shape, use_bias, named):
    """The structure of a layer; its weights are handed over."""
    given = dict(named)
    channels = shape[-2] * given.get("feature_group_count", 1)

    def make():
        return nnx.Conv(channels, shape[-1], shape[:axes], use_bias=use_bias, rngs=nnx.Rngs(0), **given)

    return nnx.split(nnx.eval_shape(make))[0]
