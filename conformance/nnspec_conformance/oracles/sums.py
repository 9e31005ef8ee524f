"""Sums whose every partial sum is rounded: entry by entry, as in the dtype of the entries."""

from __future__ import annotations

import numpy as np


def summed(terms, axis=None, *, narrow=None):
    """The sum along an axis, or of everything; each term and each partial sum is rounded to ``narrow`` if given."""
    if narrow is None:
        return np.sum(terms, axis, dtype=terms.dtype)
    rows = np.ravel(terms) if axis is None else np.moveaxis(terms, axis, -1)
    if not rows.shape[-1]:
        return np.zeros(rows.shape[:-1], terms.dtype)
    with np.errstate(over="ignore"):
        return np.add.accumulate(rows.astype(narrow), -1)[..., -1].astype(terms.dtype)


def along_row(terms, row_sums=None):
    """The sum along the last axis, which stays; each partial sum is rounded to the dtype ``row_sums`` if given."""
    return summed(terms, -1, narrow=row_sums)[..., None]
