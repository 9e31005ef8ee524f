"""One cell over twenty steps: what it keeps and shows, and its gates."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nnspec_site.figures import Theme

GATES = {"i": "input gate", "f": "forget gate", "g": "candidate", "o": "output gate"}
# Of one unit that reads a value and whether to write it.
KERNELS = {"i": (0.0, 6.0), "f": (0.0, 0.0), "g": (2.0, 0.0), "o": (0.0, 0.0)}
RECURRENT = {"i": 0.5, "f": 0.0, "g": 0.5, "o": 1.0}
BIASES = {"i": -4.0, "f": 4.0, "g": 0.0, "o": 0.0}
VALUES = (0.8, -0.5, 0.9, 0.2, -0.8, 0.4, -0.3, 0.7, -0.9, 0.1, 0.5, 0.7, 0.3, -0.2, 0.6, -0.4, 0.8, -0.6, 0.2, -0.1)
STEPS, FIRST, SECOND = len(VALUES), 3, 12  # when it writes


def run(forget_bias: float, second: int) -> dict[str, np.ndarray]:
    """State and cell from step 0 on, and the gates of each step, by the reference."""
    from nnspec.architectures.lstm import lstm_step

    weights: dict[str, np.ndarray] = {}
    for gate in GATES:
        weights[f"kernel_{gate}"] = np.array(KERNELS[gate], np.float32)[:, None]
        weights[f"recurrent_kernel_{gate}"] = np.array([[RECURRENT[gate]]], np.float32)
        weights[f"bias_{gate}"] = np.array([forget_bias if gate == "f" else BIASES[gate]], np.float32)
    h = c = np.zeros((1, 1), np.float32)
    found: dict[str, list[float]] = {name: [] for name in ("h", "c", *GATES)}
    for t, v in enumerate(VALUES, 1):
        x = np.array([[v, float(t in (FIRST, second))]], np.float32)
        for gate in GATES:
            z = x @ weights[f"kernel_{gate}"] + h * RECURRENT[gate] + weights[f"bias_{gate}"]
            found[gate].append((np.tanh(z) if gate == "g" else 1 / (1 + np.exp(-z))).item())
        h, c = (np.asarray(part) for part in lstm_step(x, weights, h, c))
        found["h"].append(h.item())
        found["c"].append(c.item())
    return {name: np.array(v) for name, v in found.items()}


def draw(theme: Theme) -> Figure:
    """Values and cell above, the gates below."""
    found, t = run(BIASES["f"], SECOND), np.arange(1, STEPS + 1)
    figure, (above, below) = plt.subplots(2, 1, figsize=theme.size(0.95), sharex=True)
    above.bar(t, VALUES, color=theme.muted, width=0.5, label="value read")
    above.plot(t, found["c"], "o-", markersize=3, color=theme.colors[0], label="cell")
    above.plot(t, found["h"], "o-", markersize=3, color=theme.colors[1], label="state")
    above.set_title("It writes at steps 3 and 12, and keeps", loc="left")
    above.set_ylim(-1.1, 2.3)
    above.legend(frameon=False, ncols=3, loc="upper left")
    for n, gate in enumerate("ifo"):
        below.plot(t, found[gate], "o-", markersize=3, color=theme.colors[n], label=GATES[gate])
    below.set_title("Gates", loc="left")
    below.set_xlabel("step")
    below.set_ylim(-0.05, 1.4)
    below.legend(frameon=False, ncols=3, loc="upper left", handlelength=1, columnspacing=1)
    return figure


def numbers() -> dict:
    """Weights, values and where the sliders stand; the script makes the steps, and a test holds it to the reference."""
    return {
        "kernels": {gate: list(w) for gate, w in KERNELS.items()},
        "recurrent": RECURRENT,
        "biases": BIASES,
        "values": list(VALUES),
        "first": FIRST,
        "second": SECOND,
    }
