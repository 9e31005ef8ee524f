"""Digits at random places of a canvas, and a convolutional network that is trained on them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from nnspec_conformance.experiments.architectures.convolutional import digits

SIDE, SMALL = 28, digits.SIDE // 2
MAPS, HIDDEN, CLASSES = (6, 12), 32, 10
TEST, BATCH, RATE = 1000, 50, 1e-3

Data = tuple[np.ndarray, np.ndarray, np.ndarray]


def canvases(seed: int, images: int) -> list[Data]:
    """Images, labels, and rows and columns of the digits: to learn from, and to test with."""
    draws = np.random.default_rng(2000 + seed)
    return [_placed(x, labels, draws) for x, labels in digits.halves(seed, images, TEST)]


def _placed(x: np.ndarray, labels: np.ndarray, draws: np.random.Generator) -> Data:
    small = x.reshape(len(x), SMALL, 2, SMALL, 2).mean((2, 4))
    places = draws.integers(0, SIDE - SMALL + 1, (len(x), 2))
    canvas = np.zeros((len(x), SIDE, SIDE, 1), np.float32)
    for image, digit, (row, column) in zip(canvas, small, places, strict=True):
        image[row : row + SMALL, column : column + SMALL, 0] = digit
    return canvas, labels, places


def trained(seed: int, x: np.ndarray, labels: np.ndarray, epochs: int) -> Any:
    """The table of the network after training."""
    draws = np.random.default_rng(1000 + seed)
    orders = [draws.permutation(len(x)).reshape(-1, BATCH) for _ in range(epochs)]
    return _programs()[0](_start(seed), x, labels, np.concatenate(orders))


def features(weights: Any, x: np.ndarray) -> np.ndarray:
    """The row of features of every image."""
    return np.asarray(_programs()[1](weights, x))


def _start(seed: int) -> dict[str, np.ndarray]:
    """Weights of variance 2/n before ReLU and 1/n at the output, biases zero."""
    n0, n1 = MAPS
    kernels = [(5, 5, 1, n0), (5, 5, n0, n1), ((SIDE // 4) ** 2 * n1, HIDDEN), (HIDDEN, CLASSES)]
    draws, table = np.random.default_rng(seed), {}
    for i, shape in enumerate(kernels):
        gain = 1 if i == len(kernels) - 1 else 2
        table[f"kernel_{i}"] = draws.standard_normal(shape) * np.sqrt(gain / np.prod(shape[:-1]))
        table[f"bias_{i}"] = np.zeros(shape[-1])
    return {name: w.astype(np.float32) for name, w in table.items()}


@functools.cache
def _programs() -> tuple[Callable, Callable]:
    """Training, and the features."""
    import jax
    import optax

    from nnspec.architectures.convolutional.convolution import convolution_2d
    from nnspec.architectures.convolutional.network import flatten_features
    from nnspec.architectures.convolutional.pooling import max_pool
    from nnspec.components.activations import relu
    from nnspec.components.layers import dense
    from nnspec.components.losses.cross_entropy import softmax_cross_entropy_with_integer_labels
    from nnspec.training.adam import adam

    method = adam(RATE)

    def row(w: Any, x: Any) -> Any:
        for i in range(2):
            x = max_pool(relu(convolution_2d(x, w[f"kernel_{i}"], w[f"bias_{i}"], padding="same")), window=(2, 2))
        return flatten_features(x)

    def loss(w: Any, x: Any, labels: Any) -> Any:
        hidden = relu(dense(row(w, x), w["kernel_2"], w["bias_2"]))
        logits = dense(hidden, w["kernel_3"], w["bias_3"])
        return softmax_cross_entropy_with_integer_labels(logits, labels).mean()

    @jax.jit
    def update(w: Any, state: Any, x: Any, labels: Any) -> tuple:
        moves, state = method.update(jax.grad(loss)(w, x, labels), state, w)
        return optax.apply_updates(w, moves), state

    def train(w: Any, x: np.ndarray, labels: np.ndarray, orders: np.ndarray) -> Any:
        state = method.init(w)
        for batch in orders:  # a call for each step: convolutions in a scan take longer on a CPU
            w, state = update(w, state, x[batch], labels[batch])
        return w

    return train, jax.jit(row)
