"""A.2.2: do hidden layers learn useful features? A linear probe on a layer, before and after the network is trained."""

from __future__ import annotations

import functools
import itertools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from nnspec_conformance.errors import HarnessError
from nnspec_conformance.experiments.core import Effect, Outcome, experiment, watched
from nnspec_conformance.experiments.statistics import mean_interval

WIDTHS = (64, 32, 32, 10)
RATE = 0.01
NAMES = {
    "untrained": "32 hidden units, untrained",
    "trained": "32 hidden units, trained",
    "pixels": "the 64 pixels",
    "wide": "random ReLU features",
}
NOTE = (
    "Trained units, pixels and random features came as predicted; the untrained units lower, 84 % instead of "
    "88, so that the difference is in the upper part of the predicted range. Random narrow layers do not only fold, "
    "they also line up: looked at after the first run, their 32 units vary in 6 effective dimensions where the pixels "
    "have 13. "
    "Training does not widen that, it leaves 5; but they are the ones that tell the classes apart."
)


@experiment("hidden-features", short={"seeds": 2, "steps": 30, "wide": 64, "images": 200})
def hidden_features(seeds: int, *, steps: int = 300, wide: int = 2048, images: int | None = None) -> Outcome:
    """Accuracy of the probe on four kinds of features, and the paired difference trained less untrained.

    The random ReLU features are ``wide``; of the data the first ``images`` are taken, or all.
    """
    accuracy = {name: np.array([]) for name in NAMES}
    dimensions = dict(accuracy)
    network = []
    for seed in watched(range(seeds), "hidden-features"):
        found, spread, own = one_seed(seed, steps, wide, images)
        network.append(own)
        accuracy = {name: np.append(values, found[name]) for name, values in accuracy.items()}
        dimensions = {name: np.append(values, spread[name]) for name, values in dimensions.items()}

    rows: list[dict[str, Any]] = []
    for name, values in accuracy.items():
        mean, low, high = mean_interval(values)
        less, less_low, less_high = mean_interval(values - accuracy["untrained"])
        rows.append({
            "features": f"{wide:,} {NAMES[name]}" if name == "wide" else NAMES[name],
            "accuracy, %": mean,
            "interval": f"{low:.1f} to {high:.1f}",
            "effective dimensions": float(dimensions[name].mean()),
            "more than untrained": "–" if name == "untrained" else f"{less:.1f} [{less_low:.1f}, {less_high:.1f}]",
        })  # fmt: skip
    rows.append({
        "features": "none: the trained network's own answer",
        "accuracy, %": float(np.mean(network)),
        "interval": "{1:.1f} to {2:.1f}".format(*mean_interval(network)),
        "effective dimensions": "–",
        "more than untrained": "–",
    })  # fmt: skip
    difference, low, high = mean_interval(accuracy["trained"] - accuracy["untrained"])
    means = {name: float(values.mean()) for name, values in accuracy.items()}
    came = {
        "trained less untrained": difference,
        "trained less untrained, lower end": low,
        **{f"accuracy, {name}": mean for name, mean in means.items()},
        "pixels less trained": means["pixels"] - means["trained"],
        "wide less trained": means["wide"] - means["trained"],
    }
    effect = Effect("accuracy of the probe, trained less untrained", difference, (low, high), "percentage points")
    return Outcome(came, effect, rows, {"accuracy": accuracy, "network": network}, NOTE)


