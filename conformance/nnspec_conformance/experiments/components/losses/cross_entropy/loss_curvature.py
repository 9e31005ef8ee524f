"""A.6: which losses are convex in the logits that softmax turns into probabilities."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nnspec_conformance.experiments.core import Effect, Outcome, experiment


@experiment("loss-curvature", short={"step": 3.0, "short": True})
def loss_curvature(*, step: float = 0.25, short: bool = False) -> Outcome:
    """The smallest eigenvalue of the second derivatives over a grid of logits; nothing is drawn. Short: two losses."""
    import jax
    import jax.numpy as jnp

    first = np.arange(-6, 6 + step / 2, step)
    grid = np.stack([*(axis.ravel() for axis in np.meshgrid(first, first)), np.zeros(first.size**2)], -1)
    rows, came = [], {}
    with jax.enable_x64(True):
        for name, loss in losses().items():
            if short and name not in ("cross-entropy", "squared error"):
                continue
            hessians = jax.jit(jax.vmap(jax.hessian(loss)))(jnp.asarray(grid))
            smallest = np.linalg.eigvalsh(np.asarray(hessians))[:, 0]
            at = int(smallest.argmin())
            came[f"smallest eigenvalue, {name}"] = float(smallest[at])
            rows.append(
                {"loss": name, "smallest eigenvalue": float(smallest[at]), "at the logits": str(grid[at].tolist())}
            )
    worst = came["smallest eigenvalue, squared error"]
    return Outcome(
        came, Effect("smallest eigenvalue of the squared error behind a softmax", worst, (worst, worst), ""), rows, {}
    )


def losses() -> dict[str, Callable]:
    """Each as a function of three logits; the label is 0."""
    import jax.numpy as jnp

    from nnspec.components.activations import softmax
    from nnspec.components.losses.cross_entropy import kl_divergence, softmax_cross_entropy

    y, target = jnp.array([1.0, 0.0, 0.0]), jnp.array([0.6, 0.3, 0.1])
    return {
        "cross-entropy": lambda z: softmax_cross_entropy(z, y),
        "label smoothing": lambda z: softmax_cross_entropy(z, y, label_smoothing=0.3),
        "divergence": lambda z: kl_divergence(target, softmax(z)),
        "squared error": lambda z: jnp.sum(jnp.square(softmax(z) - y)),
        "cosine": lambda z: 1 - softmax(z)[0] / jnp.sqrt(jnp.sum(jnp.square(softmax(z)))),
    }
