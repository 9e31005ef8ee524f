"""A.4.2: is the output of a sigmoid the probability of the class? Two Gaussians, where the answer is known."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.polynomial.hermite_e import hermegauss

from nnspec_conformance.experiments.core import Effect, Outcome, experiment, watched
from nnspec_conformance.experiments.statistics import mean_interval

EXAMPLES = 2_000
MEANS = np.array([[-0.5, 0.0], [1.0, 1.0]])
COVARIANCE = np.array([[1.0, 0.5], [0.5, 1.0]])


@dataclass(frozen=True)
class Classes:
    """Two equally frequent Gaussian classes; the covariance of class 1 is ``scale`` times that of class 0."""

    scale: float

    def covariance(self, y: int) -> np.ndarray:
        return COVARIANCE * (self.scale if y else 1.0)

    def log_odds(self, x: np.ndarray) -> np.ndarray:
        """The logarithm of P(y=1|x) / P(y=0|x)."""

        def log_density(y: int) -> np.ndarray:
            d = x - MEANS[y]
            inverse = np.linalg.inv(self.covariance(y))
            return -0.5 * np.einsum("ni,ij,nj->n", d, inverse, d) - 0.5 * np.log(np.linalg.det(self.covariance(y)))

        return log_density(1) - log_density(0)

    def sample(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        y = rng.integers(0, 2, n)
        z = rng.normal(size=(n, 2))
        roots = np.stack([np.linalg.cholesky(self.covariance(c)) for c in (0, 1)])
        return MEANS[y] + np.einsum("nij,nj->ni", roots[y], z), y

    def quadrature(self) -> tuple[np.ndarray, np.ndarray]:
        """Nodes and weights for expectations over x."""
        node, weight = hermegauss(60)
        grid = np.stack([g.ravel() for g in np.meshgrid(node, node)], axis=1)
        weights = np.outer(weight, weight).ravel() / weight.sum() ** 2
        nodes = [MEANS[c] + grid @ np.linalg.cholesky(self.covariance(c)).T for c in (0, 1)]
        return np.concatenate(nodes), np.concatenate([weights, weights]) / 2


@experiment("sigmoid-binary", short={"seeds": 2, "steps": 50, "fresh": 2_000})
def sigmoid_binary(seeds: int, *, steps: int = 500, fresh: int = 200_000) -> Outcome:
    """How far fitted outputs are from the true probability of the class.

    ``steps`` of descent fit the ReLU output, which is looked at on ``fresh`` examples.
    """
    equal, unequal = Classes(1.0), Classes(4.0)
    excess: dict[Classes, list[float]] = {equal: [], unequal: []}
    outputs = []
    for seed in watched(range(seeds), "sigmoid-binary"):
        for classes, found in excess.items():
            found.append(divergence(classes, fit_sigmoid(classes, seed)))
        outputs.append(relu_output(equal, seed, steps, fresh))
    scaled = mean_interval([2 * EXAMPLES * d for d in excess[equal]])
    remaining = mean_interval(excess[unequal])
    above, zero, lost = np.mean(outputs, axis=0)
    floor, parameters = in_theory(unequal)
    rows = [
        {"output": "sigmoid, equal covariances", "measure": "2n × divergence", "measured": scaled[0], "predicted": 3.0},
        {"output": "sigmoid, covariances 1 : 4", "measure": "divergence, nats", "measured": remaining[0],
         "predicted": floor + parameters / (2 * EXAMPLES)},
        {"output": "ReLU", "measure": "share above 1", "measured": above, "predicted": 0.058},
        {"output": "ReLU", "measure": "share equal to 0", "measured": zero, "predicted": 0.067},
        {"output": "ReLU", "measure": "positives given probability 0", "measured": lost, "predicted": 0.004},
    ]  # fmt: skip
    came = {
        "2n × divergence, equal covariances": scaled[0],
        "divergence, covariances 1 : 4": remaining[0],
        "divergence, covariances 1 : 4, lower end": remaining[1],
        "ReLU output above 1": above,
        "ReLU output equal to 0": zero,
        "positives given probability 0": lost,
    }
    effect = Effect("2n × divergence of the sigmoid from the posterior", scaled[0], (scaled[1], scaled[2]), "nats")
    return Outcome(came, effect, rows, {"excess_equal": excess[equal], "excess_unequal": excess[unequal]})


def in_theory(classes: Classes) -> tuple[float, float]:
    """The least divergence of a sigmoid of an affine map, and what estimation adds to it, times 2n.

    With weights minimizing the mean cross-entropy, of Hessian ``H``, and ``J`` the mean of the outer product of a
    single example's gradient, the estimate's covariance is ``H⁻¹ J H⁻¹ / n`` and the excess ``tr(H⁻¹ J) / 2n``: the
    number of parameters where the model is true (``J = H``).
    """
    x, weight = classes.quadrature()
    inputs, p = np.c_[x, np.ones(len(x))], 1 / (1 + np.exp(-classes.log_odds(x)))
    w = np.zeros(3)
    for _ in range(20):
        q = 1 / (1 + np.exp(-inputs @ w))
        hessian = (inputs * (weight * q * (1 - q))[:, None]).T @ inputs
        w = w - np.linalg.solve(hessian, inputs.T @ (weight * (q - p)))
    spread = (inputs * (weight * (p * (1 - q) ** 2 + (1 - p) * q**2))[:, None]).T @ inputs
    return divergence(classes, lambda points: points @ w[:2] + w[2]), float(np.trace(np.linalg.solve(hessian, spread)))


def divergence(classes: Classes, z: Callable[[np.ndarray], np.ndarray]) -> float:
    """Mean Kullback-Leibler divergence, in nats, of sigmoid(z(x)) from the posterior."""
    x, weight = classes.quadrature()
    truth, guess = classes.log_odds(x), z(x)
    p = 1 / (1 + np.exp(-truth))
    positive = np.logaddexp(0, -guess) - np.logaddexp(0, -truth)  # log p - log q
    negative = np.logaddexp(0, guess) - np.logaddexp(0, truth)
    return float(weight @ (p * positive + (1 - p) * negative))


def fit_sigmoid(classes: Classes, seed: int) -> Callable[[np.ndarray], np.ndarray]:
    """Maximum likelihood by Newton's method, on the reference; returns the fitted logit."""
    inputs, labels = _examples(classes, np.random.default_rng(seed))
    w = np.zeros(3, np.float32)
    for _ in range(12):
        gradient, hessian = _compiled()[0](w, inputs, labels)
        w = w - np.linalg.solve(hessian, gradient)
    fitted = w.astype(np.float64)
    return lambda points: points @ fitted[:2] + fitted[2]


