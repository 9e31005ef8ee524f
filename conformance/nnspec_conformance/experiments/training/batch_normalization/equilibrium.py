"""C.7.1: where do the weights before a batch norm go under decay, and how far does a step turn them?"""

from __future__ import annotations

from typing import Any

import numpy as np

from nnspec_conformance.experiments.core import Effect, Outcome, experiment
from nnspec_conformance.experiments.statistics import mean_interval

SETTINGS = ((0.1, 0.1), (1.0, 0.01), (1.0, 0.004))  # learning rate, decay
INPUTS, BATCH = 32, 16
HALF, TWICE = "norm over formula, from half", "norm over formula, from twice"


@experiment("batch-norm-equilibrium", short={"seeds": 2, "times": 2, "settings": SETTINGS[:1]})
def batch_norm_equilibrium(
    *, seeds: int = 10, times: int = 20, settings: tuple[tuple[float, float], ...] = SETTINGS
) -> Outcome:
    """One unit with batch norm, on a target that is half noise; from half and from twice the norm of the formula."""
    rows: list[dict[str, Any]] = []
    angles = {}
    for rate, decay in settings:
        span = round(1 / (rate * decay))
        free = courses(seeds, rate, decay, times * span, np.ones(seeds))
        late = slice(times * span // 2, None)
        force = float(free["force"][:, late].mean())  # the mean square of the gradient at weights of norm 1
        goal = (rate * force / (2 * decay)) ** 0.25
        turn = np.sqrt((free["angle"][:, late] ** 2).mean(1))
        norm = (free["norm"][:, late] ** 4).mean() ** 0.25
        starts = goal * np.repeat([0.5, 2.0], seeds)
        reached = courses(seeds, rate, decay, span, starts)["norm"][:, -1].reshape(2, seeds).mean(1) / goal
        angles[rate, decay] = turn / np.sqrt(2 * rate * decay)
        rows.append(
            {"rate": rate, "decay": decay, "angle": float(turn.mean()), "angle, formula": (2 * rate * decay) ** 0.5}
            | {"norm": float(norm), "norm, formula": goal}
            | {HALF: float(reached[0]), TWICE: float(reached[1])}
        )
    first, second = rows[0], rows[min(1, len(rows) - 1)]
    came = {
        "angle over formula, least": min(row["angle"] / row["angle, formula"] for row in rows),
        "angle over formula, most": max(row["angle"] / row["angle, formula"] for row in rows),
        "norm over formula, least": min(row["norm"] / row["norm, formula"] for row in rows),
        "norm over formula, most": max(row["norm"] / row["norm, formula"] for row in rows),
        "norm over formula after 1/(rate decay) steps, from half": float(np.mean([row[HALF] for row in rows])),
        "norm over formula after 1/(rate decay) steps, from twice": float(np.mean([row[TWICE] for row in rows])),
        "angle, ten times the rate and a tenth of the decay": second["angle"] / first["angle"],
        "norm, ten times the rate and a tenth of the decay": second["norm"] / first["norm"],
    }
    share, low, high = mean_interval(angles[SETTINGS[0]])
    return Outcome(came, Effect("angle of a step over the root of 2 rate decay", share, (low, high)), rows)


def courses(seeds: int, rate: float, decay: float, steps: int, norms: np.ndarray) -> dict[str, np.ndarray]:
    """Norm of the weights, angle of the step, square of norm times gradient: [norms, steps], by the same seeds."""
    import jax
    import jax.numpy as jnp

    drawn = [drawing(seed % seeds, steps, norm) for seed, norm in enumerate(norms)]
    start, x, target = (jnp.asarray(np.stack(part)) for part in zip(*drawn, strict=True))
    run = jax.jit(jax.vmap(course, (0, 0, 0, None, None)))
    return {name: np.asarray(part, np.float64) for name, part in run(start, x, target, rate, decay).items()}


def drawing(seed: int, steps: int, norm: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The first weights, fresh inputs for every step, and the target: of a fixed unit, plus as much noise."""
    random = np.random.default_rng(seed)
    w, fixed = random.standard_normal((2, INPUTS), np.float32)
    x = random.standard_normal((steps, BATCH, INPUTS), np.float32)
    target = x @ (fixed / np.float32(np.sqrt(INPUTS))) + random.standard_normal((steps, BATCH), np.float32)
    return np.float32(norm) * w / np.linalg.norm(w), x, target


def course(w: Any, inputs: Any, targets: Any, rate: Any, decay: Any) -> dict[str, Any]:
    """Norm, angle and force of each step of one run, from its first weights on the batches that were drawn for it."""
    import jax
    import jax.numpy as jnp

    from nnspec.training.batch_normalization import batch_norm

    def step(w: Any, given: tuple) -> tuple:
        x, target = given

        def loss(w: Any) -> Any:
            return jnp.mean((batch_norm((x @ w)[:, None], epsilon=0.0)[:, 0] - target) ** 2)

        g = jax.grad(loss)(w)
        new = (1 - rate * decay) * w - rate * g
        sizes = jnp.linalg.norm(w), jnp.linalg.norm(new)
        chord = jnp.linalg.norm(new / sizes[1] - w / sizes[0])  # exact for small angles, where a cosine is not
        return new, {"norm": sizes[1], "angle": 2 * jnp.arcsin(chord / 2), "force": jnp.sum(g * g) * sizes[0] ** 2}

    return jax.lax.scan(step, w, (inputs, targets))[1]
