"""Compares what a subject returned with what was wanted, and says where it is worst."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from ml_dtypes import finfo

from nnspec_conformance.dtypes import DTYPES, NAMES, name_of
from nnspec_conformance.tolerance import Shape, Want

NOTHING: Mapping[str, str] = MappingProxyType({})
KINDS = {"integer": "iu", "boolean": "b"}  # of NumPy's dtypes, where no width is asked for


@dataclass
class Finding:
    """The worst element of one comparison.

    Attributes:
        ratio: error / allowed; it fails above 1. What was lost below the smallest normal number is not in it.
        subnormals: the declared reading by which some element was right that would not have been else.
        values: how many numbers were compared.
        telling: how many of them were expected to be neither zero nor infinite nor NaN, nor of one size.
        alone: what the same question came to that was asked once more, where that was another answer.
    """

    ratio: float
    message: str | None = None
    call: str | None = None
    input: str | None = None
    got: str | None = None
    expected: str | None = None
    error: float | None = None
    allowed: float | None = None
    dtype: str | None = None
    subnormals: str | None = None
    alone: str | None = None
    values: int = 0
    telling: int = 0

    def as_dict(self) -> dict:
        names = ("call", "dtype", "input", "got", "expected", "error", "allowed", "alone")
        return {name: getattr(self, name) for name in names}


def compare(
    got: Any,
    want: Any,
    *,
    subnormals: Mapping[str, str] = NOTHING,
    arrays: tuple = (),
    path: str = "result",
    known: float = -1.0,
) -> Finding:
    """The worst finding over a structure of arrays.

    Args:
        got: the subject's answer.
        want: ``Want``, ``Shape``, a plain value, or a tuple, list or dict of these.
        subnormals: the dtypes in which the subject may lose numbers below the smallest normal one, with its reading.
        arrays: the inputs, to show the input at the worst place of an elementwise operation.
        path: where in the answer this is, for the message.
        known: the largest ratio of those among which the finding will be. One that is right and no larger is told
            without its numbers, and may be that of few rounded runs; below 0 any is told in full.
    """
    more: dict[str, Any] = {"subnormals": subnormals, "known": known}
    if isinstance(want, dict):
        if not isinstance(got, dict) or set(got) != set(want):
            names = sorted(map(str, got)) if isinstance(got, dict) else type(got).__name__
            return Finding(float("inf"), f"{path} has names {names}, expected {sorted(want)}")
        return together([compare(got[k], want[k], path=f"{path}[{k!r}]", **more) for k in want])
    if isinstance(want, tuple | list):
        if not isinstance(got, tuple | list) or len(got) != len(want):
            count = f"{len(got)} arrays" if isinstance(got, tuple | list) else type(got).__name__
            return Finding(float("inf"), f"{path} is {count}, expected {len(want)} array{'s' * (len(want) != 1)}")
        return together(
            [
                compare(g, w, arrays=arrays, path=f"{path}[{i}]" if len(want) > 1 else path, **more)
                for i, (g, w) in enumerate(zip(got, want, strict=True))
            ]
        )
    if isinstance(want, Shape):
        return _compare_shape(got, want, path)
    if not isinstance(want, Want):
        got = got.item() if isinstance(got, np.ndarray) and got.size == 1 else got
        same = not isinstance(got, np.ndarray) and got == want
        return Finding(0.0) if same else Finding(float("inf"), f"{path} is {got!r}, expected {want!r}")
    return _compare_array(got, want, subnormals.get(want.dtype), arrays, path, known)


def worst(findings: list[Finding]) -> Finding:
    """The finding with the largest ratio; none at all counts as no error."""
    return max(findings, key=lambda f: f.ratio, default=Finding(0.0))


def together(findings: list[Finding]) -> Finding:
    """The worst finding of one answer, with what was lost anywhere in it."""
    found = worst(findings)
    found.subnormals = next((f.subnormals for f in findings if f.subnormals), None)
    found.values, found.telling = sum(f.values for f in findings), sum(f.telling for f in findings)
    return found


def sentence(finding: Finding) -> str:
    """The worst element in a few words."""
    at = f"at input {finding.input}: " if finding.input else ""
    kind = f" ({finding.dtype})" if finding.dtype else ""
    return f"{at}got {finding.got}, expected {finding.expected}{kind}"


def _compare_shape(got: Any, want: Shape, path: str) -> Finding:
    if want.dtype == "integer" and type(got) is int:  # a count is a plain number
        got = np.asarray(got)
    if not isinstance(got, np.ndarray):
        return Finding(float("inf"), f"{path} is {type(got).__name__}, expected an array")
    if want.shape is not None and got.shape != want.shape:
        return Finding(float("inf"), f"{path} has shape {got.shape}, expected {want.shape}")
    if want.dtype and name_of(got.dtype) != want.dtype and got.dtype.kind not in KINDS.get(want.dtype, ""):
        return Finding(float("inf"), f"{path} has dtype {got.dtype}, expected {want.dtype}")
    return Finding(0.0)


def _compare_array(got: Any, want: Want, reading: str | None, arrays: tuple, path: str, known: float) -> Finding:
    if isinstance(got, int | float | np.generic) and not want.value.shape:
        got = np.asarray(got)
    if not isinstance(got, np.ndarray):
        return Finding(float("inf"), f"{path} is {type(got).__name__}, expected an array")
    if got.shape != want.value.shape:
        return Finding(float("inf"), f"{path} has shape {got.shape}, expected {want.value.shape}")
    if got.size == 0:
        return Finding(0.0)
    if not holds_numbers(got):
        return Finding(float("inf"), f"{path} has dtype {got.dtype}, expected numbers")
    g = got.astype(np.float64)
    counts: dict[str, Any] = {"values": got.size, "telling": want.telling}
    if known >= 0 and _equal(g, want.value):
        return Finding(0.0, dtype=name_of(got.dtype), **counts)
    allowed, lost = np.zeros(()), np.zeros(g.shape, bool)
    ratio = error = allowed
    for allowed in want.approaches() if known >= 0 else [want.allowed]:
        ratio, error = ratios(g, want.value, allowed, want.dtype)
        if (most := float(ratio.max())) <= min(known, 1.0):
            return Finding(most, dtype=name_of(got.dtype), **counts)
    if reading is not None and (ratio > 1).any():
        allowed = want.allowed + want.flushed
        wider, _ = ratios(g, want.value, allowed, want.dtype)
        lost = (ratio > 1) & (wider <= 1)  # not counted as accuracy: the ratio is of what is no such number
        ratio = np.where(lost, 0.0, np.where(ratio > 1, wider, ratio))
    at = np.unravel_index(int(np.argmax(ratio)), ratio.shape)
    same = next((a for a in arrays if isinstance(a, np.ndarray) and a.shape == got.shape), None)
    place = f"at index {tuple(int(i) for i in at)}"
    return Finding(
        float(ratio[at]),
        input=None if same is None else f"{_number(same[at], name_of(same.dtype))} {place}",
        got=_number(got[at], want.dtype),
        expected=_number(want.value[at], want.dtype),
        error=float(error[at]),
        allowed=float(allowed[at]),
        dtype=name_of(got.dtype),
        subnormals=reading if lost.any() else None,
        call=None if path == "result" else f"{path}{[int(i) for i in at]}",
        **counts,
    )


def _equal(x: np.ndarray, y: np.ndarray) -> bool:
    """Whether all entries are the same numbers, NaN where the other has one: then it matters not what is allowed."""
    return bool(((x == y) | ((x != x) & (y != y))).all())


def holds_numbers(x: np.ndarray) -> bool:
    """Whether the entries are real numbers or truth values: no complex ones, texts, records or objects."""
    return x.dtype in NAMES or x.dtype.kind in "iufb"


def ratios(got: np.ndarray, value: np.ndarray, allowed: np.ndarray, dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """Error over allowed error of every element, and the error; both in float64."""
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        error = np.abs(got - value)
        if not np.isfinite(error).all():
            error = _not_finite(error, got, value, allowed, dtype)
        ratio = np.where(error == 0, 0.0, np.where(allowed > 0, error / np.where(allowed > 0, allowed, 1), np.inf))
    return np.where(np.isnan(ratio), np.inf, ratio), error  # an infinite error is never within an infinite tolerance


def _not_finite(error: np.ndarray, got: np.ndarray, value: np.ndarray, allowed: np.ndarray, dtype: str) -> np.ndarray:
    """The errors where some are no numbers: none between equal infinities, or where NaN is expected."""
    same = (got == value) | (np.isnan(got) & np.isnan(value))
    # a result that rounds past the largest number may be infinite
    largest = float(finfo(DTYPES[dtype]).max)
    overflow = np.isinf(got) & np.isfinite(value) & (np.sign(got) == np.sign(value))
    same |= overflow & (np.abs(value) + allowed >= largest) & (allowed > 0)
    return np.where(same, 0.0, np.where(np.isnan(error), np.inf, error))


def _number(x: Any, dtype: str) -> str:
    """A number with as many digits as tell it from its neighbours in the dtype."""
    return repr(float(x)).removesuffix(".0") if dtype == "float64" else f"{float(x):.9g}"
