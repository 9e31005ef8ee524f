"""Sums inside an example, of its features or classes: wide, or with every partial sum rounded."""

from __future__ import annotations

import functools

from nnspec_conformance.oracles.sums import summed


def telling_rows(function):
    """The function with one more keyword, as others get from the adapter: whether sums inside an example are wide."""

    @functools.wraps(function)
    def call(*arrays, rows="wide", **given):
        return function(*arrays, row_sums=rows, **given)

    return call


def along_row(terms, row_sums="wide"):
    """The sum along the last axis, which stays; if ``rounded``, all partial sums have 8 bits, as in bfloat16."""
    return summed(terms, -1, narrow="bfloat16" if row_sums == "rounded" else None)[..., None]
