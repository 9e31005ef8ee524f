"""How many ReLU units give 0 for every example at the start: by bias, by scale, and by depth."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nnspec_conformance.experiments.core import Effect, Outcome, experiment

EXAMPLES = 32
FIRST = {  # bias and deviation of a sum
    "bias 0": (0.0, 1.0),
    "bias -1": (-1.0, 1.0),
    "bias -2": (-2.0, 1.0),
    "bias -3": (-3.0, 1.0),
    "bias -1, half the deviation": (-1.0, 0.5),
}


@experiment("initialization-dead", short={"seeds": 2, "units": 256, "layers": 6, "width": 64})
def dead(*, seeds: int, units: int = 2_048, layers: int = 50, width: int = 256) -> Outcome:
    """Share of units that are 0 for all of 32 orthogonal inputs, and for both of two of them after many layers."""
    found = [first_layer(seed, units, width) for seed in range(seeds)]
    first = {name: [share[name] for share in found] for name in FIRST}
    came = {f"dead, {name}": float(np.mean(shares)) for name, shares in first.items()}
    deep = np.mean([through_depth(seed, layers, width) for seed in range(seeds)], axis=0)  # [layers, 2]
    came |= {
        "same bias in deviations, difference": came["dead, bias -1, half the deviation"] - came["dead, bias -2"],
        "dead for two, first layer": float(deep[0, 0]),
        "dead for two, last layer": float(deep[-1, 0]),
        "dead for all, last layer": float(deep[-1, 1]),
    }
    rows: list[dict[str, Any]] = [
        {"layer": f"first, {name}", "dead for all 32": came[f"dead, {name}"], "by the formula": formula(*FIRST[name])}
        for name in FIRST
    ]
    shares = first["bias -2"]
    effect = Effect("share of dead units, bias of two deviations", came["dead, bias -2"], (min(shares), max(shares)))
    series = {"layer": np.arange(1, layers + 1), "measured": deep[:, 0], "theory": theory(layers), "all": deep[:, 1]}
    return Outcome(came, effect, rows, series)


def formula(bias: float, deviation: float) -> float:
    """Each of the sums of a unit is below zero by itself."""
    return (math.erfc(bias / deviation / math.sqrt(2)) / 2) ** EXAMPLES


def theory(layers: int) -> np.ndarray:
    """Share of units that are 0 for two inputs, by the angle between them, of layers without an end to their width."""
    shares, angle = [], math.pi / 2
    for _ in range(layers):
        shares.append((math.pi - angle) / (2 * math.pi))
        angle = math.acos(min(1.0, (math.sin(angle) + (math.pi - angle) * math.cos(angle)) / math.pi))
    return np.array(shares)


def orthogonal_inputs(key: Any, width: int) -> Any:
    """Rows of mean square 1 without a product between them."""
    from nnspec.training.initialization_matrices import orthogonal_init

    return orthogonal_init(key, (EXAMPLES, width), gain=math.sqrt(width))


def first_layer(seed: int, units: int, width: int) -> dict[str, float]:
    """The share of a layer's units that are dead, by bias and scale."""
    import jax

    from nnspec.training.initialization import normal_init

    keys = jax.random.split(jax.random.key(seed), 2)
    x = orthogonal_inputs(keys[0], width)
    sums = np.asarray(x @ normal_init(keys[1], (width, units), deviation=width**-0.5))  # of deviation 1
    return {name: float((deviation * sums + bias <= 0).all(0).mean()) for name, (bias, deviation) in FIRST.items()}


def through_depth(seed: int, layers: int, width: int) -> np.ndarray:
    """Measure the share of units dead for two of the inputs, and for all, in each layer under He."""
    import jax

    from nnspec.training.initialization import he_normal

    keys = jax.random.split(jax.random.key(seed), layers + 1)
    h, shares = np.asarray(orthogonal_inputs(keys[0], width)), []
    for key in keys[1:]:
        z = h @ np.asarray(he_normal(key, (width, width)))
        zero = z <= 0
        shares.append([float((zero[::2] & zero[1::2]).mean()), float(zero.all(0).mean())])
        h = np.maximum(z, 0)
        h /= np.sqrt(np.mean(h**2))  # ReLU allows it: signs stay
    return np.array(shares)
