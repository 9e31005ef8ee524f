"""How far a gradient reaches through a new gated layer, by the bias of its update gate, and through an Elman layer."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from nnspec_conformance.experiments.core import Effect, Outcome, experiment

OPEN = 4.0  # bias of the update gate with which 98 % of a state is kept
LAYERS = {
    "Elman": ("elman", 0.0, {"activation": "tanh"}),
    "GRU": ("gru", 0.0, {"reset": "before"}),
    "GRU with update bias 4": ("gru", OPEN, {"reset": "before"}),
    "GRU with update bias 4, reset after": ("gru", OPEN, {"reset": "after"}),
}


@experiment("gru-gradient-reach", short={"seeds": 1, "units": 8, "steps": 40})
def gru_gradient_reach(*, seeds: int = 10, units: int = 32, steps: int = 100) -> Outcome:
    """So many new layers of each kind, with so many units, over so many steps."""
    found = {name: [reach(seed, units, steps, *kind) for seed in range(seeds)] for name, kind in LAYERS.items()}
    came = {f"log10 norm, {name}": float(np.mean(values)) for name, values in found.items()}
    gained = np.array(found["GRU with update bias 4"]) - np.array(found["GRU"])
    effect = Effect(
        "powers of ten that the bias of the update gate gains",
        float(gained.mean()),
        (float(gained.min()), float(gained.max())),
    )
    rows: list[dict[str, Any]] = [
        {"layer": name, "log10 norm": float(np.mean(v)), "least": min(v), "largest": max(v)}
        for name, v in found.items()
    ]
    return Outcome(came, effect, rows, {"log10 norms": found})


def reach(seed: int, units: int, steps: int, kind: str, bias: float, given: dict[str, str]) -> float:
    """The logarithm of the norm of the last state's Jacobian by the first, at a new layer that reads noise."""
    import jax

    rng = np.random.default_rng(seed)
    x = rng.standard_normal((steps, units))

    def made(end: str) -> dict[str, np.ndarray]:
        return {
            f"kernel{end}": rng.standard_normal((units, units)) / units**0.5,
            f"recurrent_kernel{end}": np.linalg.qr(rng.standard_normal((units, units)))[0],
            f"bias{end}": np.full(units, bias if end == "_z" else 0.0),
        }

    ends = ("",) if kind == "elman" else ("_r", "_z", "_n")
    weights = {name: w for end in ends for name, w in made(end).items()}
    if given.get("reset") == "after":
        weights["recurrent_bias_n"] = np.zeros(units)
    with jax.enable_x64(True):
        found = jacobian(kind, tuple(given.items()))(np.zeros(units), x, weights)
    return float(np.log10(np.linalg.norm(np.asarray(found), 2)))


@functools.cache
def jacobian(kind: str, given: tuple[tuple[str, str], ...]) -> Any:
    """The derivatives of the last state of the reference by the carry, compiled once."""
    import jax

    from nnspec.architectures.gru import gru
    from nnspec.architectures.recurrent import elman

    layer: Any = {"elman": elman, "gru": gru}[kind]

    def last(carry: Any, x: Any, weights: dict) -> Any:
        return layer(x[None], weights, carry[None], outputs="last", **dict(given))[0]

    return jax.jit(jax.jacfwd(last))
