"""A.4.1: does ReLU keep the gradient from vanishing? Thirty layers, against what mean-field theory predicts."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.polynomial.hermite_e import hermegauss

from nnspec_conformance.experiments.core import Effect, Finding, experiment
from nnspec_conformance.experiments.statistics import geometric_interval

LAYERS, WIDTH = 30, 256
SCALE = 2.0**40  # on the cotangent, taken off again in float64: the square of 1e-19 is below float32's smallest normal
CRITICAL_SIGMOID = 103.0  # the weight variance, times n, at which chi is 1 for sigmoid; see mean_field
SETTINGS = [
    ("relu", 2.0), ("sigmoid", 2.0), ("tanh", 2.0),
    ("relu", 1.0), ("sigmoid", 1.0), ("tanh", 1.0),
    ("sigmoid", CRITICAL_SIGMOID),
]  # fmt: skip
HE = 2.0


@experiment("first-layer-gradient", short_seeds=5)
def first_layer_gradient(seeds: int) -> Finding:
    """Gradient norms by layer in 30 layers, measured and predicted, for three functions and four initializations."""
    rows, series, first = [], {}, {}
    for (name, variance), norms in gradient_norms(seeds).items():  # norms [seeds, layers]
        predicted = mean_field(name, variance)
        measured = np.sqrt(np.mean(np.square(norms), axis=0))
        first[name, variance] = norms[:, 0]
        rows.append({
            "activation": name,
            "weight variance": f"{variance:g}/n",
            "first layer, measured": measured[0],
            "first layer, predicted": predicted[0],
            "a layer multiplies it by": (measured[0] / measured[LAYERS // 2]) ** (2 / LAYERS),
        })  # fmt: skip
        series[f"{name}-{variance:g}"] = {
            "measured": measured,
            "low": norms.min(axis=0),
            "high": norms.max(axis=0),
            "predicted": predicted,
        }
    ratio, low, high = geometric_interval(first["sigmoid", HE] / first["relu", HE])
    medians = {key: float(np.median(values)) for key, values in first.items()}
    outcome, when = judge(medians)
    effect = Effect("first-layer gradient norm, sigmoid / ReLU, geometric mean", ratio, (low, high))
    return Finding(outcome, effect, rows, when, series)


def judge(first: dict[tuple[str, float], float]) -> tuple[str, str | None]:
    """Vanished: a thousandth of the gradient at the output or less. Then: does it hang on the initialization?"""
    relu, sigmoid = first["relu", HE], first["sigmoid", HE]
    if not (relu > 1e-3 and sigmoid < 1e-3 * relu):
        return "does not hold", None
    if first["relu", 1.0] < 1e-3 or first["sigmoid", CRITICAL_SIGMOID] > 1e-3:
        return "holds when", "the weights have variance 2/n (He): with 1/n the gradient of ReLU vanishes too"
    return "holds", None


def gradient_norms(seeds: int) -> dict[tuple[str, float], np.ndarray]:
    """Frobenius norm of the gradient for each layer's kernel, [seeds, layers] for each setting.

    On the reference in float32. A seed has the same random numbers in every setting.
    """
    import jax
    import jax.numpy as jnp

    from nnspec.components import activations

    def direction(key):
        v = jax.random.normal(key, (WIDTH,))
        return v / jnp.linalg.norm(v)

    @jax.jit
    def draw(key):
        kernels, x, cotangent = jax.random.split(key, 3)
        return jax.random.normal(kernels, (LAYERS, WIDTH, WIDTH)), direction(x), direction(cotangent)

    @functools.partial(jax.jit, static_argnums=(0,))
    def norms(name, variance, kernels, x, cotangent):
        phi = getattr(activations, name)

        def output(kernels):
            start = x * jnp.sqrt(WIDTH)  # mean square 1
            h, _ = jax.lax.scan(lambda h, kernel: (phi(h @ kernel), None), start, kernels)
            return SCALE * cotangent @ h / jnp.sqrt(WIDTH)

        gradient = jax.grad(output)(kernels * jnp.sqrt(variance / WIDTH))
        return jnp.sqrt(jnp.sum(jnp.square(gradient), axis=(1, 2)))

    found: dict[tuple[str, float], list[np.ndarray]] = {setting: [] for setting in SETTINGS}
    for seed in range(seeds):
        drawn = draw(jax.random.key(seed))
        for name, variance in SETTINGS:
            found[name, variance].append(np.asarray(norms(name, variance, *drawn), np.float64) / SCALE)
    return {setting: np.stack(values) for setting, values in found.items()}


def _sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


FUNCTIONS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {  # phi and its derivative
    "relu": (lambda z: np.maximum(z, 0), lambda z: (z > 0) * 1.0),
    "sigmoid": (_sigmoid, lambda z: _sigmoid(z) * (1 - _sigmoid(z))),
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
}


def mean_field(name: str, variance: float) -> np.ndarray:
    r"""Predicted norms, infinitely wide layers (Schoenholz et al. 2017).

    Forward, with $q_l$ the mean square of the pre-activations and $z$ standard normal:
    $h_l^2 = E[\phi(\sqrt{q_l} z)^2]$ and $q_{l+1} = \sigma_w^2 h_l^2$. Backward, a layer multiplies the mean square of
    the gradient by $\chi_l = \sigma_w^2 E[\phi'(\sqrt{q_l} z)^2]$. A kernel's gradient has norm
    $|\delta_l| |h_{l-1}|$.
    """
    phi, derivative = FUNCTIONS[name]
    z, weight = hermegauss(200)  # an even number of nodes: exact for ReLU by symmetry
    weight = weight / weight.sum()
    h, chi = [1.0], []
    for _ in range(LAYERS):
        q = variance * h[-1]
        h.append(float(weight @ phi(np.sqrt(q) * z) ** 2))
        chi.append(variance * float(weight @ derivative(np.sqrt(q) * z) ** 2))
    return np.array([np.sqrt(h[i] * np.prod(chi[i:]) / variance) for i in range(LAYERS)])
