"""What one unit keeps while its update gate is open, and two units whose reset gate stands in either place."""

from __future__ import annotations

from typing import Literal

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nnspec_site.figures import Theme

VALUES = (0.8, -0.5, 0.9, 0.2, -0.8, 0.4, -0.3, 0.7, -0.9, 0.1, 0.5, -0.7, 0.3, -0.2, 0.6, -0.4, 0.8, -0.6, 0.2, -0.1)
WRITES = (3, 12)  # the steps at which the unit is told to write
BIAS, SHUT = 5.0, -10.0  # of the update gate, and what the sign to write adds to it


def table(in_features: int, units: int, **others: np.ndarray) -> dict[str, np.ndarray]:
    """Weights of zero except for those that are given."""
    shapes = {"kernel": (in_features, units), "recurrent_kernel": (units, units), "bias": (units,)}
    found = {f"{kind}_{gate}": np.zeros(shape, np.float32) for kind, shape in shapes.items() for gate in "rzn"}
    return found | {name: np.asarray(w, np.float32) for name, w in others.items()}


def writer() -> tuple[np.ndarray, np.ndarray]:
    """The states of a unit that reads a value and whether to write it, by the reference, and its update gate."""
    import jax.numpy as jnp

    from nnspec.architectures.gru import gru

    signs = np.array([float(t in WRITES) for t in range(1, len(VALUES) + 1)])
    x = np.stack([np.array(VALUES), signs], -1)[None].astype(np.float32)
    weights = table(
        2, 1, kernel_n=np.array([[2.0], [0.0]]), kernel_z=np.array([[0.0], [SHUT]]), bias_z=np.array([BIAS])
    )
    return np.asarray(gru(jnp.asarray(x), weights))[0, :, 0], 1 / (1 + np.exp(-(BIAS + SHUT * signs)))


def two_units(reset: Literal["before", "after"]) -> np.ndarray:
    """The states of the first of two units that read one another, with the same weights in either reading."""
    import jax.numpy as jnp

    from nnspec.architectures.gru import gru

    weights = table(
        1,
        2,
        kernel_r=np.array([[-6.0, 6.0]]),
        kernel_n=np.array([[1.0, 0.5]]),
        recurrent_kernel_n=np.array([[0.0, 2.0], [2.0, 0.0]]),
    )
    weights |= {"recurrent_bias_n": np.zeros(2, np.float32)} if reset == "after" else {}
    x = np.array(VALUES, np.float32)[None, :, None]
    return np.asarray(gru(jnp.asarray(x), weights, reset=reset))[0, :, 0]


def draw(theme: Theme) -> Figure:
    """A unit that writes twice above, the two places of the reset gate below."""
    t, (state, z) = np.arange(1, len(VALUES) + 1), writer()
    figure, (above, below) = plt.subplots(2, 1, figsize=theme.size(0.95), sharex=True)
    above.bar(t, VALUES, color=theme.muted, width=0.5, label="value")
    above.plot(t, z, "o-", markersize=3, color=theme.colors[1], label="update gate")
    above.plot(t, state, "o-", markersize=3, color=theme.colors[0], label="state")
    above.set_title("It writes at steps 3 and 12", loc="left")
    above.set_ylim(-1.7, 1.15)
    above.legend(frameon=False, ncols=3, loc="lower left")
    for k, reset in enumerate(("before", "after")):
        below.plot(t, two_units(reset), "o-", markersize=3, color=theme.colors[k], label=f"reset {reset}")
    below.set_title("The same weights, and two layers", loc="left")
    below.set_ylim(-0.35, 0.6)
    below.set_xlabel("step")
    below.legend(frameon=False, ncols=2, loc="lower left")
    return figure
