"""The stock layer, ``nnx.ConvTranspose``: its kernel is flipped, or lies as [window, out, in] and is not."""

from __future__ import annotations

import functools

from flax import nnx

VARIANTS = {
    "transposed-convolution.kernel-order": ("flipped", "adjoint"),
    "transposed-convolution.short-window": "filled",
}
KNOWN_FAILURES = {
    f"duty.broadcasting[{operation}]": (
        "a bias of one entry for 2 filters is added to each of them, right is to refuse it: nnx.merge compares no "
        "shapes and nnx.ConvTranspose broadcasts the bias; "
        "searched 2026-11-27, not found; https://github.com/google/flax/blob/v0.12.8/flax/nnx/nn/linear.py"
    )
    for operation in ("transposed_convolution_1d", "transposed_convolution_2d")
}
DEFAULTS = {"transposed-convolution.default-padding": "same"}


def transposed_convolution_1d(x, kernel, bias=None, **given):
    return _transposed(1, x, kernel, bias, given)


def transposed_convolution_2d(x, kernel, bias=None, **given):
    return _transposed(2, x, kernel, bias, given)


def _transposed(axes, x, kernel, bias, given):
    if "pads" in given or "output_padding" in given:
        raise NotImplementedError("pads stand before and behind the input, not the output")
    names = {"stride": "strides", "dilation": "kernel_dilation"}
    named = {names.get(name, name): value for name, value in given.items() if name != "kernel_order"}
    if "padding" in named:
        named["padding"] = named["padding"].upper()
    if given.get("kernel_order") == "adjoint":
        named["transpose_kernel"], kernel = True, kernel.swapaxes(-1, -2)
    state = {"kernel": nnx.Param(kernel)} | ({} if bias is None else {"bias": nnx.Param(bias)})
    layer = _layer(axes, tuple(kernel.shape), bias is not None, tuple(sorted(named.items())))
    return nnx.merge(layer, nnx.State(state))(x)


@functools.cache
def _layer(axes, shape, use_bias, named):
    """The structure of a layer; its weights are handed over."""
    given = dict(named)
    channels, filters = shape[-2:][::-1] if given.get("transpose_kernel") else shape[-2:]

    def make():
        return nnx.ConvTranspose(channels, filters, shape[:axes], use_bias=use_bias, rngs=nnx.Rngs(0), **given)

    return nnx.split(nnx.eval_shape(make))[0]
