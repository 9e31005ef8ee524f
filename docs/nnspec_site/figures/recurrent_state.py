"""The state of two units after one input, and the norm of the gradient beside its bound, step by step."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nnspec_site.figures import Theme

ANGLE, STEPS = np.pi / 6, 20
KERNEL = (1.0, 0.5)
FACTOR, INPUT = 0.9, 1.0


def weights(factor: float) -> dict[str, np.ndarray]:
    """A kernel of one input, and a recurrent kernel that turns the state and multiplies it."""
    turn = np.array([[np.cos(ANGLE), np.sin(ANGLE)], [-np.sin(ANGLE), np.cos(ANGLE)]])
    found = {"kernel": np.array([KERNEL]), "recurrent_kernel": factor * turn, "bias": np.zeros(2)}
    return {name: w.astype(np.float32) for name, w in found.items()}


def states(factor: float, first: float) -> tuple[np.ndarray, np.ndarray]:
    """The states of the reference after each step, and the norms of their Jacobians by the carry; both from step 0."""
    import jax

    from nnspec.architectures.recurrent import elman

    x = np.zeros((1, STEPS, 1), np.float32)
    x[0, 0] = first

    def run(carry: jax.Array) -> jax.Array:
        return elman(jax.numpy.asarray(x), weights(factor), carry[None], activation="tanh")[0]

    start = jax.numpy.zeros(2)
    norms = [float(np.linalg.norm(j, 2)) for j in np.asarray(jax.jacrev(run)(start))]
    return np.concatenate([np.zeros((1, 2)), run(start)]), np.array([1.0, *norms])


def draw(theme: Theme) -> Figure:
    """Both numbers of the state above, gradient and bound below."""
    h, norms = states(FACTOR, INPUT)
    t = np.arange(STEPS + 1)
    figure, (above, below) = plt.subplots(2, 1, figsize=theme.size(0.95), sharex=True)
    for k in range(2):
        above.plot(t, h[:, k], "o-", markersize=3, color=theme.colors[k], label=f"unit {k + 1}")
    above.set_title("State after one input at step 1", loc="left")
    above.legend(frameon=False)
    below.semilogy(t, FACTOR**t, "--", color=theme.muted, label=f"bound, {FACTOR:g}$^t$")
    below.semilogy(t, norms, "o-", markersize=3, color=theme.colors[2], label="norm of the gradient")
    below.set_title("Gradient of the state by the carry", loc="left")
    below.set_xlabel("step")
    below.legend(frameon=False)
    return figure


def numbers() -> dict:
    """Kernel, angle and where the sliders stand; the script makes the steps, and is held to the reference by a test."""
    return {"kernel": list(KERNEL), "angle": float(ANGLE), "steps": STEPS, "c": FACTOR, "input": INPUT}
