"""What the losses' clauses about long rows in half precision share: the lengths, and how the two readings are told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.inputs import wide
from nnspec_conformance.suite.components._long_sums import asked, wide_or_rounded, wide_sum
from nnspec_conformance.tolerance import Want
from nnspec_conformance.trial import Trial

LENGTHS = (1100, 70_000)  # in bfloat16 a sum of ones stops at 256, in float16 at 2,048; float16 ends at 65,504
EXAMPLES = 2


def rows_told_apart(
    trial: Trial, oracle: Any, arrays: Callable[[str, int], tuple], units: float, cotangent: float, lean: bool,
    lengths: tuple[int, ...] = LENGTHS, **how: Any,
) -> None:  # fmt: skip
    """Hold the loss of long rows, and the gradient of it, to the bound of a wide sum, or find one beyond it.

    Args:
        trial: of a loss, for a clause with the readings ``wide`` and ``rounded`` of the keyword ``rows``.
        oracle: the module that has the loss and its gradient.
        arrays: the arguments of a dtype and a length, two examples.
        units: in the last place, for the roundings to the dtype.
        cotangent: of each loss, so that no gradient that counts is subnormal or infinite in float16.
        lean: whether to ask the longest rows alone.
        lengths: of the rows.
        how: the keywords, and the readings that are the oracle's alone.
    """
    told = how | {"reduction": "none"}
    asked_for = {name: value for name, value in told.items() if name not in trial.readings}
    value, slopes = (getattr(oracle, trial.operation + part) for part in ("", "_vjp"))

    def of(dtype: str, n: int) -> Iterator[tuple[Any, Want, str]]:
        given, g = arrays(dtype, n), np.full(EXAMPLES, cotangent, DTYPES[dtype])
        found = (
            (trial.call(*given, **asked_for), value(*wide(given), **told), "the loss"),
            (trial.vjp(given, g, **asked_for)[0], slopes(*wide(given), wide(g), **told)[0], "its gradient"),
        )
        for got, right, what in found:
            yield got, wide_sum(right, n, dtype, units), f"{what} of rows of {n} entries in {dtype}"

    wide_or_rounded(trial, "rows", [partial(of, *pair) for pair in asked(trial, lean, lengths)])