def relu_output(classes: Classes, seed: int, steps: int, fresh: int) -> tuple[float, float, float]:
    """Shares of a ReLU output fitted by squared error: above 1, equal to 0, and equal to 0 among the positives."""
    rng = np.random.default_rng(seed)
    inputs, labels = _examples(classes, rng)
    start, *_ = np.linalg.lstsq(inputs, labels, rcond=None)
    w = np.asarray(_compiled()[1](start, inputs, labels, steps), np.float64)
    x, y = classes.sample(fresh, rng)
    z = x @ w[:2] + w[2]
    return float((z > 1).mean()), float((z <= 0).mean()), float((z[y == 1] <= 0).mean())


def _examples(classes: Classes, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Inputs with a column of ones, and labels."""
    x, y = classes.sample(EXAMPLES, rng)
    return np.c_[x, np.ones(len(x))].astype(np.float32), y.astype(np.float32)


@functools.cache
def _compiled() -> tuple[Callable, Callable]:
    """The gradient and Hessian of the cross-entropy on the reference; a descent of a ReLU output's squared error."""
    import jax
    import jax.numpy as jnp

    from nnspec.components.activations import relu, sigmoid

    def cross_entropy(w, inputs, labels):
        p = sigmoid(inputs @ w)
        return inputs.T @ (p - labels), (inputs * (p * (1 - p))[:, None]).T @ inputs

    def squared_error(w, inputs, labels):
        return 0.5 * jnp.mean(jnp.square(relu(inputs @ w) - labels))

    def descend(w, inputs, labels, steps):
        return jax.lax.fori_loop(0, steps, lambda _, w: w - 0.3 * jax.grad(squared_error)(w, inputs, labels), w)

    return jax.jit(cross_entropy), jax.jit(descend)
