"""The path of stochastic gradient descent among six examples in the plane: each step goes towards one of them."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nnspec_site.figures import Theme

POINTS = ((1.0, 1.0), (5.0, 2.0), (2.0, 5.0), (6.0, 6.0), (3.0, 3.0), (7.0, 1.0))
START = (0.0, 7.0)
RATE, STEPS, EPOCHS = 0.4, 40, 10


def order() -> list[int]:
    """The numbers of the examples, epoch after epoch, from the reference's sampler."""
    from nnspec.training.stochastic_gradient_descent import batches

    return np.asarray(batches(examples=len(POINTS), batch_size=1, epochs=EPOCHS, seed=0)).ravel().tolist()


def path(rate: float, steps: int) -> np.ndarray:
    """The start and the place after each step of the reference on half the squared distance from an example."""
    import optax

    from nnspec.components.optimization import gradient_descent

    descent, now = gradient_descent(rate), np.array(START, np.float32)
    state, found = descent.init(now), [now]
    for number in order()[:steps]:
        updates, state = descent.update(now - np.array(POINTS[number], np.float32), state, now)
        now = np.asarray(optax.apply_updates(now, updates))
        found.append(now)
    return np.array(found)


def draw(theme: Theme) -> Figure:
    """The examples with their numbers, the path and the mean."""
    figure, ax = plt.subplots(figsize=theme.size(0.72))
    ax.plot(*path(RATE, STEPS).T, "o-", color=theme.colors[1], markersize=3, linewidth=1)
    for number, (x, y) in enumerate(POINTS):
        ax.plot(x, y, "o", color=theme.colors[0], markersize=8)
        ax.annotate(str(number), (x, y), xytext=(7, 5), textcoords="offset points", color=theme.colors[0])
    ax.plot(*np.mean(POINTS, 0), "+", color=theme.text, markersize=14, markeredgewidth=2)
    ax.set(xlim=(-0.3, 7.6), ylim=(0.3, 7.4), xticks=range(8), yticks=range(1, 8))
    ax.set_title(f"{STEPS} steps with the rate {RATE:g}", loc="left")
    return figure


def numbers() -> dict:
    """Examples, start and order; the script makes the steps, and is held to the reference by its test."""
    return {"points": POINTS, "start": START, "order": order(), "rate": RATE, "steps": STEPS}
