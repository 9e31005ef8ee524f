r"""Backpropagation: the gradient of the loss for every weight, layer by layer, from the output back.

Nothing here is differentiated automatically: the recursion is written out. Its functions are those of
`nnspec.components.activations`, and their slopes are accurate in both tails.
"""

from functools import partial
from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from nnspec import elementary, tables
from nnspec.checking import checked
from nnspec.components import activations

__all__ = ["backpropagation"]

HiddenName = Literal["identity", "relu", "tanh", "sigmoid"]
LossName = Literal["softmax_cross_entropy", "half_squared_error"]

SLOPES = {  # of each activation, from the pre-activation
    "identity": jnp.ones_like,
    "relu": lambda z: jnp.where(z > 0, jnp.ones_like(z), 0),
    "tanh": elementary.widened(lambda x: 4 * elementary.sigmoid_slope(2 * x)),
    "sigmoid": elementary.widened(elementary.sigmoid_slope),
}


@checked
@partial(jax.jit, static_argnames=("activation", "loss"))
def backpropagation(
    x: Float[Array, "*batch in_features"],
    labels: Float[Array, "*batch classes"],
    weights: dict,
    *,
    activation: HiddenName,
    loss: LossName,
) -> dict[str, Array]:
    r"""Compute the gradient of the loss, summed over the examples, for every kernel and bias.

    With $\phi$ = ``activation``, $t$ = ``labels``, $a_{-1} = x$ and $p = \operatorname{softmax}(z_{L-1})$:
    $g_{L-1} = p - t$ or $z_{L-1} - t$, $g_l = \phi'(z_l) \odot (g_{l+1} W_{l+1}^\top)$; the gradients are
    $a_{l-1}^\top g_l$ and the sum of $g_l$   [backpropagation.gradient][]

    Args:
        x: the data, any float dtype, any number of leading axes.
        labels: what the output should be; for the cross-entropy probabilities that sum to 1.
        weights: arrays ``kernel_l`` [in, out] and ``bias_l`` [out] for each layer ``l`` from 0 on.
        activation: of every layer but the last.
        loss: which loss follows the last layer.

    Returns:
        A gradient for each array of ``weights``, by its name.

    Raises:
        ValueError: ``activation`` or ``loss`` is none of the names; a name of the table is missing or unknown; two
            layers do not fit, or the last one does not fit the labels.
        TypeError: an entry of the table is no array, or not of a float dtype.

    Source: Rumelhart, Hinton and Williams 1986, equations 6 to 9; Goodfellow et al. 2016, algorithm 6.4.
    """
    phi, slope = getattr(activations, activation), SLOPES[activation]
    L = tables.network_depth("backpropagation", x, weights)
    a, entered, z = x, [], []
    for i in range(L):
        entered.append(a)  # a_{l-1}
        z.append(a @ weights[f"kernel_{i}"] + weights[f"bias_{i}"])
        a = phi(z[i]) if i < L - 1 else z[i]
    if a.shape != labels.shape:
        raise ValueError(f"backpropagation: labels has shape {labels.shape} but the output has shape {a.shape}")
    g = (activations.softmax(a) if loss == "softmax_cross_entropy" else a) - labels
    gradients = {}
    for i in reversed(range(L)):
        if i < L - 1:
            g = slope(z[i]) * (g @ weights[f"kernel_{i + 1}"].T)
        rows, columns = entered[i].reshape(-1, entered[i].shape[-1]), g.reshape(-1, g.shape[-1])  # [examples, units]
        gradients |= {f"kernel_{i}": rows.T @ columns, f"bias_{i}": columns.sum(0)}
    return {name: gradients[name] for name in weights}
