"""A.3.2: which labelings of points a linear and an affine map realize, counted by linear programs."""

from __future__ import annotations

import itertools
import math

import numpy as np
from scipy import optimize

from nnspec_conformance.experiments.core import Effect, Finding, experiment

POINTS = range(2, 7)
SMALLEST = np.array([[1.0], [2.0]])


@experiment("bias-separates", short_seeds=1)
def bias_separates(seeds: int) -> Finding:
    """Counts over the seeds, which have to agree with each other and with theory."""
    smallest = {affine: count(SMALLEST, affine=affine) for affine in (False, True)}
    rows, wrong = (
        [{"points": "1 and 2, on a line", "labelings": 4, "linear": smallest[False], "affine": smallest[True]}],
        0,
    )
    for dimensions, place in ((1, "on a line"), (2, "in the plane")):
        for n in POINTS:
            drawn = [points(seed, n, dimensions) for seed in range(seeds)]
            counts = {affine: {count(x, affine=affine) for x in drawn} for affine in (False, True)}
            wanted = {affine: realized(n, dimensions + affine) for affine in (False, True)}
            wrong += sum(counts[affine] != {wanted[affine]} for affine in (False, True))
            shown = {name: ", ".join(map(str, sorted(counts[a]))) for name, a in (("linear", False), ("affine", True))}
            rows.append(
                {
                    "points": f"{n}, {place}",
                    "labelings": 2**n,
                    **{k: int(v) if v.isdigit() else v for k, v in shown.items()},
                }
            )
    last = next(row for row in rows if row["points"] == f"{POINTS[-1]}, on a line")
    ratio = last["affine"] / last["linear"] if wrong == 0 else math.nan
    return Finding(
        outcome=judge(wrong, smallest),
        effect=Effect(f"labelings of {POINTS[-1]} points on a line, affine over linear", ratio, (ratio, ratio)),
        rows=rows,
    )


def judge(wrong: int, smallest: dict[bool, int]) -> str:
    """Every count is the one of the theorem, and the smallest example separates the two kinds of map."""
    return "holds" if wrong == 0 and smallest == {False: 2, True: 4} else "does not hold"


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
