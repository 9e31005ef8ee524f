r"""Transformer encoders: attention among the places, then a small network at each of them, in a stack of layers.

`encoder_layer` and `encoder` are functions of a table of weights; `EncoderLayer` and `Encoder` hold it.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float, Int

from nnspec import tables
from nnspec.architectures._sequences import active, check_lengths
from nnspec.architectures.transformer import multi_head_attention as heads
from nnspec.architectures.transformer.multi_head_attention import multi_head_attention
from nnspec.architectures.transformer.normalization import layer_norm
from nnspec.checking import NonNegative, checked
from nnspec.components import activations
from nnspec.components.layers import dense

__all__ = ["Encoder", "EncoderLayer", "encoder", "encoder_layer"]

NormPlace = Literal["post", "pre"]
Activation = Literal["relu", "gelu"]
FEED_FORWARD = {
    "kernel_in": "in_features hidden",
    "bias_in": "hidden",
    "kernel_out": "hidden in_features",
    "bias_out": "in_features",
}
AXES = heads.AXES | FEED_FORWARD | {f"{part}_{n}": "in_features" for n in (1, 2) for part in ("scale", "shift")}
FINAL = {"final_scale": "in_features", "final_shift": "in_features"}


@checked
def encoder_layer(
    x: Float[Array, "batch time in_features"],
    weights: dict,
    lengths: Int[Array, "batch"] | None = None,
    *,
    norm: NormPlace,
    epsilon: NonNegative,
    activation: Activation = "relu",
    causal: bool = False,
) -> Float[Array, "batch time in_features"]:
    r"""Let every place look at all others, then apply a small network to each place by itself.

    With ``norm="post"``: $h = \operatorname{norm}_1(x + \operatorname{attend}(x))$,
    $y = \operatorname{norm}_2(h + \operatorname{feed}(h))$; with ``norm="pre"``:
    $h = x + \operatorname{attend}(\operatorname{norm}_1(x))$, $y = h + \operatorname{feed}(\operatorname{norm}_2(h))$,
    where $\operatorname{feed}(x) = \phi(x W_{in} + b_{in})\, W_{out} + b_{out}$ and $\phi$ = ``activation``
    [encoders.value][]

    Args:
        x: the sequences, any float dtype.
        weights: the table of `multi_head_attention`; ``kernel_in`` [in, hidden], ``bias_in`` [hidden], ``kernel_out``
            [hidden, in] and ``bias_out`` [in]; ``scale_n`` and ``shift_n`` [in] for n of 1 and 2.
        lengths: how many places of each sequence are its own; the others are padding. By default all are.
        norm: ``post``, behind the sum, or ``pre``, in front of the part.
        epsilon: of the norms, in units of x squared; zero or positive.
        activation: ``relu``, or ``gelu`` in its exact form.
        causal: whether a place sees no later one.

    Returns:
        Same shape and dtype as ``x``; zeros in the padding.

    Raises:
        ValueError: a name of the table is missing or unknown; an array does not fit the others; a length is negative or
            larger than the number of places.
        TypeError: an entry of the table is no array.

    Source: Vaswani et al. 2017, section 3.1; Xiong et al. 2020, table 1.
    """
    check_lengths("encoder_layer", lengths, x.shape[1])
    tables.check("encoder_layer", weights, AXES, x=x)
    return _run(x, (weights,), None, lengths, norm, epsilon, activation, causal)


@checked
def encoder(
    x: Float[Array, "batch time in_features"],
    weights: dict,
    lengths: Int[Array, "batch"] | None = None,
    *,
    norm: NormPlace,
    epsilon: NonNegative,
    activation: Activation = "relu",
    causal: bool = False,
) -> Float[Array, "batch time in_features"]:
    r"""Apply encoder layers one after the other, and a last norm where norms stand in front of the parts.

    With $h^{(0)}$ = ``x`` and $w_l$ the weights of layer $l$: $h^{(l+1)} = \operatorname{layer}(h^{(l)}; w_l)$
    [encoder.layers][]

    Args:
        x: the sequences, any float dtype.
        weights: of each layer the table of `encoder_layer`, every name with the number of the layer, from ``_0`` on;
            with ``norm="pre"`` besides ``final_scale`` and ``final_shift`` [in].
        lengths: how many places of each sequence are its own; the others are padding. By default all are.
        norm: ``post``, behind the sum, or ``pre``, in front of the part.
        epsilon: of the norms, in units of x squared; zero or positive.
        activation: ``relu``, or ``gelu`` in its exact form.
        causal: whether a place sees no later one.

    Returns:
        Same shape and dtype as ``x``; zeros in the padding.

    Raises:
        ValueError: a name of the table is missing or unknown; an array does not fit the others; a length is negative or
            larger than the number of places.
        TypeError: an entry of the table is no array.

    Source: Vaswani et al. 2017, section 3.1; Xiong et al. 2020, table 1.
    """
    check_lengths("encoder", lengths, x.shape[1])
    layers, final = _taken_apart("encoder", x, weights, AXES, norm)
    return _run(x, layers, final, lengths, norm, epsilon, activation, causal)


@partial(jax.jit, static_argnames=("norm", "activation", "causal"))
def _run(
    x: Array,
    layers: tuple[dict[str, Array], ...],
    final: tuple[Array, Array] | None,
    lengths: Array | None,
    norm: NormPlace,
    epsilon: float | Array,
    activation: Activation,
    causal: bool,
) -> Array:
    """Layers one after the other, whose tables have been checked."""
    real = active(x, lengths)
    x = x if real is None else jnp.where(real, x, 0)  # NaN in the padding would come back as 0 times NaN
    mask = None if real is None else real[:, None, None, :, 0]
    for w in layers:

        def attend(h: Array, w: dict[str, Array] = w) -> Array:
            return multi_head_attention(h, {name: w[name] for name in heads.AXES}, None, mask, causal=causal)

        h = _beside(x, attend, w, 1, norm, epsilon)
        x = _beside(h, partial(_feed_forward, weights=w, activation=activation), w, 2, norm, epsilon)
    y = x if final is None else layer_norm(x, *final, epsilon=epsilon)
    return y if real is None else jnp.where(real, y, 0)


def _beside(
    x: Array,
    part: Callable[[Array], Array],
    weights: dict[str, Array],
    n: int,
    norm: NormPlace,
    epsilon: float | Array,
) -> Array:
    """A part of a layer with its shortcut, and the norm of number ``n`` at its place."""
    scale, shift = weights[f"scale_{n}"], weights[f"shift_{n}"]
    if norm == "pre":
        return x + part(layer_norm(x, scale, shift, epsilon=epsilon))
    return layer_norm(x + part(x), scale, shift, epsilon=epsilon)


def _feed_forward(x: Array, weights: dict[str, Array], activation: Activation) -> Array:
    """Two dense layers with an activation between them, at each place by itself."""
    h = getattr(activations, activation)(dense(x, weights["kernel_in"], weights["bias_in"]))
    return dense(h, weights["kernel_out"], weights["bias_out"])


def _taken_apart(
    operation: str, x: Array, weights: dict, axes: dict[str, str], norm: NormPlace
) -> tuple[tuple[dict[str, Array], ...], tuple[Array, Array] | None]:
    """The tables of the layers of a stack, and scale and shift of its last norm, if it has one."""
    layers = max(1, sum(str(name).startswith("scale_1_") for name in weights))
    wanted = {f"{name}_{n}": _numbered(words, n) for n in range(layers) for name, words in axes.items()}
    tables.check(operation, weights, wanted | (FINAL if norm == "pre" else {}), x=x)
    found = tuple({name: weights[f"{name}_{n}"] for name in axes} for n in range(layers))
    return found, (weights["final_scale"], weights["final_shift"]) if norm == "pre" else None


def _numbered(words: str, n: int) -> str:
    """The axes of a layer's array, of which those inside a layer are its own."""
    return " ".join(word if word == "in_features" else f"{word}_{n}" for word in words.split())


