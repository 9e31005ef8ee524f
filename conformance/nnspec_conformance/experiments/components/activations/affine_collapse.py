"""A.4.0: without an activation between them, affine layers are one affine map. On the oracle alone: float64 NumPy."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
from scipy import integrate, special

from nnspec_conformance.experiments.core import Effect, Outcome, experiment, watched
from nnspec_conformance.experiments.statistics import mean_interval

INPUTS, LAYERS = 8, 5
UNIT = 2.0**-53


@experiment("affine-collapse", short={"seeds": 2, "width": 16, "examples": 1_000})
def affine_collapse(seeds: int, *, width: int = 64, examples: int = 20_000) -> Outcome:
    """A stack of affine layers against the one map it collapses to; and how far ReLU takes it from every affine map."""
    found = [one_seed(seed, width, examples) for seed in watched(range(seeds), "affine-collapse")]
    shares, affine, relu = np.transpose(found)
    mean, low, high = mean_interval(relu)
    predicted = unexplained_share(INPUTS, LAYERS - 1)
    rows = [
        {
            "between the layers": "nothing",
            "largest difference / bound": shares.max(),
            "affine fit leaves": affine.max(),
            "in theory": 0.0,
        },
        {
            "between the layers": "ReLU",
            "largest difference / bound": None,
            "affine fit leaves": mean,
            "in theory": predicted,
        },
    ]
    return Outcome(
        came={
            "largest difference / bound": shares.max(),
            "affine fit leaves of affine layers": affine.max(),
            "affine fit leaves with ReLU": mean,
            "affine fit leaves with ReLU, least": relu.min(),
        },
        effect=Effect("variance that the best affine fit of the ReLU stack leaves", mean, (low, high)),
        rows=rows,
        series={"unexplained": relu, "predicted": predicted, "largest_share_of_bound": shares.max()},
    )


def one_seed(seed: int, width: int, examples: int) -> tuple[float, float, float]:
    """(largest share of the bound, share left of the affine stack, share left of the ReLU stack)."""
    rng = np.random.default_rng(seed)
    sizes = [INPUTS] + [width] * LAYERS
    kernels = [rng.normal(0, np.sqrt(2 / n), (n, m)) for n, m in itertools.pairwise(sizes)]
    biases = [rng.normal(0, 1, m) for m in sizes[1:]]
    x = rng.normal(size=(examples, INPUTS))

    layered, collapsed = x, (np.eye(INPUTS), np.zeros(INPUTS))
    bound = np.abs(x)
    for kernel, bias in zip(kernels, biases, strict=True):
        layered = layered @ kernel + bias
        collapsed = collapsed[0] @ kernel, collapsed[1] @ kernel + bias
        bound = bound @ np.abs(kernel) + np.abs(bias)
    difference = np.abs(layered - (x @ collapsed[0] + collapsed[1]))
    share = (difference / (2 * gamma(sum(n + 1 for n in sizes[:-1])) * bound)).max()

    hidden = x
    for kernel in kernels[:-1]:
        hidden = np.maximum(hidden @ kernel, 0)
    return float(share), left_by_affine_fit(x, layered), left_by_affine_fit(x, hidden @ kernels[-1])


def gamma(n: int) -> float:
    """Higham's bound on the relative error of n roundings."""
    return n * UNIT / (1 - n * UNIT)


def left_by_affine_fit(x: np.ndarray, y: np.ndarray) -> float:
    """Share of the variance of ``y`` that the least-squares affine map of ``x`` does not explain."""
    centred, inputs = y - y.mean(0), x - x.mean(0)
    basis, _ = np.linalg.qr(inputs)
    return float(np.square(centred - basis @ (basis.T @ centred)).sum() / np.square(centred).sum())


def unexplained_share(inputs: int, hidden: int) -> float:
    r"""What theory predicts for infinitely wide ReLU layers with weights of variance 2/n and no biases.

    The covariance of an output at x and x' is |x||x'| kappa(rho) with the arc-cosine kernel kappa iterated over the
    layers (Cho and Saul 2009) and rho the cosine between x and x'. For Gaussian x its linear part is n E[rho kappa]
    and its constant (E|x|)^2/n E[kappa], of a whole of 1.
    """

    def kappa(rho: float) -> float:
        for _ in range(hidden):
            rho = min(rho, 1.0)
            rho = (np.sqrt(1 - rho * rho) + rho * (np.pi - np.arccos(rho))) / np.pi
        return rho

    def mean(f: Callable[[float], float]) -> float:  # over the cosine between two independent directions
        def density(rho: float) -> float:
            return (1 - rho * rho) ** ((inputs - 3) / 2)

        return integrate.quad(lambda r: f(r) * density(r), -1, 1)[0] / integrate.quad(density, -1, 1)[0]

    length = np.sqrt(2) * np.exp(special.gammaln((inputs + 1) / 2) - special.gammaln(inputs / 2))  # E|x|
    linear, constant = inputs * mean(lambda r: r * kappa(r)), length**2 / inputs * mean(kappa)
    return float(1 - linear / (1 - constant))
