"""The reference's transposed convolutions; they have no default padding."""

from __future__ import annotations

from nnspec.architectures.convolutional import transposed_convolution


def transposed_convolution_1d(*arrays, **given):
    return _padded(transposed_convolution.transposed_convolution_1d, arrays, given)


def transposed_convolution_2d(*arrays, **given):
    return _padded(transposed_convolution.transposed_convolution_2d, arrays, given)


def _padded(f, arrays, given):
    if "padding" not in given:
        raise NotImplementedError("the reference has no default padding")
    return f(*arrays, **given)
