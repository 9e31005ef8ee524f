"""The gradient of a mini-batch, and its mean and variance over all batches, in NumPy, written from the clauses."""

from __future__ import annotations

import itertools

import numpy as np

# Worked out by hand on the page: the gradients of four examples, and of all batches of two of them.
EXAMPLE_GRADIENTS = [[1], [3], [-2], [6]]
EXAMPLE_BATCHES = {(0, 1): 2, (0, 2): -0.5, (0, 3): 3.5, (1, 2): 0.5, (1, 3): 4.5, (2, 3): 2}


def checked_indices(gradients, indices):
    """The indices, if each of them names an example and there is one at least."""
    if not len(indices):
        raise ValueError("no indices, expected at least one")
    if np.any(indices < 0) or np.any(indices >= len(gradients)):
        raise ValueError(f"indices {indices}, expected 0 to {len(gradients) - 1}")
    return indices


def mini_batch_gradient(gradients, indices, *, combine="mean"):
    total = gradients[checked_indices(gradients, indices)].sum(0)
    return total / len(indices) if combine == "mean" else total


def mini_batch_gradient_vjp(gradients, indices, cotangents, *, combine="mean"):
    named = np.bincount(checked_indices(gradients, indices), minlength=len(gradients)).astype(gradients.dtype)
    share = named / len(indices) if combine == "mean" else named
    return (share[:, None] * cotangents,)


# ---- all batches of a small data set


def batches(examples, size):
    """Every batch of so many different examples."""
    return [np.array(batch, np.int32) for batch in itertools.combinations(range(examples), size)]


def draws(examples, size):
    """Every draw of so many examples with replacement."""
    return [np.array(batch, np.int32) for batch in itertools.product(range(examples), repeat=size)]


def variance(gradients, size, *, replacement=False):
    """The variance of the mean of a batch, in closed form."""
    s2, n = np.mean((gradients - gradients.mean(0)) ** 2, axis=0), len(gradients)
    return s2 / size * (1 if replacement else (n - size) / (n - 1))
