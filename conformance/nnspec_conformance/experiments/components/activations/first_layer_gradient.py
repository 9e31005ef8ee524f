"""A.4.1: does ReLU keep the gradient from vanishing? Thirty layers, against what mean-field theory predicts."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.polynomial.hermite_e import hermegauss

from nnspec_conformance.experiments.core import Effect, Outcome, experiment, watched
from nnspec_conformance.experiments.statistics import geometric_interval

SCALE = 2.0**40  # on the cotangent, taken off again in float64: the square of 1e-19 is below float32's smallest normal
CRITICAL_SIGMOID = 103.0  # the weight variance, times n, at which chi is 1 for sigmoid; see mean_field
SETTINGS = [
    ("relu", 2.0), ("sigmoid", 2.0), ("tanh", 2.0),
    ("relu", 1.0), ("sigmoid", 1.0), ("tanh", 1.0),
    ("sigmoid", CRITICAL_SIGMOID),
]  # fmt: skip
HE = 2.0


@experiment("first-layer-gradient", short={"seeds": 2, "layers": 6, "width": 16})
def first_layer_gradient(seeds: int, *, layers: int = 30, width: int = 256) -> Outcome:
    """Gradient norms by layer, measured and predicted, for three functions and four initializations."""
    rows, series, first, root_mean_square = [], {}, {}, {}
    for (name, variance), norms in gradient_norms(seeds, layers, width).items():  # norms [seeds, layers]
        predicted = mean_field(name, variance, layers)
        measured = np.sqrt(np.mean(np.square(norms), axis=0))
        first[name, variance], root_mean_square[name, variance] = norms[:, 0], float(measured[0])
        rows.append({
            "activation": name,
            "weight variance": f"{variance:g}/n",
            "first layer, measured": measured[0],
            "first layer, predicted": predicted[0],
            "a layer multiplies it by": (measured[0] / measured[layers // 2]) ** (2 / layers),
        })  # fmt: skip
        series[f"{name}-{variance:g}"] = {
            "measured": measured,
            "low": norms.min(axis=0),
            "high": norms.max(axis=0),
            "predicted": predicted,
        }
    came = {f"first layer, {name}, {variance:g}/n": norm for (name, variance), norm in root_mean_square.items()}
    came["first layer, sigmoid / relu, 2/n"] = root_mean_square["sigmoid", HE] / root_mean_square["relu", HE]
    ratio, low, high = geometric_interval(first["sigmoid", HE] / first["relu", HE])
    effect = Effect("first-layer gradient norm, sigmoid / ReLU, geometric mean", ratio, (low, high))
    return Outcome(came, effect, rows, series)


def gradient_norms(seeds: int, layers: int, width: int) -> dict[tuple[str, float], np.ndarray]:
    """Frobenius norm of the gradient for each layer's kernel, [seeds, layers] for each setting.

    On the reference in float32. A seed has the same random numbers in every setting.
    """
    import jax
    import jax.numpy as jnp

    from nnspec.components import activations

    def draw(seed):
        draws = np.random.default_rng(seed)
        x, cotangent = (v / np.linalg.norm(v) for v in draws.standard_normal((2, width), np.float32))
        return draws.standard_normal((layers, width, width), np.float32), x, cotangent

    @functools.partial(jax.jit, static_argnums=(0,))
    def norms(name, variance, kernels, x, cotangent):
        phi = getattr(activations, name)

        def output(kernels):
            start = x * jnp.sqrt(width)  # mean square 1
            h, _ = jax.lax.scan(lambda h, kernel: (phi(h @ kernel), None), start, kernels)
            return SCALE * cotangent @ h / jnp.sqrt(width)

        gradient = jax.grad(output)(kernels * jnp.sqrt(variance / width))
        return jnp.sqrt(jnp.sum(jnp.square(gradient), axis=(1, 2)))

    found: dict[tuple[str, float], list[np.ndarray]] = {setting: [] for setting in SETTINGS}
    for seed in watched(range(seeds), "first-layer-gradient"):
        drawn = draw(seed)
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


def mean_field(name: str, variance: float, layers: int) -> np.ndarray:
    r"""Predicted norms, infinitely wide layers (Schoenholz et al. 2017).

    Forward, with $q_l$ the mean square of the pre-activations and $z$ standard normal:
    $h_l^2 = E[\phi(\sqrt{q_l} z)^2]$ and $q_{l+1} = \sigma_w^2 h_l^2$. Backward, a layer multiplies the mean square of
    the gradient by $\chi_l = \sigma_w^2 E[\phi'(\sqrt{q_l} z)^2]$. A kernel's gradient has norm
    $|\delta_l| |h_{l-1}|$.
    """
    h, chi = moments(name, variance, layers)
    return np.array([np.sqrt(h[i] * np.prod(chi[i:]) / variance) for i in range(layers)])


def moments(name: str, variance: float, layers: int) -> tuple[list[float], list[float]]:
    r"""The mean squares $h_l^2$ of what each layer is given, the last one's result behind them, and each $\chi_l$."""
    phi, derivative = FUNCTIONS[name]
    z, weight = hermegauss(200)  # an even number of nodes: exact for ReLU by symmetry
    weight = weight / weight.sum()
    h, chi = [1.0], []
    for _ in range(layers):
        q = variance * h[-1]
        h.append(float(weight @ phi(np.sqrt(q) * z) ** 2))
        chi.append(variance * float(weight @ derivative(np.sqrt(q) * z) ** 2))
    return h, chi
