"""Digits at random places of a canvas, and a convolutional network that is trained on them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from nnspec_conformance.experiments.architectures.convolutional import canvas, digits, learning

MAPS, HIDDEN, CLASSES = (6, 12), 32, 10
KERNELS = ((5, 5, 1, MAPS[0]), (5, 5, *MAPS), ((canvas.SIDE // 4) ** 2 * MAPS[1], HIDDEN), (HIDDEN, CLASSES))
TEST = 1000

Data = tuple[np.ndarray, np.ndarray, np.ndarray]


def canvases(seed: int, images: int) -> list[Data]:
    """Images, labels, and rows and columns of the digits: to learn from, and to test with."""
    draws, found = np.random.default_rng(2000 + seed), []
    for x, labels in digits.halves(seed, images, TEST):
        placed, places = canvas.placed(x, draws)
        found.append((placed, labels, places))
    return found


def trained(seed: int, x: np.ndarray, labels: np.ndarray, epochs: int) -> Any:
    """The table of the network after training."""
    return _programs()[0](learning.start(seed, *KERNELS), x, labels, learning.orders(1000 + seed, len(x), epochs))


def features(weights: Any, x: np.ndarray) -> np.ndarray:
    """The row of features of every image."""
    return np.asarray(_programs()[1](weights, x))


@functools.cache
def _programs() -> tuple[Callable, Callable]:
    """Training, and the features."""
    import jax

    from nnspec.architectures.convolutional.convolution import convolution_2d
    from nnspec.architectures.convolutional.network import flatten_features
    from nnspec.architectures.convolutional.pooling import max_pool
    from nnspec.components.activations import relu
    from nnspec.components.layers import dense

    def row(w: Any, x: Any) -> Any:
        for i in range(2):
            x = max_pool(relu(convolution_2d(x, w[f"kernel_{i}"], w[f"bias_{i}"], padding="same")), window=(2, 2))
        return flatten_features(x)

    def logits(w: Any, x: Any) -> Any:
        return dense(relu(dense(row(w, x), w["kernel_2"], w["bias_2"])), w["kernel_3"], w["bias_3"])

    return learning.training(logits), jax.jit(row)
