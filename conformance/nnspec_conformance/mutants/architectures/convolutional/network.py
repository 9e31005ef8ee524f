"""Wrong ways to make features of feature maps, each met in the wild, each caught by the clause that it names."""

from __future__ import annotations

import numpy as np

from nnspec_conformance.mutant import ORACLE as right
from nnspec_conformance.mutant import Mutants

MUTANTS = Mutants(straight=["flatten_features"])
ORDER = "network.flatten-order[flatten_features]"


@MUTANTS.add("images read as [width, height]", ORDER)
def takes_columns_for_rows(x, **given):
    return right.flatten_features(x.swapaxes(1, 2), **given)


@MUTANTS.add("reshape in the order of Fortran and MATLAB, where the first axis runs fastest", ORDER)
def flattens_in_the_order_of_fortran(x, **given):
    return x.reshape(len(x), -1, order="F")


@MUTANTS.add("a view of memory in the order in which it happens to lie", ORDER)
def interleaves_places_and_channels(x, **given):
    b, h, w, c = x.shape
    return right.flatten_features(x.reshape(b, h * w, c).swapaxes(1, 2).reshape(b, w, h, c), **given)


@MUTANTS.add("the rows of a picture from the bottom up, as in a bitmap file", ORDER)
def starts_with_the_last_row(x, **given):
    return right.flatten_features(x[:, ::-1], **given)


@MUTANTS.add("channels as blue, green, red, as OpenCV has them", ORDER)
def starts_with_the_last_channel(x, **given):
    return right.flatten_features(x[..., ::-1], **given)


@MUTANTS.add("the batch is the last axis of the memory: images are mixed, and the shape is right", ORDER)
def mixes_the_images(x, **given):
    return np.moveaxis(x, 0, -1).reshape(len(x), -1)


@MUTANTS.add("forward transposes, and the backward pass forgets to", ORDER, part="_vjp")
def puts_cotangents_back_by_columns(x, cotangents, **given):
    b, h, w, c = x.shape
    (dx,) = right.flatten_features_vjp(x.reshape(b, w, h, c), cotangents, **given)
    return (dx.swapaxes(1, 2),)
