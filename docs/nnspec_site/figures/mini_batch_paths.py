"""Batch, mini-batch and single-example gradient descent side by side on the loss of eight examples."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nnspec_site.figures import Theme

X = np.array([-2.0, -1, 0, 1, 1, 2, 2, 3])
Y = np.array([1.0, -1, 2.5, 2, 4.5, 3, 6, 4])
START, RATE, UPDATES = np.array([4.0, -1.5]), 1 / 8, 24
METHODS = {"batch": 8, "mini-batch": 2, "single example": 1}
LEVELS = (0.05, 0.3, 1.0, 2.5, 5.0, 8.0)  # above the least loss
W, B = (-0.5, 4.5), (-2.0, 4.0)  # what is shown


def losses(w: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The mean of half the squared errors, for any arrays of weights and biases."""
    return np.mean([(w * x + b - y) ** 2 / 2 for x, y in zip(X, Y, strict=True)], axis=0)


def indices(size: int) -> np.ndarray:
    """The batches of all updates; in each epoch every example once."""
    rng = np.random.default_rng(4)
    order = [rng.permutation(len(X)) for _ in range(-(-UPDATES * size // len(X)))]
    return np.concatenate(order)[: UPDATES * size].reshape(UPDATES, size)


def paths() -> dict[str, np.ndarray]:
    """The start and the places (w, b) after each update, by the reference."""
    import optax

    from nnspec.components.optimization import gradient_descent
    from nnspec.training.mini_batch_gradient_descent import mini_batch_gradient

    found = {}
    for name, size in METHODS.items():
        now, method = np.asarray(START, np.float32), gradient_descent(RATE)
        state, places = method.init(now), [START]
        for batch in indices(size):
            r = now[0] * X + now[1] - Y
            rows = np.stack([r * X, r], axis=1).astype(np.float32)  # the gradient of each example
            updates, state = method.update(mini_batch_gradient(rows, batch), state, now)
            now = np.asarray(optax.apply_updates(now, updates))
            places.append(now)
        found[name] = np.array(places, np.float64)
    return found


def least() -> np.ndarray:
    """The weight and the bias of the least loss."""
    return np.linalg.lstsq(np.stack([X, np.ones_like(X)], axis=1), Y, rcond=None)[0]


def draw(theme: Theme) -> Figure:
    """Level lines and a path in each of three panels."""
    figure, axes = plt.subplots(3, 1, figsize=theme.size(1.35), sharex=True)
    w, b = np.meshgrid(np.linspace(*W, 100), np.linspace(*B, 100))
    levels = losses(*least()) + np.array(LEVELS)
    for ax, color, (name, path) in zip(axes, theme.colors, paths().items(), strict=False):
        ax.contour(w, b, losses(w, b), levels=levels, colors=theme.muted, linewidths=0.6)
        ax.plot(*path.T, "o-", color=color, markersize=3, linewidth=1.2)
        ax.plot(*least(), "+", color=theme.text, markersize=9)
        ax.set_title(f"{name}, {METHODS[name]} of 8", loc="left", color=color)
        ax.set(xlim=W, ylim=B, yticks=[-2, 0, 2, 4], ylabel="b")
        ax.grid(visible=False)
    axes[-1].set_xlabel("w")
    return figure


def numbers() -> dict:
    """Level lines as ellipses, and the paths of the reference with the loss at each place."""
    products = np.array([[np.mean(X * X), np.mean(X)], [np.mean(X), 1.0]])
    curvatures, axes = np.linalg.eigh(products)
    turn = np.linspace(0, 2 * np.pi, 49)
    circle = np.stack([np.cos(turn), np.sin(turn)])
    ellipses = [least() + ((axes * np.sqrt(2 * level / curvatures)) @ circle).T for level in LEVELS]
    return {
        "w": W,
        "b": B,
        "least": least().tolist(),
        "levels": [np.round(ellipse, 3).tolist() for ellipse in ellipses],
        "examples": len(X),
        "methods": [
            {
                "name": name,
                "batch": METHODS[name],
                "path": [[*np.round(place, 5).tolist(), round(float(losses(*place)), 5)] for place in path],
            }
            for name, path in paths().items()
        ],
    }
