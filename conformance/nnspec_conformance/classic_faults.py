"""Faults that operations of any topic have; each is handed the right function first, as ``Mutants.each`` hands it.

    MUTANTS.each("what should be NaN is zero", "neuron.nan")(swallows_nan)

The first array holds examples, with features on its last axis. Weights follow it, as arrays, the bias last, or as a
table; the cotangents come last in a derivative.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nnspec_conformance.clauses import own_spec
from nnspec_conformance.oracles.sums import summed
from nnspec_conformance.trees import mapped

PARTS = ("kernel", "bias")  # of a layer, in a table

# ---- what comes back


def promotes_half_precision(f, *arrays, **given):
    return mapped(lambda y: y.astype(np.float32) if y.dtype.itemsize == 2 else y, f(*arrays, **given))


def always_has_a_batch_axis(f, x, *weights, **given):
    y = f(x, *weights, **given)
    return y if x.ndim > 1 else mapped(lambda part: part[None], y)


def flattens_the_batch_axes(f, *arrays, **given):
    return mapped(lambda y: y.reshape(-1, y.shape[-1]), f(*arrays, **given))


# ---- what is made of the arrays


def swallows_nan(f, x, *rest, **given):
    return f(np.where(np.isnan(x), np.zeros_like(x), x), *rest, **given)


def subtracts_the_mean_of_the_batch(f, x, *weights, **given):
    mean = x.mean(tuple(range(x.ndim - 1)), dtype=np.float32)
    return f((x - mean / 8).astype(x.dtype), *weights, **given)


def sorts_the_names_as_text(f, x, weights, **given):
    parts = ([name for name in sorted(weights) if name.startswith(part)] for part in PARTS)
    layers = enumerate(zip(*parts, strict=True))
    table = {f"{part}_{i}": weights[name] for i, names in layers for part, name in zip(PARTS, names, strict=True)}
    return f(x, table, **given)


def falls_back_to(choice: str, keyword: str = "activation") -> Callable[..., Any]:
    """Take any value of a keyword that is not among the declared ones for this one."""

    def falls_back(f, *arrays, **given):
        (declared,) = (a for a in own_spec().operations[f.__name__].attributes if a.name == keyword)
        known = given[keyword] in declared.values
        return f(*arrays, **given | {keyword: given[keyword] if known else choice})

    falls_back.__name__ = f"falls_back_to_{choice}"
    return falls_back


# ---- gradients


def averages_the_gradients(f, x, *rest, **given):
    dx, *gradients = f(x, *rest, **given)
    return (dx, *mapped(lambda g: _averaged(g, x), gradients))


def averages_the_gradients_of_the_biases(f, x, *rest, **given):
    *others, last = f(x, *rest, **given)
    if isinstance(last, dict):
        return (*others, {name: _averaged(g, x) if name.startswith("bias") else g for name, g in last.items()})
    return (*others, _averaged(last, x))


def counts_in_half_precision(f, x, *rest, reduction="none", **given):
    """The number of losses in their dtype: in float16 it is infinite, and a loss divided by it is 0."""
    gradients = f(x, *rest, reduction=reduction, **given)
    infinite = reduction == "mean" and x.dtype == np.float16 and len(x) > np.finfo(np.float16).max
    return mapped(np.zeros_like, gradients) if infinite else gradients


def adds_up_weights_in_half_precision(f, x, y, *weights, reduction="none", weighted_mean="weights", **given):
    """The mean of weighted losses, over a sum of weights that has lost the small ones, or is infinite."""
    loss = f(x, y, *weights, reduction=reduction, weighted_mean=weighted_mean, **given)
    if reduction != "mean" or weighted_mean != "weights" or not weights:
        return loss
    w = weights[0].astype(np.float64)
    return (loss * (w.sum() / summed(w, narrow=x.dtype))).astype(x.dtype)


def _averaged(gradient, x):
    return np.asarray(gradient / max(x[..., 0].size, 1)).astype(gradient.dtype)
