"""What the experiments of the section's page share: a small network that learns digits, many runs in one program."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nnspec_conformance.experiments.training.adam.sensitivity import digits

FEW, TUNING, BATCH, CLASSES = 500, 297, 25, 10  # images to train on, to choose rates by; the other 1,000 test
UPDATES = FEW // BATCH  # an epoch
PARTS = ("training", "tuning", "test")
DROPPED = 0.5  # of the hidden units, where a run drops any
Rule = Callable[[Any], Any]  # from a schedule to an optimizer


def drawing(seed: int, epochs: int, hidden: int, *, labels: str = "true") -> dict[str, Any]:
    """Everything that a run draws: the order that splits the images, labels, the start, and each epoch's batches."""
    random = np.random.default_rng(seed)
    _, answers = digits()
    order = random.permutation(len(answers))
    start = {
        "kernel_0": random.standard_normal((64, hidden)) * np.sqrt(2 / 64),
        "bias_0": np.zeros(hidden),
        "kernel_1": random.standard_normal((hidden, CLASSES)) * np.sqrt(1 / hidden),
        "bias_1": np.zeros(CLASSES),
    }
    batches = np.stack([random.permutation(FEW).reshape(UPDATES, BATCH) for _ in range(epochs)])
    drawn = random.integers(0, CLASSES, len(answers), np.int32)
    return {
        "start": {name: x.astype(np.float32) for name, x in start.items()},
        "order": order.astype(np.int32),
        "labels": answers if labels == "true" else drawn,
        "batches": order[batches].astype(np.int32),
        "seed": np.uint32(seed),
    }


def stacked(drawings: list[dict[str, Any]]) -> Any:
    """The runs side by side, as `jax.vmap` takes them."""
    import jax
    import jax.numpy as jnp

    return jax.tree.map(lambda *x: jnp.stack(x), *drawings)


def trained(drawn: dict[str, Any], rates: Any, strength: Any, drops: Any, which: Any, *, rules: list[Rule]) -> Any:
    """Losses and accuracies after each epoch of one run, all without dropout and penalty.

    Args:
        drawn: of `drawing`.
        rates: the learning rate of every update.
        strength: of the squared penalty on both kernels.
        drops: whether half of the hidden units are dropped in each update.
        which: the number of the rule that this run has.
        rules: each makes an optimizer of a schedule.
    """
    import jax
    import jax.numpy as jnp
    import optax

    from nnspec.components.activations import relu
    from nnspec.components.losses.cross_entropy import softmax_cross_entropy_with_integer_labels
    from nnspec.training.dropout import dropout
    from nnspec.training.regularization import l2_penalty

    x, y, start = jnp.asarray(digits()[0]), drawn["labels"], drawn["start"]
    methods = [rule(lambda count: rates[count]) for rule in rules]
    parts = dict(zip(PARTS, jnp.split(drawn["order"], (FEW, FEW + TUNING)), strict=True))

    def features(p: Any, x: Any) -> Any:
        return relu(x @ p["kernel_0"] + p["bias_0"])

    def losses(p: Any, h: Any, y: Any) -> tuple[Any, Any]:
        logits = h @ p["kernel_1"] + p["bias_1"]
        return softmax_cross_entropy_with_integer_labels(logits, y), logits.argmax(-1) == y

    def objective(p: Any, batch: Any, key: Any) -> Any:
        h = features(p, x[batch])
        h = jnp.where(drops, dropout(h, key, rate=DROPPED), h)
        kernels = l2_penalty(p["kernel_0"], strength=strength) + l2_penalty(p["kernel_1"], strength=strength)
        return losses(p, h, y[batch])[0].mean() + kernels

    def update(carry: tuple, given: tuple) -> tuple:
        p, states = carry
        g = jax.grad(objective)(p, *given)
        found = [of.update(g, state, p) for of, state in zip(methods, states, strict=True)]
        steps, states = [step for step, _ in found], tuple(state for _, state in found)
        chosen = jax.tree.map(lambda *each: jnp.stack(each)[which], steps[0], *steps[1:])
        return (optax.apply_updates(p, chosen), states), None

    def epoch(carry: tuple, given: tuple) -> tuple:
        (p, states), _ = jax.lax.scan(update, carry, given)
        loss, right = losses(p, features(p, x), y)
        measured = {f"{name} loss": loss[part].mean() for name, part in parts.items()}
        return (p, states), measured | {f"{name} accuracy": right[part].mean() for name, part in parts.items()}

    keys = jax.random.split(jax.random.key(drawn["seed"]), drawn["batches"].shape[:2])
    states = tuple(of.init(start) for of in methods)
    return jax.lax.scan(epoch, (start, states), (drawn["batches"], keys))[1]
