"""Batch gradient descent on the loss of the page's example, with three rates."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nnspec_conformance.oracles.components.optimization import gradient_descent
from nnspec_conformance.oracles.training import batch_gradient_descent as oracle
from nnspec_site.figures import Theme

START, STEPS = np.array([4.0, -1.0]), 8
LOW, HIGH = 0.5, 3.0  # the curvatures of the example
RATES = {"rate 1/L": 1 / HIGH, "rate 2/(L + μ)": 2 / (LOW + HIGH), "rate 2.1/L": 2.1 / HIGH}
DATA = np.array(oracle.EXAMPLE_X, float), np.array(oracle.EXAMPLE_LABELS, float)


LEAST = np.array([1.0, 2.0])
LEVELS = (0.1, 0.5, 1.5, 3.0, 6.0, 12.0)  # above the least loss
W, B = (-2.0, 5.0), (-2.0, 6.0)  # what is shown


def loss(w: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The mean of half the squared errors, for any arrays of weights and biases."""
    x, y = DATA
    return np.mean([(w * float(v) + b - float(t)) ** 2 / 2 for v, t in zip(x[:, 0], y[:, 0], strict=True)], axis=0)


def path(rate: float) -> np.ndarray:
    """The start and the places (w, b) after each update."""
    found = [START]
    step = gradient_descent({"p": START}, learning_rate=rate)
    for _ in range(STEPS):
        w, b = found[-1]
        g = oracle.batch_gradient(*DATA, {"kernel": np.array([[w]]), "bias": np.array([b])}, chunk=len(DATA[0]))
        found.append(step({"p": np.array([g["kernel"][0, 0], g["bias"][0]])})["p"])
    return np.array(found)


def draw(theme: Theme) -> Figure:
    """Level lines and a path in each of three panels."""
    figure, axes = plt.subplots(3, 1, figsize=theme.size(1.2), sharex=True)
    w, b = np.meshgrid(np.linspace(*W, 120), np.linspace(*B, 120))
    levels = loss(*LEAST) + np.array(LEVELS)
    for ax, color, (name, rate) in zip(axes, theme.colors, RATES.items(), strict=False):
        ax.contour(w, b, loss(w, b), levels=levels, colors=theme.muted, linewidths=0.6)
        ax.plot(*path(rate).T, "o-", color=color, markersize=3.5, linewidth=1.2)
        ax.plot(*LEAST, "+", color=theme.text, markersize=9)
        ax.set_title(name, loc="left", color=color)
        ax.set(xlim=W, ylim=B, yticks=[0, 4], ylabel="b")
        ax.grid(visible=False)
    axes[-1].set_xlabel("w")
    return figure


def numbers() -> dict:
    """What the script steps with: start, minimum, the matrix of mean products of the data, level lines as ellipses."""
    x = DATA[0][:, 0]
    products = np.array([[np.mean(x * x), np.mean(x)], [np.mean(x), 1.0]])
    curvatures, axes = np.linalg.eigh(products)
    turn = np.linspace(0, 2 * np.pi, 49)
    circle = np.stack([np.cos(turn), np.sin(turn)])
    ellipses = [LEAST + ((axes * np.sqrt(2 * level / curvatures)) @ circle).T for level in LEVELS]
    return {
        "w": W,
        "b": B,
        "start": START.tolist(),
        "least": LEAST.tolist(),
        "floor": float(loss(*LEAST)),
        "products": products.tolist(),
        "levels": [np.round(ellipse, 3).tolist() for ellipse in ellipses],
        "lipschitz": float(curvatures[-1]),
    }
