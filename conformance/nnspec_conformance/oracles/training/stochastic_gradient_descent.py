"""The sampler of stochastic gradient descent in NumPy, written from the clauses."""

from __future__ import annotations

import numpy as np


def batches(*, examples, batch_size, epochs, seed, shuffle=True, last="kept", too_large="refused"):
    for name, value in (("examples", examples), ("batch_size", batch_size), ("epochs", epochs)):
        if value < 1:
            raise ValueError(f"{name} is {value}, expected 1 or more")
    if batch_size > examples and (last == "dropped" or too_large == "refused"):
        raise ValueError(f"batch_size is {batch_size}, expected at most examples={examples}")
    orders = np.tile(np.arange(examples), (epochs, 1))
    if shuffle:
        orders = np.random.default_rng(seed).permuted(orders, axis=1)  # row by row
    return cut(orders, batch_size, last)


def cut(orders, batch_size, last):
    """Orders, one a row, in batches; a short one is filled with -1, or left out."""
    epochs, examples = orders.shape
    if last == "dropped":
        orders = orders[:, : examples // batch_size * batch_size]
    filled = np.pad(orders, ((0, 0), (0, -orders.shape[1] % batch_size)), constant_values=-1)
    return filled.reshape(epochs, -1, batch_size)


def stationary_variance(learning_rate, curvature, noise):
    """What gradients with independent noise of this variance leave of a parameter at a constant rate."""
    return learning_rate * noise / (curvature * (2 - learning_rate * curvature))
