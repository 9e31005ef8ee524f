"""B.1.3: a linear map of a trained network's features, and one of the pixels, that classify and regress."""

from __future__ import annotations

import numpy as np

from nnspec_conformance.experiments.architectures.convolutional.network import canvas
from nnspec_conformance.experiments.core import Effect, Outcome, experiment, watched
from nnspec_conformance.experiments.statistics import mean_interval

RIDGE = 0.01  # of the mean squared feature


@experiment("network-read-out", short={"seeds": 2, "images": 1000, "epochs": 3})
def read_out(seeds: int, *, images: int = 4000, epochs: int = 10) -> Outcome:
    """Accuracy and explained variance, from features and from pixels."""
    rows = []
    for seed in watched(range(seeds), "seeds"):
        (x, labels, places), (others, truth, there) = canvas.canvases(seed, images)
        weights = canvas.trained(seed, x, labels, epochs)
        found: dict = {"seed": seed}
        read = {"features": tuple(canvas.features(weights, a) for a in (x, others)), "pixels": (x, others)}
        for name, images_of in read.items():
            inputs, held_out = (np.asarray(a, np.float64).reshape(len(a), -1) for a in images_of)
            scores = fitted(inputs, np.eye(canvas.CLASSES)[labels], held_out)
            found[f"accuracy, {name}"] = float((scores.argmax(-1) == truth).mean())
            off = fitted(inputs, places.astype(np.float64), held_out) - there
            found[f"R2 of the place, {name}"] = 1 - float((off**2).sum() / ((there - there.mean(0)) ** 2).sum())
        rows.append(found)
    came = {name: float(np.mean([row[name] for row in rows])) for name in rows[0] if name != "seed"}
    ahead = [row["accuracy, features"] - row["accuracy, pixels"] for row in rows]
    value, low, high = mean_interval(ahead)
    came["accuracy, features less pixels"] = value
    came["R2, features less pixels"] = came["R2 of the place, features"] - came["R2 of the place, pixels"]
    return Outcome(came, Effect("accuracy from the features less that from the pixels", value, (low, high)), rows)


def fitted(inputs: np.ndarray, targets: np.ndarray, held_out: np.ndarray) -> np.ndarray:
    """What a linear map with a constant, fitted by least squares with a ridge, gives for other inputs."""
    middle, level = inputs.mean(0), targets.mean(0)
    centred = inputs - middle
    ridge = RIDGE * np.mean(centred**2) * len(inputs)
    products = centred.T @ centred + ridge * np.eye(centred.shape[1])
    return (held_out - middle) @ np.linalg.solve(products, centred.T @ (targets - level)) + level
