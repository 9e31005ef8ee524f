"""Convolutions that let a wrong call through; each caught by the clause that it names."""

from __future__ import annotations

import numpy as np

from nnspec_conformance.mutant import Mutants
from nnspec_conformance.oracles.architectures.convolutional import convolution as oracle

MUTANTS = Mutants()


@MUTANTS.each("channels repeated or cut off until they fit", "convolution.channel-error")
def makes_the_channels_fit(f, x, kernel, *rest, **given):
    channels = given.get("groups", 1) * kernel.shape[-2]
    if x.shape[-1] == channels or x.ndim != kernel.ndim:
        return f(x, kernel, *rest, **given)
    index = np.arange(channels) % x.shape[-1] if channels > 1 else [0]
    return f(x[..., index], kernel, *rest, **given)


@MUTANTS.each("integer division: what is left over belongs to no group", "convolution.groups-error")
def cuts_off_what_is_in_no_group(f, x, kernel, *bias, **given):
    groups = given.get("groups", 1)
    channels, filters = x.shape[-1] // groups, kernel.shape[-1] // groups * groups
    return f(x[..., : channels * groups], kernel[..., :channels, :filters], *(b[:filters] for b in bias), **given)


@MUTANTS.each("a stride below 1 counts as 1", "convolution.stride-error")
def takes_any_stride(f, *arrays, **given):
    return f(*arrays, **given | {"stride": tuple(max(1, s) for s in given["stride"])} if "stride" in given else given)


@MUTANTS.each("a dilation below 1 counts as 1", "convolution.dilation-error")
def takes_any_dilation(f, *arrays, **given):
    more = {"dilation": tuple(max(1, d) for d in given["dilation"])} if "dilation" in given else {}
    return f(*arrays, **given | more)


@MUTANTS.each("missing numbers are repeated, superfluous ones not looked at", "convolution.pads-error")
def makes_the_pads_fit(f, x, kernel, *bias, **given):
    more = {"pads": tuple(int(p) for p in np.resize(given["pads"], 2 * (kernel.ndim - 2)))} if given.get("pads") else {}
    return f(x, kernel, *bias, **given | more)


@MUTANTS.each("whatever is no known name pads nothing", "convolution.padding-name")
def takes_any_name_for_valid(f, *arrays, **given):
    known = given.get("padding", "valid") in oracle.PADDINGS
    return f(*arrays, **given if known else given | {"padding": "valid"})


@MUTANTS.each("the axis that is missing is added", "convolution.missing-axis")
def adds_a_missing_axis(f, x, kernel, *bias, **given):
    return f(x if x.ndim == kernel.ndim else x[..., None], kernel, *bias, **given)
