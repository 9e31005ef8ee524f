"""What clauses about long sums in half precision share: the lengths, the bound, and how the two readings are told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np

from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.inputs import wide
from nnspec_conformance.tolerance import Want, ulps, unit
from nnspec_conformance.trial import Trial

LENGTHS = (1100, 80_000)  # in bfloat16 a sum of ones stops at 256, in float16 at 2,048; float16 ends at 65,504


def near_one(seed: int, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Entries from the last eighth below 1, so that partial sums grow and nothing cancels."""
    return (1 - np.random.default_rng(seed).uniform(0, 1 / 8, shape)).astype(DTYPES[dtype])


def asked(trial: Trial, lean: bool = False, lengths: tuple[int, ...] = LENGTHS) -> list[tuple[str, int]]:
    """Each half precision that the subject has, with each length, or with the longest one alone."""
    lengths = lengths[-1:] if lean else lengths
    return [(dtype, n) for dtype in ("bfloat16", "float16") if dtype in trial.dtypes for n in lengths]


def wide_sum(value: Any, n: int, dtype: str, units: float) -> Want:
    """A sum of ``n`` terms of one sign that is added up in float32; terms, sum and what follows it are rounded."""
    return ulps(value, units, dtype, moved=n * unit("float32") * np.abs(value))


def told_apart(trial: Trial, found: Callable[[str, int], Iterator[tuple]], units: float, lean: bool = False) -> None:
    """Hold all sums to the wide bound or, where they are said to be rounded, find one that is not within it.

    Args:
        trial: of a clause with the readings ``wide`` and ``rounded``.
        found: asks the subject for the sums of one dtype and length: each as it came, exact,
            what it is, and its own units, if any.
        units: in the last place, for the roundings to the dtype.
        lean: whether to ask the longer ones alone.
    """

    def of(dtype: str, n: int) -> Iterator[tuple[Any, Want, str]]:
        for got, right, what, *own in found(dtype, n):
            yield got, wide_sum(right, n, dtype, *(own or (units,))), f"{what} over {n} terms in {dtype}"

    wide_or_rounded(trial, "sums", [partial(of, *pair) for pair in asked(trial, lean)])


def wide_or_rounded(trial: Trial, keyword: str, parts: Iterable[Callable[[], Iterator[tuple]]]) -> None:
    """Hold each answer to the bound of a wide sum or, where they are said to be rounded, find one that is beyond it.

    Args:
        trial: of a clause with the readings ``wide`` and ``rounded``.
        keyword: under which the subject has declared one of them.
        parts: each asks some questions: the answer, what is expected of it, and what it is.
    """
    beyond = answers = 0
    for part in parts:
        with trial.part():
            for got, want, what in part():
                if trial.readings[keyword] == "wide":
                    trial.expect(got, want, what)
                else:
                    answers += 1
                    beyond += not np.all(np.abs(np.asarray(got, np.float64) - want.value) <= want.allowed)
    if answers:
        trial.require(beyond > 0, f"all {answers} answers are right within the bound of a wide sum, said to be rounded")


def means_told_apart(
    trial: Trial, oracle: Any, arrays: Callable[[str, int], tuple], units: float, lean: bool, **how: Any
) -> None:
    """Hold the mean over long batches, and the gradient of it, to the bound of a wide sum, or find one beyond it.

    Args:
        trial: of a loss, for a clause with the readings ``wide`` and ``rounded``.
        oracle: the module that has the loss and its gradient.
        arrays: the arguments of a dtype and a length, whose losses are of one sign.
        units: in the last place, for the roundings to the dtype.
        lean: whether to ask the longer ones alone, and the gradient in float16, where their number overflows.
        how: the keywords, and the readings that are the oracle's alone.
    """
    told = how | {"reduction": "mean"}
    asked_for = {name: value for name, value in told.items() if name not in trial.readings}

    def found(dtype: str, n: int) -> Iterator[tuple[Any, Any, str]]:
        given, g = arrays(dtype, n), np.asarray(128, DTYPES[dtype])  # 1 / 80,000 is subnormal in float16
        value, slopes = (getattr(oracle, trial.operation + part) for part in ("", "_vjp"))
        yield trial.call(*given, **asked_for), value(*wide(given), **told), "the mean of losses"
        if not lean or dtype == "float16":
            got, right = trial.vjp(given, g, **asked_for)[0], slopes(*wide(given), wide(g), **told)[0]
            yield got, right, "the gradient of the mean of losses"

    told_apart(trial, found, units, lean)
