"""Effect sizes with intervals: what an experiment may say after a handful of seeds."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

CONFIDENCE = 0.95


def mean_interval(values: ArrayLike, confidence: float = CONFIDENCE) -> tuple[float, float, float]:
    """Mean and Student's interval for it.

    Args:
        values: one number a seed, at least two.
        confidence: chance that the interval covers the mean, where the values are normal and independent.

    Returns:
        (mean, low, high).

    Raises:
        ValueError: fewer than two values.
    """
    x = np.asarray(values, dtype=np.float64)
    if x.size < 2:
        raise ValueError(f"an interval needs at least two values, got {x.size}; use more seeds")
    half = stats.t.ppf((1 + confidence) / 2, x.size - 1) * x.std(ddof=1) / np.sqrt(x.size)
    return float(x.mean()), float(x.mean() - half), float(x.mean() + half)


def geometric_interval(values: ArrayLike, confidence: float = CONFIDENCE) -> tuple[float, float, float]:
    """Geometric mean and its interval: ``mean_interval`` of the logarithms, for ratios that spread over decades.

    Raises:
        ValueError: fewer than two values, or one that is not positive.
    """
    x = np.asarray(values, dtype=np.float64)
    if not (x > 0).all():
        raise ValueError(f"a geometric mean needs positive values, got {x.min():g}; use mean_interval")
    mean, low, high = (float(np.exp(v)) for v in mean_interval(np.log(x), confidence))
    return mean, low, high


def proportion_interval(successes: int, trials: int, confidence: float = CONFIDENCE) -> tuple[float, float, float]:
    """Share of successes and Clopper and Pearson's exact interval, which never promises more than it covers.

    Raises:
        ValueError: ``successes`` is not within 0 to ``trials``, or there are no trials.
    """
    if trials < 1 or not 0 <= successes <= trials:
        raise ValueError(f"successes must be within 0 to trials >= 1, got {successes} of {trials}")
    tail = (1 - confidence) / 2
    low = stats.beta.ppf(tail, successes, trials - successes + 1) if successes else 0.0
    high = stats.beta.ppf(1 - tail, successes + 1, trials - successes) if successes < trials else 1.0
    return successes / trials, float(low), float(high)
