"""Spectral normalization in NumPy, written from the clauses.

Every function computes in the dtype that it is handed.
"""

from __future__ import annotations

import numpy as np


def kept(part):
    return part


def direction(y):
    """The vector of length 1, or zeros; the largest entry is divided out first, so that no square is lost."""
    most = np.abs(y).max(initial=0)
    if most == 0:
        return np.zeros_like(y)
    y = y / most
    return y / np.sqrt((y * y).sum())


def product(matrix, u, rounded=kept):
    """The matrix times the vector; every term is rounded, and the sum."""
    return rounded(rounded(matrix * u).sum(-1))


def iterated(matrix, u, steps, rounded=kept):
    """Both vectors after so many iterations; the first is 0 after none."""
    v = np.zeros_like(matrix[:, 0])
    for _ in range(steps):
        v = rounded(direction(product(matrix, u, rounded)))
        u = rounded(direction(product(matrix.T, v, rounded)))
    return u, v


def estimated(kernel, u, *, iterations, training, estimate="last", evaluation="stored", rounded=kept):
    """The estimate and its two vectors, or None where it is 0 or none is made."""
    if iterations < 1:
        raise ValueError(f"{iterations} iterations; at least 1 is needed")
    if not training and evaluation == "bare":
        return None
    matrix = kernel.reshape(-1, kernel.shape[-1])
    steps = iterations if training or evaluation == "iterated" else 0
    u, v = iterated(matrix, u, steps, rounded)
    if steps == 0 or (training and estimate == "refreshed"):
        v = rounded(direction(product(matrix, u, rounded)))
    sigma = rounded(v @ product(matrix, u, rounded))
    return None if sigma == 0 else (sigma, u, v)


def spectral_norm(
    kernel, u, *, iterations, training, estimate="last", evaluation="stored", rounded=kept
):  # fmt: skip
    given = {"iterations": iterations, "training": training, "estimate": estimate, "evaluation": evaluation}
    found = estimated(kernel, u, **given, rounded=rounded)
    return kernel.copy() if found is None else kernel / found[0]


def spectral_norm_vjp(kernel, u, cotangents, *, rounded=kept, **given):
    found = estimated(kernel, u, **given, rounded=rounded)
    if found is None:
        return cotangents.copy(), np.zeros_like(u)
    sigma, u, v = found
    along = rounded((cotangents * rounded(kernel / sigma)).sum())
    turned = rounded(along * np.outer(v, u)).reshape(kernel.shape)
    return (cotangents - turned) / sigma, np.zeros_like(u)


def spectral_vector(kernel, u, *, iterations, training, rounded=kept):
    found = estimated(kernel, u, iterations=iterations, training=training, rounded=rounded)
    return u.copy() if found is None or not training else found[1]
