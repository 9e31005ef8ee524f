"""Positions in NumPy, written from the clauses: an angle is a product in the dtype of what is turned."""

from __future__ import annotations

import numpy as np


def _frequencies(features, base, dtype):
    """How far each pair turns from one position to the next."""
    if features < 2 or features % 2:
        raise ValueError(f"features is {features}, expected an even number of at least 2")
    if not base > 0:
        raise ValueError(f"base is {base}, expected a positive number")
    return np.asarray(float(base) ** (-np.arange(0, features, 2) / features), dtype)


def angles(positions, features, base=10000.0, dtype="float64"):
    """The angle of every pair at every position, [time, pairs]."""
    return np.asarray(positions)[:, None].astype(dtype) * _frequencies(features, base, dtype)


def laid(first, second, order):
    """Both parts of all pairs as one row."""
    if order == "halves":
        return np.concatenate([first, second], -1)
    return np.stack([first, second], -1).reshape(*first.shape[:-1], 2 * first.shape[-1])


def parts(x, order):
    """The first and the second features of all pairs."""
    n = x.shape[-1] // 2
    return (x[..., :n], x[..., n:]) if order == "halves" else (x[..., ::2], x[..., 1::2])


def sinusoidal_positions(positions, *, features, base=10000.0, order="interleaved", dtype="float32"):
    theta = angles(positions, features, base, dtype)
    return laid(np.sin(theta), np.cos(theta), order)


def rotary_positions(x, positions=None, *, base=10000.0, pairs="interleaved", turn=1):
    at = np.arange(x.shape[-2]) if positions is None else positions
    theta = angles(at, x.shape[-1], base, x.real.dtype)
    sine, cosine = turn * np.sin(theta), np.cos(theta)
    a, b = parts(x, pairs)
    return laid(a * cosine - b * sine, a * sine + b * cosine, pairs)


def rotary_positions_vjp(x, *rest, base=10000.0, pairs="interleaved"):
    """The cotangents turned back."""
    *positions, g = rest
    return (rotary_positions(g, *positions, base=base, pairs=pairs, turn=-1),)


def learned_positions(x, table):
    if x.shape[-2] > len(table):
        raise ValueError(f"x has {x.shape[-2]} tokens, but the table has {len(table)} rows")
    if x.shape[-1] != table.shape[-1]:
        raise ValueError(f"x has {x.shape[-1]} features, but the table has {table.shape[-1]}")
    return x + table[: x.shape[-2]]


def learned_positions_vjp(x, table, g):
    moved = np.zeros_like(table)
    moved[: x.shape[-2]] = g.sum(tuple(range(g.ndim - 2)))
    return g, moved
