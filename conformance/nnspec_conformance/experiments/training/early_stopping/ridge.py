"""C.8.2: stopping early on a quadratic is a ridge: equal with a strength for each eigenvalue, near with one for all."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnspec_conformance.experiments.core import Effect, Outcome, experiment

RATE = 1 / 20
EIGENVALUES = np.geomspace(1e-3, 1.0, 8)


@experiment("early-stopping-ridge", short={"steps": 50})
def early_stopping_ridge(*, steps: int = 2_000) -> Outcome:
    """Least squares in a rotated basis: the paths of gradient descent, and the solutions of the ridges."""
    random = np.random.default_rng(0)
    basis, _ = np.linalg.qr(random.standard_normal((8, 8)))
    hessian, solution = basis * EIGENVALUES @ basis.T, basis @ np.linspace(1, 2, 8)
    path = descended(hessian, solution, steps) @ basis  # in the basis of the eigenvectors, [steps, 8]
    t = np.arange(1, steps + 1)[:, None]
    kept = path / np.linspace(1, 2, 8)
    left = (1 - RATE * EIGENVALUES) ** t
    own = EIGENVALUES * left / (1 - left)
    ridges = np.linalg.solve(
        hessian + np.einsum("ij,tj,kj->tik", basis, own, basis),
        np.broadcast_to(hessian @ solution, (steps, 8))[..., None],
    )
    difference = float(np.abs(ridges[..., 0] @ basis - path).max())
    ratio = kept * (EIGENVALUES + 1 / (RATE * t)) / EIGENVALUES
    came = {
        "largest difference, strength by eigenvalue": difference,
        "largest ratio, one strength": float(ratio.max()),
        "smallest ratio, one strength": float(ratio.min()),
    }
    at = sorted({min(n, steps) for n in (1, 10, 36, 200, 2_000)})
    rows: list[dict[str, Any]] = [
        {
            "steps": n,
            "strength": 1 / (RATE * n),
            "kept of the largest eigenvalue": float(kept[n - 1, -1]),
            "by the ridge": float(kept[n - 1, -1] / ratio[n - 1, -1]),
            "kept of the smallest": float(kept[n - 1, 0]),
        }
        for n in at
    ]
    largest = came["largest ratio, one strength"]
    return Outcome(came, Effect("largest ratio to one ridge", largest, (largest, largest)), rows)


def descended(hessian: np.ndarray, solution: np.ndarray, steps: int) -> np.ndarray:
    """The parameters after each step of gradient descent of the reference from zero, in float64."""
    import jax
    import jax.numpy as jnp
    import optax

    from nnspec.components.optimization import gradient_descent

    with jax.enable_x64(True):
        a, goal = jnp.asarray(hessian), jnp.asarray(solution)
        method = gradient_descent(RATE)

        def step(carry: tuple, _: None) -> tuple:
            x, state = carry
            updates, state = method.update(a @ (x - goal), state, x)
            x = optax.apply_updates(x, updates)
            return (x, state), x

        x = jnp.zeros(len(goal))
        return np.asarray(jax.lax.scan(step, (x, method.init(x)), None, steps)[1], np.float64)
