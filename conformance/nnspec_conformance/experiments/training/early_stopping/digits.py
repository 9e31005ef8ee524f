"""C.8.2: does early stopping reduce overfitting and save time, and is stopping too early worse?"""

from __future__ import annotations

from typing import Any

import numpy as np

from nnspec_conformance.experiments.core import Effect, Outcome, experiment
from nnspec_conformance.experiments.statistics import mean_interval
from nnspec_conformance.experiments.training.adam.sensitivity import digits

FEW, BATCH, HIDDEN, CLASSES = 100, 10, 64, 10
RATE = 0.01


@experiment("early-stopping-digits", short={"seeds": 2, "epochs": 12, "patience": 3})
def early_stopping_digits(*, seeds: int = 10, epochs: int = 200, patience: int = 20) -> Outcome:
    """Test loss and accuracy after each epoch; early stopping chooses by the validation loss."""
    import jax.numpy as jnp

    from nnspec.training.early_stopping import early_stopping

    found = curves(seeds, epochs)  # each [seeds, epochs]
    metrics = jnp.asarray(found["validation"])
    run = np.arange(seeds)
    patient = {k: np.asarray(v) for k, v in early_stopping(metrics, patience=patience).items()}
    hasty = np.asarray(early_stopping(metrics, patience=1)["returned"])
    stopped = np.where(patient["stopped"] < 0, epochs - 1, patient["stopped"])
    test, right = found["test"], found["accuracy"]
    loss = {
        "patience 1": test[run, hasty],
        f"patience {patience}": test[run, patient["returned"]],
        "last": test[:, -1],
        "lowest": test.min(1),
    }
    mean = {name: float(x.mean()) for name, x in loss.items()}
    returned = mean[f"patience {patience}"]
    ratio, low, high = mean_interval(loss[f"patience {patience}"] / loss["last"])
    came = {
        "test loss, returned over last": returned / mean["last"],
        "test loss, returned over lowest": returned / mean["lowest"],
        "share of the epochs run": float((stopped + 1).mean() / epochs),
        "test loss, patience 1 over 20": mean["patience 1"] / returned,
        "accuracy, returned less last": float((right[run, patient["returned"]] - right[:, -1]).mean()),
    }
    at = {"patience 1": hasty, f"patience {patience}": patient["returned"], "lowest": test.argmin(1)}
    rows: list[dict[str, Any]] = [
        {
            "parameters": name,
            "epoch": float(np.mean(at[name] if name in at else epochs - 1)),
            "test loss": mean[name],
            "accuracy": float(right[run, at[name] if name in at else epochs - 1].mean()),
        }
        for name in loss
    ]
    series = {"epochs": np.arange(epochs), **{name: x[0] for name, x in found.items()}}
    return Outcome(came, Effect("test loss, returned over last", ratio, (low, high)), rows, series)


def curves(seeds: int, epochs: int) -> dict[str, np.ndarray]:
    """The losses after each epoch, and the accuracy on the test images: [seeds, epochs]."""
    import jax
    import jax.numpy as jnp

    images, labels = digits()
    drawn = [drawing(seed, epochs, len(labels)) for seed in range(seeds)]
    params, order, batches = jax.tree.map(lambda *x: jnp.stack(x), *drawn)
    run = jax.jit(jax.vmap(lambda p, o, b: trained(p, jnp.asarray(images)[o], jnp.asarray(labels)[o], b)))
    return {name: np.asarray(x, np.float64) for name, x in run(params, order, batches).items()}


def drawing(seed: int, epochs: int, images: int) -> tuple[dict, np.ndarray, np.ndarray]:
    """The first parameters, the order of the images, and the batches of each epoch."""
    random = np.random.default_rng(seed)
    params = {
        "kernel_0": random.standard_normal((64, HIDDEN)) / 8,
        "bias_0": np.zeros(HIDDEN),
        "kernel_1": random.standard_normal((HIDDEN, CLASSES)) / np.sqrt(HIDDEN),
        "bias_1": np.zeros(CLASSES),
    }
    order = random.permutation(images)
    batches = np.stack([random.permutation(FEW).reshape(-1, BATCH) for _ in range(epochs)])
    return {name: x.astype(np.float32) for name, x in params.items()}, order, batches


def trained(params: Any, x: Any, y: Any, batches: Any) -> dict[str, Any]:
    """One run: the first hundred images are trained on, the second hundred validate, the others test."""
    import jax
    import jax.numpy as jnp
    import optax

    from nnspec.components.losses.cross_entropy import softmax_cross_entropy_with_integer_labels
    from nnspec.training.adam import adam

    method = adam(RATE)

    def logits(p: Any, x: Any) -> Any:
        return jnp.tanh(x @ p["kernel_0"] + p["bias_0"]) @ p["kernel_1"] + p["bias_1"]

    def loss(p: Any, x: Any, y: Any) -> Any:
        return softmax_cross_entropy_with_integer_labels(logits(p, x), y).mean()

    def step(carry: tuple, batch: Any) -> tuple:
        p, state = carry
        updates, state = method.update(jax.grad(loss)(p, x[batch], y[batch]), state, p)
        return (optax.apply_updates(p, updates), state), None

    def epoch(carry: tuple, batches: Any) -> tuple:
        (p, state), _ = jax.lax.scan(step, carry, batches)
        of = {"training": slice(0, FEW), "validation": slice(FEW, 2 * FEW), "test": slice(2 * FEW, None)}
        measured = {name: loss(p, x[part], y[part]) for name, part in of.items()}
        answers = logits(p, x[2 * FEW :]).argmax(-1)
        return (p, state), measured | {"accuracy": (answers == y[2 * FEW :]).mean()}

    return jax.lax.scan(epoch, (params, method.init(params)), batches)[1]