class _Weighed(nnx.Module):
    """What layers and stacks share: a table of weights, and what their function is told beside it."""

    norm: NormPlace
    activation: Activation
    epsilon: float
    weights: nnx.Dict

    def get_weights(self) -> dict[str, Array]:
        """Hand out the table of weights.

        Returns:
            What the function of this module takes; changing the table does not change the module.
        """
        return {name: w[...] for name, w in self.weights.items()}

    def _given(self) -> dict[str, Any]:
        """The keywords of the function."""
        return {"norm": self.norm, "activation": self.activation, "epsilon": self.epsilon}


class EncoderLayer(_Weighed):
    r"""An encoder layer that holds its weights.

    Kernels start with normal draws of variance $1 / n$, $n$ being what they sum over, biases and shifts with zeros,
    scales with ones.

    Args:
        features: of each place; a multiple of the heads.
        heads: how many attentions lie side by side.
        hidden: units of the feed-forward network.
        norm: ``post``, behind the sum, or ``pre``, in front of the part.
        activation: ``relu`` or ``gelu``.
        epsilon: of the norms; zero or positive.
        rngs: where the first weights are drawn from, the stream ``params``.

    Examples:
        >>> layer = EncoderLayer(6, 2, 12, norm="pre", rngs=nnx.Rngs(0))
        >>> layer(jnp.ones((5, 3, 6)), causal=True).shape
        (5, 3, 6)
    """

    @checked
    def __init__(
        self,
        features: int,
        heads: int,
        hidden: int,
        *,
        norm: NormPlace,
        activation: Activation = "relu",
        epsilon: NonNegative = 1e-6,
        rngs: nnx.Rngs,
    ) -> None:
        self.norm, self.activation, self.epsilon = norm, activation, epsilon
        self.weights = nnx.Dict(_started("EncoderLayer", AXES, features, heads, hidden, rngs))

    def __call__(self, x: Array, lengths: Array | None = None, *, causal: bool = False) -> Array:
        """Apply `encoder_layer` with the layer's weights."""
        return encoder_layer(x, self.get_weights(), lengths, **self._given(), causal=causal)