def one_seed(seed: int, steps: int, wide: int, images: int | None) -> tuple[dict[str, float], dict[str, float], float]:
    """The probe's accuracy in percent and the effective dimensions by kind of features; the network's own accuracy."""
    x, labels = (part[:images] for part in digits())
    order = np.random.default_rng(seed).permutation(len(x))
    train, test = order[: len(x) // 2], order[len(x) // 2 :]
    first = start(seed)
    last = trained(first, x[train], labels[train], steps)
    draws = np.random.default_rng(10_000 + seed)
    kernel, bias = draws.standard_normal((x.shape[1], wide)) * np.sqrt(2 / x.shape[1]), draws.standard_normal(wide)
    after = hidden(last, x)
    features = {
        "untrained": hidden(first, x)[1],
        "trained": after[1],
        "pixels": x,
        "wide": np.maximum(x @ kernel + bias, 0),
    }
    answer = after[2][test].argmax(1)
    found = {name: probe(f[train], labels[train], f[test], labels[test]) for name, f in features.items()}
    spread = {name: effective_dimensions(f[train]) for name, f in features.items()}
    return found, spread, 100 * float(np.mean(answer == labels[test]))


def effective_dimensions(x: np.ndarray) -> float:
    """The number of directions in which features vary: the eigenvalues' squared sum over their sum of squares."""
    covariance = np.cov(x.T)
    return float(np.trace(covariance) ** 2 / np.sum(covariance**2))


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Images [1797, 64] from 0 to 1, and their labels."""
    try:
        from sklearn.datasets import load_digits
    except ModuleNotFoundError as error:
        raise HarnessError(
            f"the images come with {error.name}; install it with: pip install 'nnspec[experiments]'"
        ) from error
    x, labels = load_digits(return_X_y=True)
    return (x / 16).astype(np.float32), labels


def start(seed: int) -> dict[str, np.ndarray]:
    """Weights of variance 2/n, biases zero."""
    draws, weights = np.random.default_rng(seed), {}
    for i, (n, m) in enumerate(itertools.pairwise(WIDTHS)):
        weights[f"kernel_{i}"] = (draws.standard_normal((n, m)) * np.sqrt(2 / n)).astype(np.float32)
        weights[f"bias_{i}"] = np.zeros(m, np.float32)
    return weights


def trained(weights: dict[str, np.ndarray], x: np.ndarray, labels: np.ndarray, steps: int) -> dict[str, np.ndarray]:
    """The weights after all steps, on the reference."""
    return {name: np.asarray(value) for name, value in _training(steps)(weights, x, labels).items()}


@functools.cache
def _training(steps: int) -> Callable:
    """Full-batch Adam as one compiled program."""
    import jax
    import jax.numpy as jnp
    import optax

    from nnspec.components.activations import log_softmax
    from nnspec.components.layers import mlp

    optimizer = optax.adam(RATE)

    def loss(weights, x, labels):
        logits = mlp(x, weights, activation="relu")
        return -jnp.mean(jnp.take_along_axis(log_softmax(logits), labels[:, None], axis=1))

    @jax.jit
    def run(weights, x, labels):
        def step(carry, _):
            weights, state = carry
            updates, state = optimizer.update(jax.grad(loss)(weights, x, labels), state, weights)
            return (optax.apply_updates(weights, updates), state), None

        return jax.lax.scan(step, (weights, optimizer.init(weights)), None, steps)[0][0]

    return run


def hidden(weights: dict[str, np.ndarray], x: np.ndarray) -> list[np.ndarray]:
    """What each layer hands on; the last is the output."""
    from nnspec.components.activations import relu
    from nnspec.components.layers import dense

    found, h = [], x
    for i in range(len(WIDTHS) - 1):
        z = dense(h, weights[f"kernel_{i}"], weights[f"bias_{i}"])
        h = np.asarray(relu(z) if i < len(WIDTHS) - 2 else z)
        found.append(h)
    return found


def probe(x: np.ndarray, labels: np.ndarray, x_test: np.ndarray, labels_test: np.ndarray) -> float:
    """Accuracy in percent, on the test half, of multinomial logistic regression on standardized features."""
    from sklearn.linear_model import LogisticRegression

    mean, deviation = x.mean(0), x.std(0)
    scale = np.where(deviation > 0, deviation, 1)  # a pixel that is always white, a unit that is always off
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # one that has not converged is no result
        model = LogisticRegression(C=1.0, max_iter=5000).fit(((x - mean) / scale).astype(np.float32), labels)
    return 100 * float(model.score(((x_test - mean) / scale).astype(np.float32), labels_test))
