"""A.3.2: which labelings of points a linear and an affine map realize, counted by linear programs."""

from __future__ import annotations

import itertools
import math

import numpy as np
from scipy import optimize

from nnspec_conformance.experiments.core import Effect, Outcome, experiment, watched

SMALLEST = np.array([[1.0], [2.0]])


@experiment("bias-separates", short={"seeds": 1, "most": 4})
def bias_separates(seeds: int, *, most: int = 6) -> Outcome:
    """Counts over the seeds for 2 to ``most`` points; they have to agree with each other and with theory."""
    smallest = {affine: count(SMALLEST, affine=affine) for affine in (False, True)}
    rows = [{"points": "1 and 2, on a line", "labelings": 4, "linear": smallest[False], "affine": smallest[True]}]
    counts: dict[tuple[int, int, bool], set[int]] = {}
    cases = [(n, dimensions) for dimensions in (1, 2) for n in range(2, most + 1)]
    for seed in watched(range(seeds), "bias-separates"):
        for n, dimensions in cases:
            x = points(seed, n, dimensions)
            for affine in (False, True):
                counts.setdefault((n, dimensions, affine), set()).add(count(x, affine=affine))
    wrong = sum(found != {realized(n, dimensions + affine)} for (n, dimensions, affine), found in counts.items())
    for n, dimensions in cases:
        linear, affine = (listed(counts[n, dimensions, affine]) for affine in (False, True))
        place = "on a line" if dimensions == 1 else "in the plane"
        rows.append({"points": f"{n}, {place}", "labelings": 2**n, "linear": linear, "affine": affine})
    ratio = max(counts[most, 1, True]) / max(counts[most, 1, False])
    came = {
        "counts other than the theorem's": wrong,
        "points 1 and 2, linear": smallest[False],
        "points 1 and 2, affine": smallest[True],
        "most points on a line, affine / linear": ratio,
    }
    return Outcome(came, Effect(f"labelings of {most} points on a line, affine / linear", ratio, (ratio, ratio)), rows)


def listed(counts: set[int]) -> int | str:
    """The count; where the seeds do not agree, all that came."""
    return next(iter(counts)) if len(counts) == 1 else ", ".join(map(str, sorted(counts)))


def realized(n: int, dimensions: int) -> int:
    """Cover's function: labelings of n points in general position that a linear map of so many inputs realizes."""
    return 2 * sum(math.comb(n - 1, k) for k in range(dimensions))


def points(seed: int, n: int, dimensions: int) -> np.ndarray:
    """Points in general position, with probability one."""
    return np.random.default_rng([seed, n, dimensions]).uniform(-1, 1, (n, dimensions))


def count(x: np.ndarray, *, affine: bool) -> int:
    """Labelings that some map has as the signs of its values at the points; each stands for its negation too."""
    inputs = np.column_stack([x, np.ones(len(x))]) if affine else x
    rest = itertools.product((1.0, -1.0), repeat=len(x) - 1)
    return 2 * sum(separable(inputs, np.array([1.0, *labels])) for labels in rest)


def separable(inputs: np.ndarray, labels: np.ndarray) -> bool:
    """Whether a weight vector exists with label times value at least 1 at every point."""
    result = optimize.linprog(
        np.zeros(inputs.shape[1]), A_ub=-labels[:, None] * inputs, b_ub=-np.ones(len(inputs)), bounds=(None, None)
    )
    if result.status not in (0, 2):  # solved, infeasible
        raise RuntimeError(f"linear program ended with status {result.status}: {result.message}")
    return result.status == 0
