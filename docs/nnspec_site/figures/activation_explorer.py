"""An activation function, its slope and a tangent. The moving figure shows them all, and their values in two dtypes."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nnspec_conformance.oracles.components import activations as oracle
from nnspec_conformance.tolerance import ulp
from nnspec_site.figures import Theme

X = np.arange(-32, 33) / 4  # every position is a bfloat16
DTYPES = ("float32", "bfloat16")
AT = 1.0


def draw(theme: Theme) -> Figure:
    """GELU, and its tangent at 1."""
    figure, ax = plt.subplots(figsize=theme.size(0.66))
    x = np.linspace(-4, 4, 401)
    value, slope = float(oracle.gelu(np.float64(AT))), float(oracle.gelu_derivative(np.float64(AT)))
    ax.plot(x, oracle.gelu(x), color=theme.colors[0])
    ax.plot(x, oracle.gelu_derivative(x), color=theme.colors[1], linestyle=(0, (4, 2)))
    near = np.array([AT - 1.5, AT + 1.5])
    ax.plot(near, value + slope * (near - AT), color=theme.colors[3])
    ax.plot(AT, value, "o", color=theme.colors[3])
    ax.text(2.4, 3.2, "value", color=theme.colors[0], ha="right")
    ax.text(4, 1.2, "slope", color=theme.colors[1], ha="right", va="bottom")
    ax.text(1.2, 0.3, f"tangent at {AT:g}: slope {slope:.3f}", color=theme.colors[3], va="top")
    ax.set(ylim=(-0.7, 4.2), xlabel="x")
    ax.set_title("gelu", loc="left")
    return figure


def numbers() -> dict:
    """Exact values and slopes at ``X``, and the reference's values in each dtype with their distances in ulps.

    With the digits that the script needs: a value of a dtype is the float32 number next to what stands here.
    """
    return {
        "x": [_short(x, 5) for x in X],
        "dtypes": DTYPES,
        "functions": {name: _function(name) for name in oracle.ELEMENTWISE},
    }


def _function(name: str) -> dict:
    exact, slope = getattr(oracle, name)(X), getattr(oracle, f"{name}_derivative")(X)
    found: dict = {"value": [_short(v, 11) for v in exact], "slope": [_short(v, 6) for v in slope]}
    for dtype in DTYPES:
        value, distance = _rounded(name, exact, dtype)
        found[dtype] = [[_short(v, 9) for v in value], [_short(round(d, 2), 3) for d in distance]]
    return found


def _short(value: float, digits: int) -> float | int:
    """A number with so many digits, without a point where it is whole."""
    rounded = float(f"{value:.{digits}g}")
    return int(rounded) if rounded.is_integer() else rounded


def _rounded(name: str, exact: np.ndarray, dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """What the reference gives in ``dtype``, and how many units in the last place it is from the exact value."""
    import jax.numpy as jnp

    from nnspec.components import activations

    value = np.asarray(getattr(activations, name)(jnp.asarray(X, dtype)).astype("float32"), np.float64)
    return value, np.abs(value - exact) / ulp(exact, dtype)
