"""Gradients clipped by value, by the norm of each array and by their common norm, in NumPy, from the clauses."""

from __future__ import annotations

import numpy as np

EPSILON = 1e-6  # what PyTorch adds to the norm

# The table of the page: kernel and bias, the limit, and the results. All are numbers of every dtype.
EXAMPLE = {"kernel": [3.0, 4.0], "bias": [12.0]}
EXAMPLE_LIMIT = 6.5


def clip_by_value(gradients, *, limit):
    _check(limit)
    return {name: np.minimum(np.maximum(g, -limit), limit) for name, g in gradients.items()}


def clip_by_value_vjp(gradients, cotangents, *, limit):
    return ({name: np.where(np.abs(g) <= limit, cotangents[name], 0) for name, g in gradients.items()},)


def clip_by_norm(gradients, *, limit, size="norm", denominator="norm", infinite="nan"):
    _check(limit)
    given = {"mean": size == "root-mean-square", "denominator": denominator, "infinite": infinite}
    return {name: clipped({name: g}, limit, **given)[name] for name, g in gradients.items()}


def clip_by_norm_vjp(gradients, cotangents, *, limit, size="norm", denominator="norm", infinite="nan"):
    mean = size == "root-mean-square"
    return (
        {
            name: pulled_back({name: g}, {name: cotangents[name]}, limit, mean=mean, denominator=denominator)[name]
            for name, g in gradients.items()
        },
    )


def clip_by_global_norm(gradients, *, limit, denominator="norm", infinite="nan"):
    _check(limit)
    return clipped(gradients, limit, denominator=denominator, infinite=infinite)


def clip_by_global_norm_vjp(gradients, cotangents, *, limit, denominator="norm", infinite="nan"):
    return (pulled_back(gradients, cotangents, limit, denominator=denominator),)


def clipped(group, limit, *, mean=False, denominator="norm", infinite="nan"):
    """The arrays of a group that shares one norm. A power of 2 is divided out, so that no square overflows."""
    m, s = measured(group, mean)
    added = EPSILON if denominator == "norm-plus-epsilon" else 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        if m * s + added <= limit:
            return dict(group)
        if not np.isfinite(s) and infinite == "nan":
            return {name: np.full_like(g, np.nan) for name, g in group.items()}
        return {name: np.asarray(g / m * (limit / (s + added / m))) for name, g in group.items()}


def pulled_back(group, cotangents, limit, *, mean=False, denominator="norm"):
    m, s = measured(group, mean)
    n, added = m * s, EPSILON if denominator == "norm-plus-epsilon" else 0.0
    if n + added <= limit:
        return dict(cotangents)
    count = sum(g.size for g in group.values()) if mean else 1
    along = sum(np.sum(g * cotangents[name]) for name, g in group.items()) / (count * n * (n + added))
    return {name: np.asarray(limit / (n + added) * (cotangents[name] - g * along)) for name, g in group.items()}


def measured(group, mean):
    """The power of 2 of the largest entry, m, and the norm or root mean square of the entries over m."""
    largest = max((np.max(np.abs(g), initial=0) for g in group.values()), default=0.0)
    m = 2.0 ** (np.frexp(largest)[1] - 1.0) if 0 < largest < np.inf else 1.0
    with np.errstate(invalid="ignore"):
        total = sum(np.sum((g / m) ** 2) for g in group.values())
    count = sum(g.size for g in group.values()) if mean else 1
    return m, np.sqrt(total / max(count, 1))


def _check(limit):
    if not limit >= 0:
        raise ValueError(f"limit is {limit}, expected 0 or more")
