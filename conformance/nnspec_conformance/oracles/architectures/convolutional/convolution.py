"""Convolution along one or two axes in NumPy, written from the clauses: tap by tap, and as one unrolled matrix.

Every function computes in the dtype that it is handed; the expected values of the suite are computed in float64.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from nnspec_conformance.oracles.sums import summed

PADDINGS = ("valid", "same", "same_lower")


@dataclass(frozen=True)
class Plan:
    """What a call asks for, one number an axis of the window.

    Attributes:
        window: how many taps.
        stride: from one window to the next.
        dilation: from one tap to the next.
        pads: the zeros before and after.
        counts: how many windows.
        groups: of channels that do not meet.
    """

    window: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    pads: tuple[tuple[int, int], ...]
    counts: tuple[int, ...]
    groups: int

    def places(self) -> Iterator[tuple[tuple[int, ...], tuple]]:
        """Every tap, with where the windows read it in the padded input."""
        for tap in np.ndindex(self.window):
            axes = zip(tap, self.dilation, self.stride, self.counts, strict=True)
            read = [slice(a * d, a * d + (n - 1) * s + 1 if n else 0, s) for a, d, s, n in axes]
            yield tap, (slice(None), *read)


def planned(x, kernel, *, padding, pads, stride, dilation, groups, no_window, negative_pads) -> Plan:
    """The plan of a call that is in order.

    Raises:
        ValueError: an array or a keyword does not fit.
    """
    axes = kernel.ndim - 2
    if x.ndim != axes + 2:
        raise ValueError(f"x has shape {x.shape}, expected a batch, {axes} lengths and channels")
    stride, dilation = stride or (1,) * axes, dilation or (1,) * axes
    pads = pads or (0,) * (2 * axes)
    if padding not in PADDINGS:
        raise ValueError(f"no padding {padding!r}")
    if len(stride) != axes or len(dilation) != axes or len(pads) != 2 * axes:
        raise ValueError(f"stride {stride}, dilation {dilation} or pads {pads} do not fit {axes} axes")
    if min(stride) < 1 or min(dilation) < 1:
        raise ValueError(f"stride {stride} and dilation {dilation} must be at least 1")
    if min(pads) < 0 and negative_pads == "refused":
        raise ValueError(f"pads {pads} must not be negative")
    if any(pads) and padding != "valid":
        raise ValueError("pads stand beside the padding valid alone")
    *window, channels, out = kernel.shape
    if groups < 1 or x.shape[-1] != groups * channels or out % groups:
        raise ValueError(f"x of {x.shape[-1]} channels, kernel {kernel.shape} and {groups} groups do not fit")
    pairs, counts = [], []
    for axis, (length, k, s, d) in enumerate(zip(x.shape[1:-1], window, stride, dilation, strict=True)):
        pair = pads[2 * axis], pads[2 * axis + 1]
        reach = d * (k - 1) + 1
        if padding != "valid":
            total = max((int(np.ceil(length / s)) - 1) * s + reach - length, 0)
            pair = (total // 2, total - total // 2) if padding == "same" else (total - total // 2, total // 2)
        pairs.append(pair)
        counts.append(max(0, (length + sum(pair) - reach) // s + 1))
    if 0 in counts and no_window == "refused":
        raise ValueError(f"no window of {tuple(window)} taps fits into x of shape {x.shape}")
    return Plan(tuple(window), tuple(stride), tuple(dilation), tuple(pairs), tuple(counts), groups)


def kept(x, plan):
    """Where the input lies that negative pads do not crop."""
    lengths = zip(x.shape[1:-1], plan.pads, strict=True)
    return slice(None), *(slice(max(0, -before), n - max(0, -after)) for n, (before, after) in lengths)


def zero_padded(x, plan):
    """The input with its zeros; a negative number of them crops."""
    widths = [(max(0, before), max(0, after)) for before, after in plan.pads]
    return np.pad(x[kept(x, plan)], [(0, 0), *widths, (0, 0)])


def grouped(part, groups):
    """The last axis split into groups."""
    return part.reshape(*part.shape[:-1], groups, part.shape[-1] // groups)


def convolved(x, kernel, bias, plan):
    """The sum over taps of what the windows read there, times the kernel's matrix of that tap."""
    padded, y = zero_padded(x, plan), 0.0
    for tap, read in plan.places():
        weights = grouped(kernel[tap], plan.groups)  # [channels, groups, filters]
        y = y + np.einsum("...gc,cgf->...gf", grouped(padded[read], plan.groups), weights)
    y = np.asarray(y).reshape(len(x), *plan.counts, kernel.shape[-1])
    return y if bias is None else y + bias


