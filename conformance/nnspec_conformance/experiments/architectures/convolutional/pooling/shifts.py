"""B.1.2: does pooling keep what matters, and how much changes when the image moves?"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from nnspec_conformance.experiments.architectures.convolutional import digits, learning
from nnspec_conformance.experiments.core import Effect, Outcome, experiment, watched
from nnspec_conformance.experiments.statistics import mean_interval

TAPS = 5
FILTERS = {"max": 16, "average": 16, "stride": 16, "none": 4}  # a quarter of the filters where maps keep their size
FEATURES = 2304  # 12 x 12 x 16 or 24 x 24 x 4
SHIFTS = (1, 2, 3, 4)
DIRECTIONS = ((0, 1), (0, -1), (1, 0), (-1, 0))


@experiment("pooling-shifts", short={"seeds": 2, "images": 200, "epochs": 1, "others": 100, "ways": ("max", "none")})
def shifts(
    seeds: int, *, images: int = 2000, epochs: int = 10, others: int = 1000, ways: tuple[str, ...] = tuple(FILTERS)
) -> Outcome:
    """Accuracy as the images are and moved, and how far the features move, for each way to shrink the maps."""
    found: dict[str, list[dict]] = {way: [] for way in ways}
    for seed in watched(range(seeds), "seeds"):
        for way in ways:
            found[way].append(measured(way, seed, images, epochs, others))
    mean = {way: {name: float(np.mean([run[name] for run in found[way]])) for name in found[way][0]} for way in ways}
    less, low, high = mean_interval([a["at 0"] - b["at 0"] for a, b in zip(found["max"], found["none"], strict=True)])
    came = {"accuracy, max less none": less}
    for way in ways:
        if way != "none":
            came[f"accuracy, {way} less none"] = mean[way]["at 0"] - mean["none"]["at 0"]
            came[f"change, {way} over none"] = mean[way]["change"] / mean["none"]["change"]
    losses = {way: mean[way]["at 0"] - mean[way]["at 2"] for way in ways}
    came["loss at 2 pixels, max over none"] = losses["max"] / losses["none"]
    came["accuracy at 4 pixels, max"] = mean["max"]["at 4"]
    words = {"at 0": "accuracy", **{f"at {d}": f"moved by {d}" for d in SHIFTS}, "change": "change at 1 pixel"}
    rows = [{"way": way} | {word: mean[way][name] for name, word in words.items()} for way in ways]
    effect = Effect("accuracy with max pooling less accuracy without", less, (low, high))
    accuracies = {way: [mean[way][f"at {d}"] for d in (0, *SHIFTS)] for way in ways}
    return Outcome(came, effect, rows, {"accuracies": accuracies})


def measured(way: str, seed: int, images: int, epochs: int, others: int) -> dict[str, float]:
    """One network: its accuracy at each shift, and the relative change of its features at one pixel."""
    (x, labels), (test, truth) = digits.halves(seed, images, others)
    train, features = _programs(way)
    start = learning.start(seed, (TAPS, TAPS, 1, FILTERS[way]), (FEATURES, 10))
    w = train(start, x, labels, learning.orders(2000 + seed, images, epochs))
    head, bias = np.asarray(w["kernel_1"]), np.asarray(w["bias_1"])

    def accuracy(moved: np.ndarray) -> float:
        logits = np.asarray(features(w, moved)) @ head + bias
        return float((logits.argmax(-1) == truth).mean())

    found = {"at 0": accuracy(test)}
    for distance in SHIFTS:
        found[f"at {distance}"] = float(np.mean([accuracy(move(test, distance, d)) for d in DIRECTIONS]))
    still = np.asarray(features(w, test))
    norms = np.linalg.norm(still, axis=-1)
    apart = [np.linalg.norm(features(w, move(test, 1, d)) - still, axis=-1) / norms for d in DIRECTIONS]
    return found | {"change": float(np.mean(apart))}


def move(x: np.ndarray, distance: int, direction: tuple[int, int]) -> np.ndarray:
    """Images moved by so many pixels; what leaves is lost, and what enters is black."""
    down, right = (distance * d for d in direction)
    n, padded = digits.SIDE, np.pad(x, ((0, 0), (distance, distance), (distance, distance), (0, 0)))
    return padded[:, distance - down : distance - down + n, distance - right : distance - right + n]


@functools.cache
def _programs(way: str) -> tuple[Callable, Callable]:
    import jax

    from nnspec.architectures.convolutional.convolution import convolution_2d
    from nnspec.architectures.convolutional.pooling import average_pool, max_pool
    from nnspec.components.activations import relu
    from nnspec.components.layers import dense

    shrink = {"max": max_pool, "average": average_pool}.get(way)
    stride = (2, 2) if way == "stride" else (1, 1)

    def features(w: Any, x: Any) -> Any:
        maps = relu(convolution_2d(x, w["kernel_0"], w["bias_0"], padding="valid", stride=stride))
        return (maps if shrink is None else shrink(maps, window=(2, 2))).reshape(len(x), -1)

    def logits(w: Any, x: Any) -> Any:
        return dense(features(w, x), w["kernel_1"], w["bias_1"])

    return learning.training(logits), jax.jit(features)
