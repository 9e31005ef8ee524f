"""What the experiments on convolutional networks share: weights at the start, the order of the images, and training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

BATCH, RATE = 50, 1e-3


def start(seed: int, *kernels: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Kernels of these shapes and their biases: variance 2/n before ReLU and 1/n at the output, biases zero.

    Args:
        seed: of the draws.
        kernels: of each layer, the last one is the output; n is the product of all lengths but the last.
    """
    draws, table = np.random.default_rng(seed), {}
    for i, shape in enumerate(kernels):
        gain = 1 if i == len(kernels) - 1 else 2
        table[f"kernel_{i}"] = draws.standard_normal(shape) * np.sqrt(gain / np.prod(shape[:-1]))
        table[f"bias_{i}"] = np.zeros(shape[-1])
    return {name: w.astype(np.float32) for name, w in table.items()}


def orders(seed: int, images: int, epochs: int) -> np.ndarray:
    """The images of each step: all of them in another order in each epoch, cut into batches."""
    draws = np.random.default_rng(seed)
    return np.concatenate([draws.permutation(images) for _ in range(epochs)]).reshape(-1, BATCH)


def training(logits: Callable[[Any, Any], Any]) -> Callable:
    """The function of a table, images, labels and orders that gives the table after training with Adam.

    Each step is a call: as the body of ``jax.lax.scan``, convolutions over several channels take twice as long on a
    CPU, with the same results.

    Args:
        logits: of a table and a batch of images.
    """
    import jax
    import optax

    from nnspec.components.losses.cross_entropy import softmax_cross_entropy_with_integer_labels
    from nnspec.training.adam import adam

    method = adam(RATE)

    def loss(w: Any, x: Any, labels: Any) -> Any:
        return softmax_cross_entropy_with_integer_labels(logits(w, x), labels).mean()

    @jax.jit
    def update(w: Any, state: Any, x: Any, labels: Any) -> tuple:
        moves, state = method.update(jax.grad(loss)(w, x, labels), state, w)
        return optax.apply_updates(w, moves), state

    def train(w: Any, x: np.ndarray, labels: np.ndarray, orders: np.ndarray) -> Any:
        state = method.init(w)
        for batch in orders:
            w, state = update(w, state, x[batch], labels[batch])
        return w

    return train