def pulled_back(x, kernel, cotangents, plan):
    """The gradients for the input and the kernel: each window hands its cotangent back to what it read."""
    padded = zero_padded(x, plan)
    dpadded, dkernel = np.zeros_like(padded), np.zeros_like(kernel)
    g = grouped(cotangents, plan.groups)
    for tap, read in plan.places():
        weights = grouped(kernel[tap], plan.groups)
        dpadded[read] += np.einsum("...gf,cgf->...gc", g, weights).reshape(padded[read].shape)
        dkernel[tap] = np.einsum("ngc,ngf->cgf", *(
            part.reshape(-1, *part.shape[-2:]) for part in (grouped(padded[read], plan.groups), g)
        )).reshape(kernel[tap].shape)  # fmt: skip
    dx, lengths = np.zeros_like(x), zip(padded.shape[1:-1], plan.pads, strict=True)
    inside = (slice(None), *(slice(max(0, before), n - max(0, after)) for n, (before, after) in lengths))
    dx[kept(x, plan)] = dpadded[inside]
    return dx, dkernel


def unrolled(shape, kernel, plan):
    """The matrix that a flattened example is multiplied by, [inputs, outputs]: where windows overlap it repeats itself.

    Args:
        shape: of one example, lengths and channels.
        kernel: the weights.
        plan: how the windows lie.
    """
    matrix = np.zeros((*shape, *plan.counts, kernel.shape[-1]), kernel.dtype)
    inputs, outputs = shape[-1] // plan.groups, kernel.shape[-1] // plan.groups
    for at in np.ndindex(plan.counts):
        for tap in np.ndindex(plan.window):
            axes = zip(at, tap, plan.stride, plan.dilation, plan.pads, strict=True)
            read = tuple(p * s + a * d - before for p, a, s, d, (before, _) in axes)
            if not all(0 <= i < n for i, n in zip(read, shape, strict=False)):
                continue  # a zero that was added
            for group in range(plan.groups):
                rows, columns = (
                    slice(group * inputs, (group + 1) * inputs),
                    slice(group * outputs, (group + 1) * outputs),
                )
                matrix[(*read, rows, *at, columns)] = kernel[tap][:, columns]
    return matrix.reshape(int(np.prod(shape)), -1)


def _plan(x, kernel, bias, given):
    told = {"padding": "valid", "pads": None, "stride": None, "dilation": None, "groups": 1}
    told |= {"no_window": "refused", "negative_pads": "refused"}
    if unknown := given.keys() - told.keys():
        raise ValueError(f"no keyword {sorted(unknown)[0]!r}")
    if bias is not None and bias.shape != kernel.shape[-1:]:
        raise ValueError(f"bias has shape {bias.shape}, expected one number for each of {kernel.shape[-1]} filters")
    return planned(x, kernel, **told | given)


def _convolution(x, kernel, bias, axes, given):
    if kernel.ndim != axes + 2:
        raise ValueError(f"kernel has shape {kernel.shape}, expected {axes} lengths, channels and filters")
    return convolved(x, kernel, bias, _plan(x, kernel, bias, given))


def _convolution_vjp(x, kernel, rest, given, narrow):
    *bias, cotangents = rest
    gradients = pulled_back(x, kernel, cotangents, _plan(x, kernel, None, given))
    return (*gradients, *(over_places(cotangents, narrow) for _ in bias))


def over_places(cotangents, narrow=None):
    """The gradient of a bias: the sum over examples and places, each partial sum rounded to ``narrow`` if given."""
    *places, filters = cotangents.shape
    return summed(cotangents.reshape(math.prod(places), filters), 0, narrow=narrow)


def convolution_1d(x, kernel, bias=None, *, narrow=None, **given):
    return _convolution(x, kernel, bias, 1, given)


def convolution_1d_vjp(x, kernel, *rest, narrow=None, **given):
    return _convolution_vjp(x, kernel, rest, given, narrow)


def convolution_2d(x, kernel, bias=None, *, narrow=None, **given):
    return _convolution(x, kernel, bias, 2, given)


def convolution_2d_vjp(x, kernel, *rest, narrow=None, **given):
    return _convolution_vjp(x, kernel, rest, given, narrow)


def matrix_of(x, kernel, **given):
    """The unrolled matrix of a call."""
    return unrolled(x.shape[1:], kernel, _plan(x, kernel, None, given))
