"""B.1.1: do the filters of a first layer become detectors of oriented edges?"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from nnspec_conformance.experiments.architectures.convolutional import digits, learning
from nnspec_conformance.experiments.core import Effect, Outcome, experiment, watched
from nnspec_conformance.experiments.statistics import geometric_interval, mean_interval

TAPS, FILTERS, STRIDE = 5, 16, 2
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


def trained(seed: int, images: int, epochs: int) -> tuple[np.ndarray, np.ndarray, float]:
    """The first layer's kernel before and after training, and the accuracy on other images."""
    (x, labels), (others, truth) = digits.halves(seed, images, 1000)
    weights = learning.start(seed, (TAPS, TAPS, 1, FILTERS), (PLACES * PLACES * FILTERS, 10))
    train, logits = _programs()
    last = train(weights, x, labels, learning.orders(1000 + seed, images, epochs))
    hits = np.asarray(logits(last, others)).argmax(-1) == truth
    return weights["kernel_0"], np.asarray(last["kernel_0"]), float(hits.mean())


@functools.cache
def _programs() -> tuple[Callable, Callable]:
    import jax

    from nnspec.architectures.convolutional.convolution import convolution_2d
    from nnspec.components.activations import relu
    from nnspec.components.layers import dense

    def logits(w: Any, x: Any) -> Any:
        maps = convolution_2d(x, w["kernel_0"], w["bias_0"], padding="valid", stride=(STRIDE, STRIDE))
        return dense(relu(maps).reshape(len(x), -1), w["kernel_1"], w["bias_1"])

    return learning.training(logits), jax.jit(logits)
