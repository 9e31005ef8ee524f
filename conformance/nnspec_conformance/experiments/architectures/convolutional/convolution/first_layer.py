"""B.1.1: do the filters of a first layer become detectors of oriented edges?"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from nnspec_conformance.experiments.architectures.convolutional import digits
from nnspec_conformance.experiments.core import Effect, Outcome, experiment, watched
from nnspec_conformance.experiments.statistics import geometric_interval, mean_interval

TAPS, FILTERS, STRIDE, BATCH, RATE = 5, 16, 2, 50, 1e-3
PLACES = (digits.SIDE - TAPS) // STRIDE + 1
GRID = 32  # frequencies along each axis


@experiment("first-layer-orientation", short={"seeds": 2, "images": 500, "epochs": 2})
def orientation(seeds: int, *, images: int = 4000, epochs: int = 20) -> Outcome:
    """The share of the energy in the strongest half-plane: at the start, at the end, and of what was learned."""
    found: dict[str, list[float]] = {name: [] for name in ("untrained", "trained", "learned", "accuracy")}
    shown: dict[str, Any] = {}
    for seed in watched(range(seeds), "seeds"):
        first, last, accuracy = trained(seed, images, epochs)
        kernels = {"untrained": first, "trained": last, "learned": last - first}
        for name, kernel in kernels.items():
            found[name].append(float(np.mean(shares(kernel))))
        found["accuracy"].append(accuracy)
        if not seed:
            shown = {name: np.round(kernels[name][:, :, 0], 4).tolist() for name in ("untrained", "trained")}
    ratio, low, high = geometric_interval(np.divide(found["trained"], found["untrained"]))
    came = {"trained over untrained": ratio}
    came |= {f"share, {name}": float(np.mean(found[name])) for name in ("untrained", "trained", "learned")}
    came["accuracy"] = mean_interval(found["accuracy"])[0]
    rows = [{"seed": seed} | {name: values[seed] for name, values in found.items()} for seed in range(seeds)]
    return Outcome(
        came,
        Effect("share in the strongest half-plane, trained over untrained", ratio, (low, high)),
        rows,
        {"kernels": shown},
    )


def shares(kernel: np.ndarray) -> np.ndarray:
    """The largest share of each filter's energy in one of 8 halves of the plane of frequencies.

    A half holds the frequencies whose direction is within 45 degrees of an axis; the 8 axes are 22.5 degrees apart. The
    frequency zero, the mean, counts in none.
    """
    energy = np.abs(np.fft.fft2(np.moveaxis(kernel[:, :, 0], -1, 0), (GRID, GRID))) ** 2
    energy[:, 0, 0] = 0
    frequency = np.fft.fftfreq(GRID)
    direction = np.arctan2(frequency[:, None], frequency)
    halves = [np.cos(2 * (direction - turn * np.pi / 8)) >= 0 for turn in range(8)]
    within = np.stack([(energy * half).sum((1, 2)) for half in halves])
    return (within / energy.sum((1, 2))).max(0)


def start(seed: int) -> dict[str, np.ndarray]:
    """Weights of variance 2/n before ReLU and 1/n at the output, biases zero."""
    draws = np.random.default_rng(seed)
    features = PLACES * PLACES * FILTERS
    table = {
        "kernel_0": draws.standard_normal((TAPS, TAPS, 1, FILTERS)) * np.sqrt(2 / TAPS**2),
        "bias_0": np.zeros(FILTERS),
        "kernel_1": draws.standard_normal((features, 10)) * np.sqrt(1 / features),
        "bias_1": np.zeros(10),
    }
    return {name: w.astype(np.float32) for name, w in table.items()}


def trained(seed: int, images: int, epochs: int) -> tuple[np.ndarray, np.ndarray, float]:
    """The first layer's kernel before and after training, and the accuracy on other images."""
    (x, labels), (others, truth) = digits.halves(seed, images, 1000)
    draws = np.random.default_rng(1000 + seed)
    orders = np.concatenate([draws.permutation(images) for _ in range(epochs)]).reshape(-1, BATCH)
    weights = start(seed)
    train, logits = _programs()
    last = train(weights, x, labels, orders)
    hits = np.asarray(logits(last, others)).argmax(-1) == truth
    return weights["kernel_0"], np.asarray(last["kernel_0"]), float(hits.mean())


@functools.cache
def _programs() -> tuple[Callable, Callable]:
    import jax
    import optax

    from nnspec.architectures.convolutional.convolution import convolution_2d
    from nnspec.components.activations import relu
    from nnspec.components.layers import dense
    from nnspec.components.losses.cross_entropy import softmax_cross_entropy_with_integer_labels
    from nnspec.training.adam import adam

    def logits(w: Any, x: Any) -> Any:
        maps = convolution_2d(x, w["kernel_0"], w["bias_0"], padding="valid", stride=(STRIDE, STRIDE))
        return dense(relu(maps).reshape(len(x), -1), w["kernel_1"], w["bias_1"])

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
