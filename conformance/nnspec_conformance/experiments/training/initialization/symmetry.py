"""Units that start with equal weights: they stay equal in exact arithmetic, and nearly so in float32."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from nnspec_conformance.experiments.core import Effect, Outcome, experiment

UNITS, RATE, EQUAL = 33, 0.01, 0.1
EXACT_UNITS, EXACT_STEPS = 3, 4


@experiment("initialization-symmetry", short={"seeds": 2, "steps": 60})
def symmetry(*, seeds: int, steps: int = 3_000) -> Outcome:
    """A sine is learned by 33 tanh units that start alike, and by 33 that start at random."""
    equal = trained(np.full((1, 1, UNITS), EQUAL), np.full((1, UNITS, 1), EQUAL), steps)
    random = np.random.default_rng(0)
    first, second = random.standard_normal((seeds, 1, UNITS)), random.standard_normal((seeds, UNITS, 1)) / UNITS**0.5
    drawn = trained(3 * first, second, steps)
    last = drawn["loss"][:, -1]
    came = {
        "units apart in fractions": float(exact()),
        "units apart after 50 steps": float(equal["apart"][0, 49]),
        "loss, equal start": float(equal["loss"][0, -1]),
        "loss, random start": float(last.mean()),
        "loss, equal over random": float(equal["loss"][0, -1] / last.mean()),
    }
    rows: list[dict[str, Any]] = [
        {
            "steps": n,
            "units apart, equal start": float(equal["apart"][0, n - 1]),
            "loss, equal start": float(equal["loss"][0, n - 1]),
            "loss, random start": float(drawn["loss"][:, n - 1].mean()),
        }
        for n in sorted({1, min(50, steps), steps // 3, steps})
    ]
    ratios = equal["loss"][0, -1] / last
    effect = Effect(
        "loss of the equal start over the random one",
        came["loss, equal over random"],
        (float(ratios.min()), float(ratios.max())),
    )
    return Outcome(came, effect, rows)


def trained(kernel_0: np.ndarray, kernel_1: np.ndarray, steps: int) -> dict[str, np.ndarray]:
    """Losses after each step of Adam, and how far the weights of the units are apart: [runs, steps]."""
    import jax
    import jax.numpy as jnp
    import optax

    from nnspec.training.adam import adam

    x = jnp.linspace(-1, 1, 64)[:, None]
    y = jnp.sin(6 * x)
    method = adam(RATE)

    def loss(p: Any) -> Any:
        return jnp.mean((jnp.tanh(x @ p["kernel_0"] + p["bias_0"]) @ p["kernel_1"] + p["bias_1"] - y) ** 2)

    def apart(p: Any) -> Any:
        units = jnp.stack([p["kernel_0"][0], p["bias_0"], p["kernel_1"][:, 0]])  # of each unit: in, bias, out
        return jnp.max(jnp.ptp(units, axis=1))

    def step(carry: tuple, _: None) -> tuple:
        p, state = carry
        updates, state = method.update(jax.grad(loss)(p), state, p)
        p = optax.apply_updates(p, updates)
        return (p, state), {"loss": loss(p), "apart": apart(p)}

    def run(kernel_0: Any, kernel_1: Any) -> dict:
        p = {"kernel_0": kernel_0, "bias_0": jnp.zeros(UNITS), "kernel_1": kernel_1, "bias_1": jnp.zeros(1)}
        return jax.lax.scan(step, (p, method.init(p)), None, steps)[1]

    found = jax.jit(jax.vmap(run))(jnp.asarray(kernel_0, jnp.float32), jnp.asarray(kernel_1, jnp.float32))
    return {name: np.asarray(series, np.float64) for name, series in found.items()}


def exact() -> Fraction:
    """The largest difference of two units after gradient steps in fractions: ReLU units, which need no other numbers.

    Three units of two inputs learn two examples by the squared error, at the rate 1/10.
    """
    examples = [((Fraction(1), Fraction(2)), Fraction(3)), ((Fraction(-1, 2), Fraction(1)), Fraction(-1))]
    w = [[Fraction(1, 10)] * 2 for _ in range(EXACT_UNITS)]
    v = [Fraction(1, 10)] * EXACT_UNITS
    for _ in range(EXACT_STEPS):
        dw, dv = [[Fraction(0)] * 2 for _ in w], [Fraction(0)] * len(v)
        for x, y in examples:
            h = [max(Fraction(0), sum(a * b for a, b in zip(unit, x, strict=True))) for unit in w]
            error = sum((a * b for a, b in zip(h, v, strict=True)), Fraction(0)) - y
            for k in range(EXACT_UNITS):
                dv[k] += error * h[k]
                if h[k] > 0:
                    dw[k] = [d + error * v[k] * b for d, b in zip(dw[k], x, strict=True)]
        w = [[a - d / 10 for a, d in zip(unit, slope, strict=True)] for unit, slope in zip(w, dw, strict=True)]
        v = [a - d / 10 for a, d in zip(v, dv, strict=True)]
    units = [(*unit, out) for unit, out in zip(w, v, strict=True)]
    return max(abs(a - b) for one in units for other in units for a, b in zip(one, other, strict=True))
