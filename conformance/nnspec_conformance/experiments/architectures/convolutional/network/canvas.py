"""Digits at random places of a canvas, and what is trained on them."""

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


def canvases(seed: int, images: int) -> tuple[Data, Data]:
    """Images, labels, and rows and columns of the digits: to learn from, and to test with."""
    halves = digits.halves(seed, images, TEST)
    draws = np.random.default_rng(2000 + seed)
    return tuple(_placed(x, labels, draws) for x, labels in halves)  # type: ignore[return-value]


def _placed(x: np.ndarray, labels: np.ndarray, draws: np.random.Generator) -> Data:
    small = x.reshape(len(x), SMALL, 2, SMALL, 2).mean((2, 4))
    places = draws.integers(0, SIDE - SMALL + 1, (len(x), 2))
    canvas = np.zeros((len(x), SIDE, SIDE, 1), np.float32)
    for image, digit, (row, column) in zip(canvas, small, places, strict=True):
        image[row : row + SMALL, column : column + SMALL, 0] = digit
    return canvas, labels, places


def exchanged(seed: int, x: np.ndarray) -> np.ndarray:
    """The pixels of every image in one other order."""
    order = np.random.default_rng(3000 + seed).permutation(SIDE * SIDE)
    return x.reshape(len(x), -1)[:, order].reshape(x.shape)


def convolutional_start(seed: int) -> dict[str, np.ndarray]:
    """Weights of variance 2/n before ReLU and 1/n at the output, biases zero."""
    n0, n1 = MAPS
    kernels = [(5, 5, 1, n0), (5, 5, n0, n1), ((SIDE // 4) ** 2 * n1, HIDDEN), (HIDDEN, CLASSES)]
    return _start(seed, kernels)


def dense_start(seed: int, units: int) -> dict[str, np.ndarray]:
    """The table of a dense network with one hidden layer."""
    return _start(seed, [(SIDE * SIDE, units), (units, CLASSES)])


def _start(seed: int, kernels: list[tuple[int, ...]]) -> dict[str, np.ndarray]:
    draws, table = np.random.default_rng(seed), {}
    for i, shape in enumerate(kernels):
        gain = 1 if i == len(kernels) - 1 else 2
        table[f"kernel_{i}"] = draws.standard_normal(shape) * np.sqrt(gain / np.prod(shape[:-1]))
        table[f"bias_{i}"] = np.zeros(shape[-1])
    return {name: w.astype(np.float32) for name, w in table.items()}


def trained(kind: str, seed: int, weights: dict, x: np.ndarray, labels: np.ndarray, epochs: int) -> Any:
    """The table after training; ``kind`` is ``convolutional`` or ``dense``."""
    draws = np.random.default_rng(1000 + seed)
    orders = np.concatenate([draws.permutation(len(x)) for _ in range(epochs)]).reshape(-1, BATCH)
    return programs(kind)[0](weights, x, labels, orders)


def accuracy(kind: str, weights: Any, x: np.ndarray, labels: np.ndarray) -> float:
    """The share of images whose largest logit is that of their class."""
    return float((np.asarray(programs(kind)[1](weights, x)).argmax(-1) == labels).mean())


def values(weights: Any, x: Any) -> dict:
    """Every value of the convolutional network."""
    from nnspec.architectures.convolutional.network import lenet

    return lenet(x, weights, activation="relu", pooling="max")


@functools.cache
def programs(kind: str) -> tuple[Callable, Callable]:
    """Training, and the logits."""
    import jax
    import optax

    from nnspec.components.layers import mlp
    from nnspec.components.losses.cross_entropy import softmax_cross_entropy_with_integer_labels
    from nnspec.training.adam import adam

    def logits(w: Any, x: Any) -> Any:
        if kind == "convolutional":
            return values(w, x)["output"]
        return mlp(x.reshape(len(x), -1), w, activation="relu")

    def loss(w: Any, x: Any, labels: Any) -> Any:
        return softmax_cross_entropy_with_integer_labels(logits(w, x), labels).mean()

    def train(w: Any, x: Any, labels: Any, orders: Any) -> Any:
        method = adam(RATE)

        def update(carry: tuple, batch: Any) -> tuple:
            w, state = carry
            moves, state = method.update(jax.grad(loss)(w, x[batch], labels[batch]), state, w)
            return (optax.apply_updates(w, moves), state), None

        return jax.lax.scan(update, (w, method.init(w)), orders)[0][0]

    return jax.jit(train), jax.jit(logits)
