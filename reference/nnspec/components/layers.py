r"""Layers: the dense layer and the multilayer perceptron, as functions of their weights and as Flax modules.

A network's weights are one flat table of arrays, ``kernel_0``, ``bias_0``, ..., ``kernel_{L-1}``, ``bias_{L-1}``. The
functions take it as an argument; the modules hold it, and hand it out and take it by `get_weights` and `set_weights`.
"""

from collections.abc import Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float

from nnspec import tables
from nnspec.checking import checked
from nnspec.components import activations
from nnspec.components.activations import ActivationName

__all__ = ["Dense", "MultilayerPerceptron", "dense", "mlp"]


@checked
@jax.jit
def dense(
    x: Float[Array, "*batch in_features"],
    kernel: Float[Array, "in_features out_features"],
    bias: Float[Array, "out_features"],
) -> Float[Array, "*batch out_features"]:
    r"""Map the last axis by a matrix and a vector, and leave all other axes alone.

    With $W$ = ``kernel``, $b$ = ``bias``: $y = x W + b$   [dense.value][]

    Args:
        x: activations of the layer before, any float dtype, any number of leading axes.
        kernel: weights, from each input to each unit.
        bias: one number a unit.

    Returns:
        The leading axes of ``x``, then one number a unit.

    Source: Goodfellow, Bengio and Courville 2016, section 6.1.
    """
    W, b = kernel, bias
    z = x @ W
    wide = jnp.promote_types(z.dtype, jnp.float32)  # the gradient of b is a sum over the examples, and is added so
    return (z.astype(wide) + b.astype(wide)).astype(z.dtype)


@checked
@partial(jax.jit, static_argnames="activation")
def mlp(
    x: Float[Array, "*batch in_features"], weights: dict, *, activation: ActivationName
) -> Float[Array, "*batch out_features"]:
    r"""Apply dense layers one after the other, with an activation after every one but the last.

    With $\phi$ = ``activation``: $h_0 = x$, $h_{l+1} = \phi(h_l W_l + b_l)$, $y = h_{L-1} W_{L-1} + b_{L-1}$
    [mlp.value][]

    Args:
        x: the data, any float dtype, any number of leading axes.
        weights: arrays ``kernel_l`` [in, out] and ``bias_l`` [out] for each layer ``l`` from 0 on.
        activation: name of a function of `nnspec.components.activations`, in its definition's form.

    Returns:
        The leading axes of ``x``, then one number a unit of the last layer.

    Raises:
        ValueError: ``activation`` is no activation; a name of the table is missing or unknown; two layers do not fit.
        TypeError: an entry of the table is no array, or not of a float dtype.

    Source: Rumelhart, Hinton and Williams 1986, equations 1 and 2.
    """
    phi, L = getattr(activations, activation), tables.network_depth("mlp", x, weights)
    h = x
    for i in range(L - 1):
        h = phi(dense(h, weights[f"kernel_{i}"], weights[f"bias_{i}"]))  # [*batch, units of layer i]
    return dense(h, weights[f"kernel_{L - 1}"], weights[f"bias_{L - 1}"])