class Encoder(_Weighed):
    r"""A stack of encoder layers that holds its weights; each starts as that of `EncoderLayer` does.

    Args:
        features: of each place; a multiple of the heads.
        heads: how many attentions lie side by side.
        hidden: units of the feed-forward network.
        layers: how many there are.
        norm: ``post``, behind the sum, or ``pre``, in front of the part.
        activation: ``relu`` or ``gelu``.
        epsilon: of the norms; zero or positive.
        rngs: where the first weights are drawn from, the stream ``params``.

    Examples:
        >>> stack = Encoder(6, 2, 12, 3, norm="pre", rngs=nnx.Rngs(0))
        >>> stack(jnp.ones((5, 3, 6)), jnp.array([3, 1, 2, 3, 3])).shape
        (5, 3, 6)
    """

    @checked
    def __init__(
        self,
        features: int,
        heads: int,
        hidden: int,
        layers: int,
        *,
        norm: NormPlace,
        activation: Activation = "relu",
        epsilon: NonNegative = 1e-6,
        rngs: nnx.Rngs,
    ) -> None:
        if layers < 1:
            raise ValueError(f"Encoder: layers is {layers}, must be at least 1")
        self.norm, self.activation, self.epsilon = norm, activation, epsilon
        self.weights = nnx.Dict(_started_stack("Encoder", AXES, features, heads, hidden, layers, norm, rngs))

    def __call__(self, x: Array, lengths: Array | None = None, *, causal: bool = False) -> Array:
        """Apply `encoder` with the stack's weights."""
        return encoder(x, self.get_weights(), lengths, **self._given(), causal=causal)


def _started(
    owner: str, axes: dict[str, str], features: int, heads: int, hidden: int, rngs: nnx.Rngs
) -> dict[str, nnx.Param]:
    """The first weights of a layer with such axes."""
    if min(features, heads, hidden) < 1 or features % heads:
        raise ValueError(f"{owner}: {features} features cannot be shared among {heads} heads, with {hidden} units")
    sizes = {"in_features": features, "heads": heads, "depth": features // heads, "hidden": hidden}
    found = {}
    for name, words in axes.items():
        shape = tuple(sizes[word] for word in words.split())
        if "kernel" in name:
            n = hidden if words.startswith("hidden") else features
            found[name] = nnx.Param(jax.random.normal(rngs.params(), shape) / n**0.5)
        else:
            found[name] = nnx.Param(jnp.ones(shape) if "scale" in name else jnp.zeros(shape))
    return found


def _started_stack(
    owner: str,
    axes: dict[str, str],
    features: int,
    heads: int,
    hidden: int,
    layers: int,
    norm: NormPlace,
    rngs: nnx.Rngs,
) -> dict[str, nnx.Param]:
    """The first weights of a stack of such layers."""
    found = {
        f"{name}_{n}": w
        for n in range(layers)
        for name, w in _started(owner, axes, features, heads, hidden, rngs).items()
    }
    if norm == "pre":
        found |= {name: nnx.Param((jnp.ones if "scale" in name else jnp.zeros)(features)) for name in FINAL}
    return found
