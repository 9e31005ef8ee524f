"""The mean square of signals and gradients over fifty ReLU layers, from seven starts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nnspec_conformance.experiments.core import Effect, Outcome, experiment

STARTS = ("He normal", "He uniform", "orthogonal", "LeCun normal", "Glorot normal", "third", "deviation 0.01")
EXAMPLES = 64


@experiment("initialization-depth", short={"seeds": 2, "layers": 8, "units": 96})
def depth(*, seeds: int, layers: int = 50, units: int = 256) -> Outcome:
    """Doublings of the mean square per layer: of the signal on its way up, of the gradient on its way down."""
    came: dict[str, float] = {}
    rows: list[dict[str, Any]] = []
    he: list[float] = []
    for start in STARTS:
        found = np.array([doublings(start, seed, layers, units) for seed in range(seeds)])
        signal, gradient = map(float, found.mean(0))
        came |= {f"signal, {start}": signal, f"gradient, {start}": gradient}
        rows.append({"start": start, "signal": signal, "gradient": gradient})
        if start == "He normal":
            he = [float(x) for x in found[:, 0]]
    came["He above LeCun"] = came["signal, He normal"] - came["signal, LeCun normal"]
    effect = Effect("doublings of the signal per layer, He", came["signal, He normal"], (min(he), max(he)))
    return Outcome(came, effect, rows)


def kernel(start: str, key: Any, shape: tuple[int, int]) -> Any:
    """A kernel of the reference's."""
    from nnspec.training import initialization as by_fans
    from nnspec.training.initialization_matrices import orthogonal_init

    if start == "orthogonal":
        return orthogonal_init(key, shape, gain=math.sqrt(2))
    if start == "third":
        return by_fans.uniform_init(key, shape, bound=shape[0] ** -0.5)
    if start == "deviation 0.01":
        return by_fans.normal_init(key, shape, deviation=0.01)
    return getattr(by_fans, start.lower().replace(" ", "_"))(key, shape)


def doublings(start: str, seed: int, layers: int, units: int) -> tuple[float, float]:
    """Measure one network; each layer is scaled back to 1, which ReLU allows, so that nothing underflows."""
    import jax

    keys = jax.random.split(jax.random.key(seed), layers)
    kernels = [np.asarray(kernel(start, key, (units, units))) for key in keys]
    generator = np.random.default_rng(seed)
    h = generator.standard_normal((EXAMPLES, units)).astype(np.float32)
    h /= np.sqrt(np.mean(h**2))
    masks, up = [], 0.0
    for w in kernels:
        z = h @ w
        masks.append(z > 0)
        h = np.maximum(z, 0)
        size = float(np.mean(h**2))
        h, up = h / math.sqrt(size), up + math.log2(size)
    g = generator.standard_normal((EXAMPLES, units)).astype(np.float32)
    down = -math.log2(float(np.mean(g**2)))
    for w, mask in zip(kernels[::-1], masks[::-1], strict=True):
        g = (g * mask) @ w.T
        size = float(np.mean(g**2))
        g, down = g / math.sqrt(size), down + math.log2(size)
    return up / layers, down / layers
