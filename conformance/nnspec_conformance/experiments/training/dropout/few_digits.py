"""A network that has seen 200 digits: what it has learned, and how much of its capacity it uses."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from nnspec_conformance.experiments.training.adam.sensitivity import digits

FEW, BATCH, HIDDEN, CLASSES = 200, 20, 128, 10
RATE = 0.01  # of Adam


def ends(seeds: int, epochs: int, *, rate: float = 0.0, strengths: Sequence[float] = (0.0,)) -> dict[str, np.ndarray]:
    """What each run ends with, by name, [seeds, 2, strengths]; measured without dropout.

    The first of the two has the digits' labels. The second has labels that are drawn at random, so that there is
    nothing to learn but the images one by one.

    Args:
        seeds: number of runs of each kind.
        epochs: of each run.
        rate: of the dropout on the hidden layer.
        strengths: of the L2 penalty on both kernels.
    """
    import jax
    import jax.numpy as jnp

    images, labels = digits()
    starts = [start(seed, epochs, labels) for seed in range(seeds)]
    params, order, both, batches = jax.tree.map(lambda *x: jnp.stack(x), *starts)
    keys = jax.random.split(jax.random.key(0), seeds)
    run = partial(trained, rate=rate)
    run = jax.vmap(jax.vmap(jax.vmap(run, (None,) * 5 + (0,)), (None, None, 0) + (None,) * 3), (0,) * 5 + (None,))
    found = jax.jit(run)(params, jnp.asarray(images)[order], both, batches, keys, jnp.asarray(strengths))
    return {name: np.asarray(x, np.float64) for name, x in found.items()}


def start(seed: int, epochs: int, labels: np.ndarray) -> tuple[dict, np.ndarray, np.ndarray, np.ndarray]:
    """The first parameters, the order of the images, their labels and drawn ones, the batches of all steps."""
    random = np.random.default_rng(seed)
    params = {
        "kernel_0": random.standard_normal((64, HIDDEN)) / 8,
        "bias_0": np.zeros(HIDDEN),
        "kernel_1": random.standard_normal((HIDDEN, CLASSES)) / np.sqrt(HIDDEN),
        "bias_1": np.zeros(CLASSES),
    }
    order = random.permutation(len(labels))
    batches = np.concatenate([random.permutation(FEW).reshape(-1, BATCH) for _ in range(epochs)])
    both = np.stack([labels[order], random.integers(0, CLASSES, len(labels))]).astype(np.int32)
    return {name: x.astype(np.float32) for name, x in params.items()}, order, both, batches


def trained(params: Any, x: Any, y: Any, batches: Any, key: Any, strength: Any, *, rate: float) -> dict[str, Any]:
    """One run on the first 200 images, tested on all others."""
    import jax
    import jax.numpy as jnp
    import optax

    from nnspec.components.losses.cross_entropy import softmax_cross_entropy_with_integer_labels
    from nnspec.training.adam import adam
    from nnspec.training.dropout import dropout
    from nnspec.training.regularization import l2_penalty, penalized

    method = adam(RATE)

    def features(p: Any, x: Any) -> Any:
        return jax.nn.relu(x @ p["kernel_0"] + p["bias_0"])

    def logits(p: Any, hidden: Any) -> Any:
        return hidden @ p["kernel_1"] + p["bias_1"]

    def loss(p: Any, hidden: Any, y: Any) -> Any:
        return softmax_cross_entropy_with_integer_labels(logits(p, hidden), y).mean()

    def objective(p: Any, batch: Any, key: Any) -> Any:
        hidden = dropout(features(p, x[batch]), key, rate=rate)
        return loss(p, hidden, y[batch]) + penalized(p, lambda kernel: l2_penalty(kernel, strength=strength))

    def step(carry: tuple, given: tuple) -> tuple:
        p, state = carry
        updates, state = method.update(jax.grad(objective)(p, *given), state, p)
        return (optax.apply_updates(p, updates), state), None

    keys = jax.random.split(key, len(batches))
    (p, _), _ = jax.lax.scan(step, (params, method.init(params)), (batches, keys))
    seen, others = features(p, x[:FEW]), features(p, x[FEW:])
    return {
        "training loss": loss(p, seen, y[:FEW]),
        "test loss": loss(p, others, y[FEW:]),
        "training accuracy": (logits(p, seen).argmax(-1) == y[:FEW]).mean(),
        "test accuracy": (logits(p, others).argmax(-1) == y[FEW:]).mean(),
        "norm": jnp.sqrt(sum(jnp.sum(p[name] ** 2) for name in ("kernel_0", "kernel_1"))),
        "rank": directions(others),
    }


def directions(features: Any) -> Any:
    """How many directions the features use: (tr C)² / tr C² of their covariance C, which is k for k equal variances."""
    import jax.numpy as jnp

    apart = features - features.mean(0)
    covariance = apart.T @ apart / len(features)
    total = jnp.trace(covariance)
    return jnp.where(total > 0, total**2 / jnp.maximum(jnp.sum(covariance**2), 1e-30), 0.0)
