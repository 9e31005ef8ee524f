"""Tests of components/activations: whether half precision is computed with more digits and rounded once."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from nnspec_conformance.cases import clause
from nnspec_conformance.inputs import real_numbers, wide
from nnspec_conformance.suite.components.test_activations import ALPHA, float64_oracle, for_slopes, little
from nnspec_conformance.tolerance import ulp

HALF = ("bfloat16", "float16")
GIVEN = {"leaky_relu": {"negative_slope": 0.2}, "elu": {"alpha": ALPHA}}  # a product with 1 is not rounded
ONCE = 33 / 64  # units in the last place: a half, and as much as 8 units of float32 at 1 are of a result of 1/16


def rounds(operation: str, trial, dtypes: Iterable[str], keyword: str, suffix: str = "") -> None:
    """Whether the results are the exact ones rounded once or, as declared, more than one in a hundred is not."""
    given = GIVEN.get(operation, {})
    f = float64_oracle(operation, trial.readings | given, suffix)
    for dtype in [d for d in dtypes if d in trial.dtypes]:
        with trial.part():
            largest = 1e4 if suffix else 8.0
            x = real_numbers(dtype, largest=largest)
            got = trial.gradient(x, np.ones_like(x), **given) if suffix else trial.array(x, **given)
            right, size = f(x, **given), np.abs(wide(x))
            asked = (size >= 2.0**-6) & (size < largest) & (np.abs(right) >= 2.0**-4)
            units = np.where(asked, np.abs(wide(got) - right) / ulp(right, dtype), 0.0)
            off, worst = units > ONCE, int(units.argmax())
            near = asked & (size < 8)  # beyond, steps change nothing
            share = float(off[near].sum() / near.sum())
            found = (
                f"{100 * share:.2g} % of {near.sum()} {'slopes' if suffix else 'results'} in {dtype} are further off "
                f"than one rounding, most at {float(x[worst]):.6g}: by {units[worst]:.3g} ulp"
            )
            if trial.readings[keyword] == "steps":
                trial.require(share > 0.01, f"{found}; expected more than 1 %")
            else:
                trial.require(not off.any(), found)


@clause("activation.half-precision")
def test_half_precision(operation: str, trial) -> None:
    rounds(operation, trial, HALF, "half")


@clause("activation.half-slopes")
def test_half_slopes(operation: str, trial, lean: bool) -> None:
    dtypes = [dtype for dtype in HALF if dtype in for_slopes(little(trial.readings, lean))]
    rounds(operation, trial, dtypes, "half_slopes", "_derivative")
