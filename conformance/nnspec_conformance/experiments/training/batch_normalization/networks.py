"""Two hidden layers for the digits, with batch norm or without, and dropout on either side of the second norm."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

HIDDEN, CLASSES, DECAY = 64, 10, 0.9


def start(seed: int, examples: int, batch: int, epochs: int) -> tuple[dict, np.ndarray, np.ndarray]:
    """The first parameters, the order of all images, and the batches of all steps."""
    random = np.random.default_rng(seed)
    sizes = (64, HIDDEN, HIDDEN, CLASSES)
    params = {
        f"kernel_{i}": random.standard_normal(shape) * np.sqrt(2 / shape[0])
        for i, shape in enumerate(itertools.pairwise(sizes))
    }
    params |= {f"bias_{i}": np.zeros(n) for i, n in enumerate(sizes[1:])}
    params |= {f"scale_{i}": np.ones(HIDDEN) for i in range(2)}
    order = random.permutation(1797)
    batches = np.concatenate([random.permutation(examples).reshape(-1, batch) for _ in range(epochs)])
    return {name: x.astype(np.float32) for name, x in params.items()}, order, batches


def statistics() -> dict[str, Any]:
    """The running statistics of a new network."""
    import jax.numpy as jnp

    return {f"{name}_{i}": fill(HIDDEN) for i in range(2) for name, fill in (("mean", jnp.zeros), ("var", jnp.ones))}


def answer(
    p: Any, seen: Any, x: Any, *, norm: bool, train: bool, key: Any = None, before: float = 0.0, behind: float = 0.0
) -> tuple[Any, dict[str, Any], Any]:
    """The logits, the running statistics that a step leaves, and what comes to the second norm.

    Args:
        p: parameters.
        seen: running statistics.
        x: images.
        norm: whether there is batch norm; without it the scale is not used.
        train: whether the statistics are the batch's, and units are dropped.
        key: of the dropout.
        before: rate of the dropout right before the second norm.
        behind: rate of the dropout behind the second norm and its ReLU.
    """
    import jax

    from nnspec.training.batch_normalization import batch_norm, batch_norm_eval, batch_norm_update
    from nnspec.training.dropout import dropout

    left, z = dict(seen), x
    for i in range(2):
        z = x @ p[f"kernel_{i}"]
        if i and before:
            z = dropout(z, key, rate=before, train=train)
        weights = (p[f"scale_{i}"], p[f"bias_{i}"])
        mean, variance = seen[f"mean_{i}"], seen[f"var_{i}"]
        if norm and train:
            left[f"mean_{i}"], left[f"var_{i}"] = batch_norm_update(
                jax.lax.stop_gradient(z), mean, variance, decay=DECAY
            )
            x = batch_norm(z, *weights)
        else:
            x = batch_norm_eval(z, mean, variance, *weights) if norm else z + weights[1]
        x = jax.nn.relu(x)
        if i and behind:
            x = dropout(x, key, rate=behind, train=train)
    return x @ p["kernel_2"] + p["bias_2"], left, z


def loss_of(logits: Any, y: Any) -> Any:
    """The mean cross-entropy."""
    from nnspec.components.losses.cross_entropy import softmax_cross_entropy_with_integer_labels

    return softmax_cross_entropy_with_integer_labels(logits, y).mean()


def trained(p: Any, x: Any, y: Any, batches: Any, rate: Any, *, norm: bool, key: Any = None, **drop: float) -> tuple:
    """Parameters and running statistics after plain steps on all batches, and the loss of each step."""
    import jax
    import jax.numpy as jnp

    def step(carry: tuple, given: tuple) -> tuple:
        p, seen = carry
        batch, k = given

        def objective(p: Any) -> tuple:
            logits, left, _ = answer(p, seen, x[batch], norm=norm, train=True, key=k, **drop)
            return loss_of(logits, y[batch]), left

        (value, left), g = jax.value_and_grad(objective, has_aux=True)(p)
        return (jax.tree.map(lambda w, s: w - rate * s, p, g), left), value

    keys = jax.random.split(jax.random.key(0) if key is None else key, len(batches))
    (p, seen), losses = jax.lax.scan(step, (p, statistics()), (jnp.asarray(batches), keys))
    return p, seen, losses
