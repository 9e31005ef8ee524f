r"""Layers: the dense layer and the multilayer perceptron, as functions of their weights and as Flax modules.

A network's weights are one flat table of arrays, ``kernel_0``, ``bias_0``, ..., ``kernel_{L-1}``, ``bias_{L-1}``. The
functions take it as an argument; the modules hold it, and hand it out and take it by `get_weights` and `set_weights`.
"""

import difflib
from collections.abc import Sequence
from functools import partial
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float

from nnspec.checking import checked
from nnspec.components import activations

__all__ = ["ActivationName", "Dense", "MultilayerPerceptron", "dense", "mlp"]

ActivationName = Literal[
    "identity", "relu", "leaky_relu", "elu", "selu", "gelu", "sigmoid", "tanh", "softplus", "silu", "hard_sigmoid",
    "softmax", "log_softmax",
]  # fmt: skip


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
    return x @ W + b


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
        ValueError: ``activation`` is no activation; a name of the table is missing or extra; two layers do not fit.
        TypeError: an array of the table is missing or not of a float dtype.

    Source: Rumelhart, Hinton and Williams 1986, equations 1 and 2.
    """
    phi, L = getattr(activations, activation), check_table("mlp", x, weights)
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
        """The layer's result for a batch, as of `dense` and the activation."""
        phi = getattr(activations, self.activation)
        return phi(dense(x, self.kernel[...], self.bias[...]))

    def get_weights(self) -> dict[str, Array]:
        """Hand out the table of a network of one layer: ``kernel_0`` and ``bias_0``   [dense.value][].

        Returns:
            The arrays by name; changing the table does not change the layer.

        Source: the exchange layout.
        """
        return {"kernel_0": self.kernel[...], "bias_0": self.bias[...]}

    def set_weights(self, weights: dict) -> None:
        """Take the table of a network of one layer   [mlp.missing-weights][].

        Args:
            weights: ``kernel_0`` and ``bias_0``, in the shapes that the layer has.

        Returns:
            Nothing.

        Raises:
            ValueError: a name is missing or extra, or a shape is not the layer's.

        Source: the exchange layout.
        """
        found = fitting("Dense.set_weights", self.get_weights(), weights)
        self.kernel[...], self.bias[...] = found["kernel_0"], found["bias_0"]


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
        """The network's result for a batch, as of `mlp`."""
        h = x
        for layer in self.layers:
            h = layer(h)
        return h

    def get_weights(self) -> dict[str, Array]:
        """Hand out the table that `mlp` takes   [mlp.value][].

        Returns:
            The arrays by name; changing the table does not change the network.

        Source: the exchange layout.
        """
        named = [(f"{part}_{i}", getattr(layer, part)) for i, layer in enumerate(self.layers) for part in PARTS]
        return {name: parameter[...] for name, parameter in named}

    def set_weights(self, weights: dict) -> None:
        """Take a table such as `get_weights` hands out   [mlp.missing-weights][].

        Args:
            weights: an array for every name, in the shape that the network has.

        Returns:
            Nothing.

        Raises:
            ValueError: a name is missing or extra, or a shape is not the network's.

        Source: the exchange layout.
        """
        found = fitting("MultilayerPerceptron.set_weights", self.get_weights(), weights)
        for i, layer in enumerate(self.layers):
            layer.kernel[...], layer.bias[...] = found[f"kernel_{i}"], found[f"bias_{i}"]


PARTS = ("kernel", "bias")


def check_table(operation: str, x: Array, weights: dict) -> int:
    """The depth of a table of weights that fits together and fits the input.

    [mlp.missing-weights][], [mlp.extra-weights][], [layers.feature-count][]

    Args:
        operation: the name errors begin with.
        x: the input.
        weights: the table.

    Returns:
        The number of layers.

    Raises:
        ValueError: a name is missing or extra, a rank or an axis does not fit.
        TypeError: an entry is no array of a float dtype.

    Source: the exchange layout.
    """
    L = sum(str(name).startswith("kernel_") for name in weights)
    if not L:
        raise ValueError(f"{operation}: weights has no kernel_0; a table of one layer has kernel_0 and bias_0")
    check_names(operation, [f"{part}_{i}" for i in range(L) for part in PARTS], weights)
    before, units = "x", x.shape[-1]
    for i in range(L):
        for part, rank in (("kernel", 2), ("bias", 1)):
            name, value = f"{part}_{i}", weights[f"{part}_{i}"]
            if not isinstance(value, jax.Array | np.ndarray):
                raise TypeError(f"{operation}: {name} has type {type(value).__name__}, expected an array")
            if not jnp.issubdtype(value.dtype, jnp.floating):
                raise TypeError(f"{operation}: {name} has dtype {value.dtype}, expected floating point; cast it first")
            if value.ndim != rank:
                axes = "[in, out]" if part == "kernel" else "[out]"
                raise ValueError(f"{operation}: {name} has shape {value.shape}, expected {rank} axes, {axes}")
        (n, m), b = weights[f"kernel_{i}"].shape, weights[f"bias_{i}"].shape[0]
        if n != units:
            ends = f"ends with {units} units" if i else f"has {units} features"
            fix = "; is it transposed?" if m == units else ""
            raise ValueError(f"{operation}: kernel_{i} takes {n} features but {before} {ends}{fix}")
        if b != m:
            raise ValueError(f"{operation}: bias_{i} has {b} entries but kernel_{i} has {m} units")
        before, units = f"layer {i}", m
    return L


def check_names(operation: str, wanted: Sequence[str], weights: dict) -> None:
    """Refuse a table whose names are not those wanted   [mlp.missing-weights][], [mlp.extra-weights][].

    Args:
        operation: the name errors begin with.
        wanted: every name, in order.
        weights: the table.

    Returns:
        Nothing.

    Raises:
        ValueError: a name is missing or extra.

    Source: the exchange layout.
    """
    missing = [name for name in wanted if name not in weights]
    extra = [name for name in weights if name not in wanted]
    if missing:
        near = difflib.get_close_matches(missing[0], map(str, extra), n=1)
        fix = f"; did {near[0]!r} mean it?" if near else "; add it"
        raise ValueError(f"{operation}: weights lacks {missing[0]}{fix}")
    if extra:
        raise ValueError(
            f"{operation}: weights has {extra[0]!r}, which is no weight of {len(wanted) // 2} layers; take it out"
        )


def fitting(operation: str, own: dict[str, Array], weights: dict) -> dict[str, Array]:
    """A table as JAX arrays, with the names and shapes of one's own   [mlp.missing-weights][].

    Args:
        operation: the name errors begin with.
        own: the table that a module has.
        weights: the one that it is given.

    Returns:
        The given arrays, in the dtypes of one's own.

    Raises:
        ValueError: a name is missing or extra, or a shape differs.

    Source: the exchange layout.
    """
    check_names(operation, list(own), weights)
    for name, value in own.items():
        if np.shape(weights[name]) != value.shape:
            raise ValueError(f"{operation}: {name} has shape {np.shape(weights[name])}, the module's is {value.shape}")
    return {name: jnp.asarray(weights[name], value.dtype) for name, value in own.items()}