class Dense(nnx.Module):
    r"""A dense layer that holds its kernel and bias: $\phi(x W + b)$.

    The kernel starts with normal draws of variance $1 / n$, $n$ being the inputs, the bias with zeros.

    Args:
        in_features: length of the last axis of the input.
        out_features: number of units.
        activation: name of a function of `nnspec.components.activations`.
        rngs: where the first weights are drawn from, the stream ``params``.

    Examples:
        >>> layer = Dense(3, 2, rngs=nnx.Rngs(0))
        >>> layer(jnp.ones((5, 3))).shape
        (5, 2)
    """

    @checked
    def __init__(
        self, in_features: int, out_features: int, *, activation: ActivationName = "identity", rngs: nnx.Rngs
    ) -> None:
        for name, size in (("in_features", in_features), ("out_features", out_features)):
            if size < 1:
                raise ValueError(f"Dense: {name} is {size}, must be at least 1")
        draws = jax.random.normal(rngs.params(), (in_features, out_features))
        self.activation: ActivationName = activation
        self.kernel = nnx.Param(draws / in_features**0.5)  # LeCun 1998: keeps the variance of the input
        self.bias = nnx.Param(jnp.zeros(out_features))

    @checked
    def __call__(self, x: Float[Array, "*batch in_features"]) -> Float[Array, "*batch out_features"]:
        """Apply `dense` and the activation to a batch."""
        phi = getattr(activations, self.activation)
        return phi(dense(x, self.kernel[...], self.bias[...]))

    def get_weights(self) -> dict[str, Array]:
        """Hand out the table of a network of one layer.

        Returns:
            ``kernel_0`` and ``bias_0``; changing the table does not change the layer.
        """
        return {"kernel_0": self.kernel[...], "bias_0": self.bias[...]}

    def set_weights(self, weights: dict) -> None:
        """Take the table of a network of one layer.

        Args:
            weights: ``kernel_0`` and ``bias_0``, in the shapes that the layer has.

        Raises:
            ValueError: a name is missing or unknown, or a shape is not the layer's.
            TypeError: an entry is no array.
        """
        table = _of_the_same_form("Dense.set_weights", self.get_weights(), weights)
        self.kernel[...], self.bias[...] = table["kernel_0"], table["bias_0"]


class MultilayerPerceptron(nnx.Module):
    r"""A network of dense layers that holds their weights; the activation follows all but the last.

    Args:
        sizes: inputs, units of each hidden layer, outputs: at least three numbers.
        activation: name of a function of `nnspec.components.activations`.
        rngs: where the first weights are drawn from, the stream ``params``.

    Examples:
        >>> net = MultilayerPerceptron([4, 6, 5, 3], activation="tanh", rngs=nnx.Rngs(0))
        >>> net(jnp.ones((2, 4))).shape
        (2, 3)
    """

    @checked
    def __init__(self, sizes: Sequence, *, activation: ActivationName = "relu", rngs: nnx.Rngs) -> None:
        sizes = list(sizes)
        for position, size in enumerate(sizes):
            if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1:
                raise ValueError(
                    f"MultilayerPerceptron: sizes[{position}] is {size!r}, must be an integer of at least 1"
                )
        if len(sizes) < 3:
            fix = f"Dense({sizes[0]}, {sizes[1]})" if len(sizes) == 2 else "Dense"
            raise ValueError(f"MultilayerPerceptron: sizes {sizes} has no hidden layer; put one between, or use {fix}")
        phis: list[ActivationName] = [activation for _ in sizes[2:]]
        phis.append("identity")
        triples = zip(sizes[:-1], sizes[1:], phis, strict=True)
        self.layers = nnx.List([Dense(n, m, activation=phi, rngs=rngs) for n, m, phi in triples])

    @checked
    def __call__(self, x: Float[Array, "*batch in_features"]) -> Float[Array, "*batch out_features"]:
        """Apply the layers to a batch, as `mlp` does."""
        h = x
        for layer in self.layers:
            h = layer(h)
        return h

    def get_weights(self) -> dict[str, Array]:
        """Hand out the table that `mlp` takes.

        Returns:
            The arrays by name; changing the table does not change the network.
        """
        arrays = [parameter[...] for layer in self.layers for parameter in (layer.kernel, layer.bias)]
        return dict(zip(tables.network_axes(len(self.layers)), arrays, strict=True))

    def set_weights(self, weights: dict) -> None:
        """Take a table such as `get_weights` hands out.

        Args:
            weights: an array for every name, in the shape that the network has.

        Raises:
            ValueError: a name is missing or unknown, or a shape is not the network's.
            TypeError: an entry is no array.
        """
        table = _of_the_same_form("MultilayerPerceptron.set_weights", self.get_weights(), weights)
        for i, layer in enumerate(self.layers):
            layer.kernel[...], layer.bias[...] = table[f"kernel_{i}"], table[f"bias_{i}"]


def _of_the_same_form(operation: str, own: dict[str, Array], weights: dict) -> dict[str, Array]:
    """A table with the names and shapes of a module's own, in its dtypes."""
    tables.check(operation, weights, {name: " ".join(map(str, value.shape)) for name, value in own.items()})
    return {name: jnp.asarray(weights[name], value.dtype) for name, value in own.items()}
