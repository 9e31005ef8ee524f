"""Embedding and tied logits in NumPy, written from the clauses: rows of a table, and products with all of them.

Every function computes in the dtype that it is handed; the expected values of the suite are computed in float64.
"""

from __future__ import annotations

import numpy as np

OUTSIDE = {"nan": np.nan, "zeros": 0.0}  # what stands in place of a row that there is not


def _checked(ids, narrow_ids="taken", unsigned_ids="taken"):
    """The ids as they are, if they are integers; narrow ones as wider ones, in which the number of rows is a number."""
    ids = np.asarray(ids)
    if ids.dtype.kind not in "iu":
        raise ValueError(f"ids are {ids.dtype}, expected integers")
    if unsigned_ids == "refused" and ids.dtype.kind == "u":
        raise ValueError(f"ids are {ids.dtype}, expected signed integers")
    if narrow_ids == "refused" and ids.dtype.kind == "i" and ids.dtype.itemsize < 4:
        raise ValueError(f"ids are {ids.dtype}, expected int32 or int64")
    return ids.astype(np.result_type(ids, np.int32))


def _outside(table, ids, out_of_range, negative):
    """Tell which ids are above all rows, and which below 0, where the reading has no row for them."""
    above, below = ids >= len(table), ids < 0
    for name, reading, found in (("above", out_of_range, above), ("below 0", negative, below)):
        if reading == "refused" and found.any():
            raise ValueError(f"an id is {name}, expected 0 to {len(table) - 1}")
    return above & (out_of_range != "last-row"), below & (negative != "last-row")


def _rows(table, ids):
    """The ids as rows that there are: the last one for those above, and counted from the end below 0."""
    return np.where(ids < 0, ids % len(table), np.minimum(ids, len(table) - 1))


def embedding(
    table, ids, *, scaled=False, out_of_range="nan", negative="nan", narrow_ids="taken", unsigned_ids="taken"
):
    ids = _checked(ids, narrow_ids, unsigned_ids)
    above, below = _outside(table, ids, out_of_range, negative)
    y = table[_rows(table, ids)]
    for outside, reading in ((above, out_of_range), (below, negative)):
        y = np.where(outside[..., None], np.asarray(OUTSIDE.get(reading, 0.0), table.dtype), y)
    return y * np.sqrt(np.asarray(table.shape[1], table.dtype)) if scaled else y


def embedding_vjp(
    table, ids, g, *, scaled=False, out_of_range="nan", negative="nan", narrow_ids="taken", unsigned_ids="taken"
):
    ids = _checked(ids, narrow_ids, unsigned_ids)
    above, below = _outside(table, ids, out_of_range, negative)
    gradient = _summed(table, ids, g, ~(above | below))
    return (gradient * np.sqrt(table.shape[1]) if scaled else gradient,)


def _summed(table, ids, g, learns):
    """The cotangents of each row's uses, added, where they count."""
    gradient = np.zeros(table.shape, np.result_type(table, g))
    np.add.at(gradient, _rows(table, ids), np.where(learns[..., None], g, np.zeros((), g.dtype)))
    return gradient


def _is_padding(table, ids, padding_id):
    if not 0 <= padding_id < len(table):
        raise ValueError(f"padding_id {padding_id} is no row of a table of {len(table)}")
    return _checked(ids) == padding_id


def padded_embedding(table, ids, *, padding_id, padding="zeros"):
    hidden = _is_padding(table, ids, padding_id)
    y = embedding(table, ids)
    return np.where(hidden[..., None], np.zeros((), table.dtype), y) if padding == "zeros" else y


def padded_embedding_vjp(table, ids, g, *, padding_id, padding="zeros"):
    return (_summed(table, ids, g, ~_is_padding(table, ids, padding_id)),)


def tied_logits(x, table):
    return x @ table.T


def tied_logits_vjp(x, table, g):
    rows, cotangents = x.reshape(-1, x.shape[-1]), g.reshape(-1, g.shape[-1])
    return g @ table, cotangents.T @ rows


def tied_embedding(table, ids):
    return tied_logits(table[_checked(ids)], table)


def tied_embedding_vjp(table, ids, g):
    dx, gradient = tied_logits_vjp(table[_checked(ids)], table, g)
    return (gradient + embedding_vjp(table, ids, dx)[0],)
