"""Transposed convolution along one or two axes in NumPy, written from the clauses: each input spreads the kernel.

Every function computes in the dtype that it is handed; the expected values of the suite are computed in float64.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from nnspec_conformance.oracles.architectures.convolutional.convolution import over_places


@dataclass(frozen=True)
class Plan:
    """What a call asks for, one number an axis of the window.

    Attributes:
        window: how many taps.
        stride: from what one input spreads to what the next one does.
        dilation: from one tap to the next.
        starts: how much is cropped before the output.
        counts: of the inputs.
        full: the lengths before anything is cropped or added.
        lengths: of the output.
    """

    window: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    starts: tuple[int, ...]
    counts: tuple[int, ...]
    full: tuple[int, ...]
    lengths: tuple[int, ...]

    def places(self) -> Iterator[tuple[tuple[int, ...], tuple]]:
        """Every tap, with where the inputs put it."""
        for tap in np.ndindex(self.window):
            axes = zip(tap, self.dilation, self.stride, self.counts, strict=True)
            yield tap, (slice(None), *(slice(a * d, a * d + (n - 1) * s + 1, s) for a, d, s, n in axes))


def planned(x, kernel, *, padding, pads, stride, dilation, output_padding, short_window) -> Plan:
    """The plan of a call that is in order.

    Raises:
        ValueError: an array or a keyword does not fit.
    """
    axes = kernel.ndim - 2
    if x.ndim != axes + 2 or x.shape[-1] != kernel.shape[-2]:
        raise ValueError(f"x {x.shape} does not fit the kernel {kernel.shape}")
    stride, dilation, more = stride or (1,) * axes, dilation or (1,) * axes, output_padding or (0,) * axes
    pads = pads or (0,) * (2 * axes)
    if padding not in ("valid", "same") or (padding == "same" and (any(pads) or any(more))):
        raise ValueError(f"padding {padding!r} with pads {pads} and output padding {more}")
    if {len(stride), len(dilation), len(more)} != {axes} or len(pads) != 2 * axes:
        raise ValueError(f"stride {stride}, dilation {dilation}, {more} or pads {pads} do not fit {axes} axes")
    if min(stride) < 1 or min(dilation) < 1 or min(pads) < 0 or min(more) < 0:
        raise ValueError(f"stride {stride}, dilation {dilation}, pads {pads} or output padding {more} is too small")
    if any(r >= s for r, s in zip(more, stride, strict=True)):
        raise ValueError(f"output padding {more} is not below the stride {stride}")
    window, counts = kernel.shape[:-2], x.shape[1:-1]
    if 0 in (*window, *counts):
        raise ValueError(f"nothing is spread: {counts} inputs, {window} taps")
    reaches = [d * (k - 1) + 1 for k, d in zip(window, dilation, strict=True)]
    full = tuple((n - 1) * s + e for n, s, e in zip(counts, stride, reaches, strict=True))
    if padding == "same":
        starts = tuple(max(e - s, 0) // 2 for e, s in zip(reaches, stride, strict=True))
        lengths = tuple(n * s for n, s in zip(counts, stride, strict=True))
    else:
        longest = [max(e, s) - e if short_window == "filled" else 0 for e, s in zip(reaches, stride, strict=True)]
        starts = pads[::2]
        ends = zip(full, starts, pads[1::2], more, longest, strict=True)
        lengths = tuple(f - p - q + r + z for f, p, q, r, z in ends)
    if min(lengths) < 1:
        raise ValueError(f"pads {pads} crop everything")
    return Plan(window, tuple(stride), tuple(dilation), starts, counts, full, lengths)


def cropped(full, plan):
    """What is handed out of the full result; what lies behind it is zero."""
    ends = zip(plan.starts, plan.lengths, plan.full, strict=True)
    behind = [(0, max(0, p + n - f)) for p, n, f in ends]
    read = (slice(None), *(slice(p, p + n) for p, n in zip(plan.starts, plan.lengths, strict=True)))
    return np.pad(full, [(0, 0), *behind, (0, 0)])[read]


def spread(x, kernel, plan):
    """Every input, times the kernel, put where its window lies, and added."""
    full = np.zeros((len(x), *plan.full, kernel.shape[-1]), np.result_type(x, kernel))
    for tap, put in plan.places():
        full[put] += x @ kernel[tap]
    return cropped(full, plan)


def pulled_back(x, kernel, cotangents, plan):
    """The gradients for the input and the kernel: a convolution of the cotangents, and a sum over places."""
    full = np.zeros((len(x), *plan.full, kernel.shape[-1]), cotangents.dtype)
    inside = [(p, min(n, f - p)) for p, n, f in zip(plan.starts, plan.lengths, plan.full, strict=True)]
    full[:, *(slice(p, p + n) for p, n in inside)] = cotangents[:, *(slice(None, n) for _, n in inside)]
    dx, dkernel, rows = np.zeros_like(x), np.zeros_like(kernel), x.reshape(-1, x.shape[-1])
    for tap, put in plan.places():
        g = full[put].reshape(len(rows), kernel.shape[-1])  # a copy in one piece: NumPy has no fast product for others
        dx += (g @ kernel[tap].T).reshape(x.shape)
        dkernel[tap] = rows.T @ g
    return dx, dkernel


def _plan(x, kernel, bias, given):
    told = {"padding": "valid", "pads": None, "stride": None, "dilation": None, "output_padding": None}
    told |= {"kernel_order": "adjoint", "short_window": "gaps"}
    if unknown := given.keys() - told.keys():
        raise ValueError(f"no keyword {sorted(unknown)[0]!r}")
    if bias is not None and bias.shape != kernel.shape[-1:]:
        raise ValueError(f"bias has shape {bias.shape}, expected one number for each of {kernel.shape[-1]} filters")
    told |= given
    order = told.pop("kernel_order")
    return planned(x, kernel, **told), order == "flipped"


def _turned(kernel, flipped):
    return np.flip(kernel, tuple(range(kernel.ndim - 2))) if flipped else kernel


def _transposed(x, kernel, bias, axes, given):
    if kernel.ndim != axes + 2:
        raise ValueError(f"kernel has shape {kernel.shape}, expected {axes} lengths, channels and filters")
    plan, flipped = _plan(x, kernel, bias, given)
    y = spread(x, _turned(kernel, flipped), plan)
    return y if bias is None else y + bias


def _transposed_vjp(x, kernel, rest, given, narrow):
    *bias, cotangents = rest
    plan, flipped = _plan(x, kernel, None, given)
    dx, dkernel = pulled_back(x, _turned(kernel, flipped), cotangents, plan)
    return (dx, _turned(dkernel, flipped), *(over_places(cotangents, narrow) for _ in bias))


def transposed_convolution_1d(x, kernel, bias=None, *, narrow=None, **given):
    return _transposed(x, kernel, bias, 1, given)


def transposed_convolution_1d_vjp(x, kernel, *rest, narrow=None, **given):
    return _transposed_vjp(x, kernel, rest, given, narrow)


def transposed_convolution_2d(x, kernel, bias=None, *, narrow=None, **given):
    return _transposed(x, kernel, bias, 2, given)


def transposed_convolution_2d_vjp(x, kernel, *rest, narrow=None, **given):
    return _transposed_vjp(x, kernel, rest, given, narrow)


def overlaps(length, taps, stride, dilation):
    """How many inputs reach each place of the full output: with these numbers a checkerboard is drawn."""
    count = np.zeros((length - 1) * stride + dilation * (taps - 1) + 1, int)
    for a in range(taps):
        count[a * dilation : a * dilation + (length - 1) * stride + 1 : stride] += 1
    return count


def inside(length, taps, stride, dilation):
    """The counts of the places between the ends: those that all taps of a longer input would reach as well."""
    return overlaps(length, taps, stride, dilation)[dilation * (taps - 1) : (length - 1) * stride + 1]


def is_even(length, taps, stride, dilation):
    """Whether all places between the ends are reached equally often; where there is none, they are."""
    return len(set(inside(length, taps, stride, dilation).tolist())) <= 1


def is_even_for_long(taps, stride, dilation):
    """The same where at least as many places as the stride lie between the ends, without counting."""
    return taps % stride == 0 and math.gcd(dilation, stride) == 1
