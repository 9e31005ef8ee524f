"""A small convolutional network, and dense ones of equal parameters and of equal products, on the same images."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from nnspec_conformance.experiments.architectures.convolutional import learning
from nnspec_conformance.experiments.architectures.convolutional.canvas import SIDE

CONVOLUTIONAL, PARAMETERS, PRODUCTS = "convolutional", "equal parameters", "equal products"
NAMES = (CONVOLUTIONAL, PARAMETERS, PRODUCTS)
MAPS, UNITS, TAPS = (6, 12), 32, 5

Images = tuple[np.ndarray, np.ndarray]


def kernels(channels: int, classes: int) -> dict[str, list[tuple[int, ...]]]:
    """The shapes of the kernels of each network; the dense ones have one hidden layer."""
    features = (SIDE // 4) ** 2 * MAPS[1]
    shapes = [(TAPS, TAPS, channels, MAPS[0]), (TAPS, TAPS, *MAPS), (features, UNITS), (UNITS, classes)]
    inputs = SIDE**2 * channels
    found: dict[str, list[tuple[int, ...]]] = {CONVOLUTIONAL: shapes}
    equal = {
        PARAMETERS: (parameters(shapes) - classes) / (inputs + 1 + classes),
        PRODUCTS: products(shapes) / (inputs + classes),
    }
    return found | {name: [(inputs, round(units)), (round(units), classes)] for name, units in equal.items()}


def parameters(shapes: list[tuple[int, ...]]) -> int:
    """How many weights and biases a network has."""
    return sum(math.prod(shape) + shape[-1] for shape in shapes)


def products(shapes: list[tuple[int, ...]]) -> int:
    """How many products one image takes, those with zeros of the padding among them."""
    places = iter((SIDE**2, (SIDE // 2) ** 2))  # of the convolutions, one after the other
    return sum(math.prod(shape) * (next(places) if len(shape) == 4 else 1) for shape in shapes)


def accuracies(
    seed: int, learned: Images, others: Images, classes: int, epochs: int, names: tuple[str, ...] = NAMES
) -> dict[str, float]:
    """The accuracy of each network on other images, after training on the first ones."""
    orders, found = learning.orders(1000 + seed, len(learned[0]), epochs), {}
    (train, logits), shapes = _programs(), kernels(learned[0].shape[-1], classes)
    for name in names:
        weights = train(learning.start(seed, *shapes[name]), *learned, orders)
        found[name] = float((np.asarray(logits(weights, others[0])).argmax(-1) == others[1]).mean())
    return found


@functools.cache
def _programs() -> tuple[Callable, Callable]:
    """Training, and the logits: convolutions as long as kernels have windows, then two dense layers."""
    import jax

    from nnspec.architectures.convolutional.convolution import convolution_2d
    from nnspec.architectures.convolutional.pooling import max_pool
    from nnspec.components.activations import relu
    from nnspec.components.layers import dense

    def logits(w: Any, x: Any) -> Any:
        layer = 0
        while w[f"kernel_{layer}"].ndim == 4:
            maps = relu(convolution_2d(x, w[f"kernel_{layer}"], w[f"bias_{layer}"], padding="same"))
            x, layer = max_pool(maps, window=(2, 2)), layer + 1
        hidden = relu(dense(x.reshape(len(x), -1), w[f"kernel_{layer}"], w[f"bias_{layer}"]))
        return dense(hidden, w[f"kernel_{layer + 1}"], w[f"bias_{layer + 1}"])

    return learning.training(logits), jax.jit(logits)
