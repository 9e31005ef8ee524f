r"""Forward propagation: the layers one after the other, and every value on the way.

`forward` is the definition and takes a network's flat table of weights. `hidden_scan` is the same recursion over layers
of equal width, whose weights are stacked: one compiled step, whatever the depth, and the form in which
rematerialization saves memory.
"""

from functools import partial

import jax
from jaxtyping import Array, Float

from nnspec import tables
from nnspec.checking import checked
from nnspec.components import activations
from nnspec.components.activations import ActivationName

__all__ = ["forward", "hidden_scan"]


@checked
@partial(jax.jit, static_argnames="activation")
def forward(x: Float[Array, "*batch in_features"], weights: dict, *, activation: ActivationName) -> dict[str, Array]:
    r"""Run data through all layers, and keep the pre-activation and the activation of each.

    With $\phi$ = ``activation`` and $a_{-1} = x$: $z_l = a_{l-1} W_l + b_l$, $a_l = \phi(z_l)$, at the output
    $a_{L-1} = z_{L-1}$   [forward.composition][], [forward.output][]

    Args:
        x: the data, any float dtype, any number of leading axes.
        weights: arrays ``kernel_l`` [in, out] and ``bias_l`` [out] for each layer ``l`` from 0 on.
        activation: name of a function of `nnspec.components.activations`, in its definition's form.

    Returns:
        ``z_l`` and ``a_l`` for each layer, [*batch, units of the layer]; the last one is the output.

    Raises:
        ValueError: ``activation`` is no activation; a name of the table is missing or unknown; two layers do not fit.
        TypeError: an entry of the table is no array, or not of a float dtype.

    Source: Rumelhart, Hinton and Williams 1986, equations 1 and 2; Goodfellow et al. 2016, algorithm 6.3.
    """
    phi, L = getattr(activations, activation), tables.network_depth("forward", x, weights)
    values, a = {}, x
    for i in range(L):
        W, b = weights[f"kernel_{i}"], weights[f"bias_{i}"]
        z = a @ W + b  # [*batch, units of layer i]
        a = phi(z) if i < L - 1 else z
        values |= {f"z_{i}": z, f"a_{i}": a}
    return values


@checked
@partial(jax.jit, static_argnames=("activation", "rematerialize"))
def hidden_scan(
    x: Float[Array, "*batch width"],
    kernels: Float[Array, "layers width width"],
    biases: Float[Array, "layers width"],
    *,
    activation: ActivationName,
    rematerialize: bool = False,
) -> Float[Array, "*batch width"]:
    r"""Run data through hidden layers of equal width, as one step that is scanned over stacked weights.

    With $\phi$ = ``activation`` and $a_{-1} = x$: $a_l = \phi(a_{l-1} W_l + b_l)$   [forward.composition][]

    Args:
        x: activations that enter the first of these layers, any float dtype, any number of leading axes.
        kernels: $W_0, \ldots, W_{L-1}$, stacked along the first axis.
        biases: $b_0, \ldots, b_{L-1}$, stacked in the same way.
        activation: name of a function of `nnspec.components.activations`, in its definition's form.
        rematerialize: store only the input of each layer for the gradient, and compute the layer once more on the way
            back.

    Returns:
        $a_{L-1}$, after its activation: these are hidden layers.

    Raises:
        ValueError: ``activation`` is no activation; a kernel is not square or not as wide as ``x``; there are more
            kernels than biases, or fewer.

    Source: Chen, Xu, Zhang and Guestrin 2016, section 4, for rematerialization.
    """
    phi = getattr(activations, activation)

    def layer(a: Array, weights: tuple[Array, Array]) -> tuple[Array, None]:
        W, b = weights
        return phi(a @ W + b), None

    a, _ = jax.lax.scan(jax.checkpoint(layer) if rematerialize else layer, x, (kernels, biases))
    return a
