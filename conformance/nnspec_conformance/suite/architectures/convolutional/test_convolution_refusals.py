"""Tests of architectures/convolutional/convolution: what must be refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from nnspec_conformance.cases import ErrorCase, clause, refusal
from nnspec_conformance.errors import Refused
from nnspec_conformance.inputs import normal_draws
from nnspec_conformance.suite.architectures.convolutional.test_convolution import arrays

VALID = {"padding": "valid"}


def given(operation: str, channels: int = 4, filters: int = 6, groups: int = 1) -> tuple:
    """An input, a kernel and a bias that fit."""
    lengths, window = ((8,), (3,)) if operation == "convolution_1d" else ((8, 7), (3, 2))
    return arrays((2, *lengths, channels), (*window, channels // groups, filters))


def each_axis(operation: str, *numbers: int) -> tuple[int, ...]:
    """A keyword of one number, or of several, for each axis of the operation's window."""
    return numbers * (1 if operation == "convolution_1d" else 2)


@clause("convolution.channel-error")
def test_channels(operation: str) -> Iterator[ErrorCase]:
    x, kernel, bias = right = given(operation)
    for n in (3, 5, 1):
        wrong = normal_draws(31, (*x.shape[:-1], n))
        yield refusal(operation, wrong, kernel, bias, **VALID, valid=right, note=f"{n} channels for a kernel of 4")
    narrow = normal_draws(32, (*kernel.shape[:-2], 1, 6))
    yield refusal(operation, x, narrow, bias, **VALID, valid=right, note="a kernel of one channel, repeated for each")


@clause("convolution.groups-error")
def test_groups(operation: str) -> Iterator[ErrorCase]:
    x, kernel, bias = right = given(operation, groups=2)
    told = VALID | {"groups": 2}
    odd = normal_draws(33, (*kernel.shape[:-1], 5))
    yield refusal(operation, x, odd, bias[:5], **told, valid=right, note="5 filters in 2 groups")
    yield refusal(operation, x[..., :3], kernel, bias, **told, valid=right, note="3 channels in 2 groups")


@clause("convolution.stride-error")
def test_stride(operation: str) -> Iterator[ErrorCase]:
    yield from _numbers(operation, "stride")


@clause("convolution.dilation-error")
def test_dilation(operation: str) -> Iterator[ErrorCase]:
    yield from _numbers(operation, "dilation")


def _numbers(operation: str, keyword: str) -> Iterator[ErrorCase]:
    for number in (0, -1):
        wrong: dict[str, Any] = {keyword: each_axis(operation, number)}
        right = {keyword: each_axis(operation, 1)}
        yield refusal(operation, *given(operation), **VALID, **wrong, valid=right, note=f"a {keyword} of {number}")


@clause("convolution.pads-error")
def test_pads(operation: str) -> Iterator[ErrorCase]:
    right = {"pads": each_axis(operation, 1, 1)}
    for pads in ((1,), (1, 1, 1), (1, 1, 1, 1, 1, 1)):
        yield refusal(operation, *given(operation), **VALID, pads=pads, valid=right, note=f"{len(pads)} pads")


@clause("convolution.negative-pads")
def test_negative_pads(trial) -> None:
    made, pads = given(trial.operation), each_axis(trial.operation, -1, -1)
    inner = (slice(None), *(slice(1, -1) for _ in range(made[0].ndim - 2)))
    right = trial.call(made[0][inner], *made[1:], **VALID)
    try:
        got = trial.call(*made, **VALID, pads=pads)
    except Refused:
        trial.require(trial.readings["negative_pads"] == "refused", f"the pads {pads} are refused")
        return
    crops = got.shape == right.shape and np.allclose(got, right, rtol=1e-4, atol=1e-5)
    crops = crops and trial.readings["negative_pads"] == "crops"
    trial.require(crops, f"the pads {pads} are taken: shape {got.shape}")


@clause("convolution.padding-name")
def test_padding_name(operation: str) -> Iterator[ErrorCase]:
    for word in ("full", "half"):
        yield refusal(operation, *given(operation), padding=word, valid=VALID, note=f"the padding {word!r}")


@clause("convolution.missing-axis")
def test_missing_axis(operation: str) -> Iterator[ErrorCase]:
    x, kernel, bias = right = given(operation, channels=1)
    yield refusal(operation, x[..., 0], kernel, bias, **VALID, valid=right, note="images without their channel axis")
