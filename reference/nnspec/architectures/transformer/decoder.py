r"""Transformer decoders: causal attention among the places, attention to a source, then a small network at each place.

`decoder_layer`, `decoder` and `encoder_decoder` are functions of a table of weights; `DecoderLayer`, `Decoder` and
`EncoderDecoder` hold it.
"""

from functools import partial

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float, Int

from nnspec import tables
from nnspec.architectures._sequences import active, check_lengths
from nnspec.architectures.transformer import encoder as encoders
from nnspec.architectures.transformer import multi_head_attention as heads
from nnspec.architectures.transformer.encoder import (
    FEED_FORWARD,
    Activation,
    NormPlace,
    _beside,
    _feed_forward,
    _started,
    _started_stack,
    _taken_apart,
    _Weighed,
    encoder,
)
from nnspec.architectures.transformer.multi_head_attention import multi_head_attention
from nnspec.architectures.transformer.normalization import layer_norm
from nnspec.checking import NonNegative, checked

__all__ = ["Decoder", "DecoderLayer", "EncoderDecoder", "decoder", "decoder_layer", "encoder_decoder"]

CROSS = {f"cross_{name}": words for name, words in heads.AXES.items()}
NORMS = {f"{part}_{n}": "in_features" for n in (1, 2, 3) for part in ("scale", "shift")}
AXES = heads.AXES | CROSS | FEED_FORWARD | NORMS


@checked
def decoder_layer(
    x: Float[Array, "batch time in_features"],
    weights: dict,
    source: Float[Array, "batch places in_features"],
    lengths: Int[Array, "batch"] | None = None,
    *,
    norm: NormPlace,
    epsilon: NonNegative,
    activation: Activation = "relu",
) -> Float[Array, "batch time in_features"]:
    r"""Let every place look back at the target and at the whole source, then apply a small network to it.

    With $s$ = ``source`` and ``norm="post"``: $h = \operatorname{norm}_1(x + \operatorname{attend}(x))$,
    $c = \operatorname{norm}_2(h + \operatorname{look}(h, s))$, $y = \operatorname{norm}_3(c + \operatorname{feed}(c))$;
    with ``norm="pre"``: $h = x + \operatorname{attend}(\operatorname{norm}_1(x))$,
    $c = h + \operatorname{look}(\operatorname{norm}_2(h), s)$, $y = c + \operatorname{feed}(\operatorname{norm}_3(c))$
    [decoders.value][]

    Args:
        x: the targets, any float dtype.
        weights: the table of `encoder_layer`; besides that of the attention to the source, whose names begin with
            ``cross_``, and ``scale_3`` and ``shift_3`` [in].
        source: what the decoder looks at.
        lengths: how many places of each source are its own, at least 1; the others are padding. By default all are. A
            0 that is traced cannot be refused: attention to such a source finds zeros [decoders.no-source][].
        norm: ``post``, behind the sum, or ``pre``, in front of the part.
        epsilon: of the norms, in units of x squared; zero or positive.
        activation: ``relu``, or ``gelu`` in its exact form.

    Returns:
        Same shape and dtype as ``x``.

    Raises:
        ValueError: a name of the table is missing or unknown; an array does not fit the others; the source has no
            place; a length is below 1 or larger than the number of places.
        TypeError: an entry of the table is no array.

    Source: Vaswani et al. 2017, section 3.1; Xiong et al. 2020, table 1.
    """
    _check_source("decoder_layer", source)
    check_lengths("decoder_layer", lengths, source.shape[1], least=1)
    tables.check("decoder_layer", weights, AXES, x=x)
    return _run(x, (weights,), None, source, lengths, norm, epsilon, activation)


@checked
def decoder(
    x: Float[Array, "batch time in_features"],
    weights: dict,
    source: Float[Array, "batch places in_features"],
    lengths: Int[Array, "batch"] | None = None,
    *,
    norm: NormPlace,
    epsilon: NonNegative,
    activation: Activation = "relu",
) -> Float[Array, "batch time in_features"]:
    r"""Apply decoder layers one after the other, and a last norm where norms stand in front of the parts.

    With $h^{(0)}$ = ``x``, $s$ = ``source`` and $w_l$ the weights of layer $l$:
    $h^{(l+1)} = \operatorname{layer}(h^{(l)}, s; w_l)$   [decoder.layers][]

    Args:
        x: the targets, any float dtype.
        weights: of each layer the table of `decoder_layer`, every name with the number of the layer, from ``_0`` on;
            with ``norm="pre"`` besides ``final_scale`` and ``final_shift`` [in].
        source: what all layers look at.
        lengths: how many places of each source are its own, at least 1; the others are padding. By default all are. A
            0 that is traced cannot be refused: attention to such a source finds zeros [decoders.no-source][].
        norm: ``post``, behind the sum, or ``pre``, in front of the part.
        epsilon: of the norms, in units of x squared; zero or positive.
        activation: ``relu``, or ``gelu`` in its exact form.

    Returns:
        Same shape and dtype as ``x``.

    Raises:
        ValueError: a name of the table is missing or unknown; an array does not fit the others; the source has no
            place; a length is below 1 or larger than the number of places.
        TypeError: an entry of the table is no array.

    Source: Vaswani et al. 2017, section 3.1; Xiong et al. 2020, table 1.
    """
    _check_source("decoder", source)
    check_lengths("decoder", lengths, source.shape[1], least=1)
    layers, final = _taken_apart("decoder", x, weights, AXES, norm)
    return _run(x, layers, final, source, lengths, norm, epsilon, activation)


@checked
def encoder_decoder(
    source: Float[Array, "batch places in_features"],
    target: Float[Array, "batch time in_features"],
    weights: dict,
    lengths: Int[Array, "batch"] | None = None,
    *,
    norm: NormPlace,
    epsilon: NonNegative,
    activation: Activation = "relu",
) -> Float[Array, "batch time in_features"]:
    r"""Encode a source, and decode a target that looks at it.

    $y = \operatorname{decoder}(\mathrm{target}, \operatorname{encoder}(\mathrm{source}))$   [encoder-decoder.parts][]

    Args:
        source: what is read, any float dtype.
        target: what has been written so far.
        weights: the table of `encoder`, whose names begin with ``encoder_``, and that of `decoder`, whose names begin
            with ``decoder_``.
        lengths: how many places of each source are its own, at least 1; the others are padding. By default all are. A
            0 that is traced cannot be refused: attention to such a source finds zeros [decoders.no-source][].
        norm: ``post``, behind the sum, or ``pre``, in front of the part.
        epsilon: of the norms, in units of x squared; zero or positive.
        activation: ``relu``, or ``gelu`` in its exact form.

    Returns:
        Same shape and dtype as ``target``.

    Raises:
        ValueError: a name of the table is missing or unknown; an array does not fit the others; the source has no
            place; a length is below 1 or larger than the number of places.
        TypeError: an entry of the table is no array.

    Source: Vaswani et al. 2017, figure 1.
    """
    strange = [name for name in weights if not str(name).startswith(("encoder_", "decoder_"))]
    if strange:
        raise ValueError(f"encoder_decoder: weights has {strange[0]}, expected names from encoder_ or decoder_ on")
    _check_source("encoder_decoder", source)
    check_lengths("encoder_decoder", lengths, source.shape[1], least=1)
    below, above = (_of_part(weights, start) for start in ("encoder_", "decoder_"))
    seen = encoder(source, below, lengths, norm=norm, epsilon=epsilon, activation=activation)
    return decoder(target, above, seen, lengths, norm=norm, epsilon=epsilon, activation=activation)


@partial(jax.jit, static_argnames=("norm", "activation"))
def _run(
    x: Array,
    layers: tuple[dict[str, Array], ...],
    final: tuple[Array, Array] | None,
    source: Array,
    lengths: Array | None,
    norm: NormPlace,
    epsilon: float | Array,
    activation: Activation,
) -> Array:
    """Layers one after the other, whose tables have been checked."""
    real = active(source, lengths)
    source = source if real is None else jnp.where(real, source, 0)  # NaN would come back as 0 times NaN
    mask = None if real is None else real[:, None, None, :, 0]
    for w in layers:

        def attend(h: Array, w: dict[str, Array] = w) -> Array:
            return multi_head_attention(h, {name: w[name] for name in heads.AXES}, causal=True)

        def look(h: Array, w: dict[str, Array] = w) -> Array:
            return multi_head_attention(h, {name: w[f"cross_{name}"] for name in heads.AXES}, source, mask)

        h = _beside(x, attend, w, 1, norm, epsilon)
        c = _beside(h, look, w, 2, norm, epsilon)
        x = _beside(c, partial(_feed_forward, weights=w, activation=activation), w, 3, norm, epsilon)
    return x if final is None else layer_norm(x, *final, epsilon=epsilon)


def _check_source(operation: str, source: Array) -> None:
    """Refuse a source of no place.

    Raises:
        ValueError: it has none.
    """
    if not source.shape[1]:
        raise ValueError(f"{operation}: the source has no place; hand over at least one, such as that of an end token")


def _of_part(weights: dict, start: str) -> dict:
    """The table of the encoder or of the decoder."""
    return {name.removeprefix(start): w for name, w in weights.items() if name.startswith(start)}


class DecoderLayer(_Weighed):
    r"""A decoder layer that holds its weights, which start as those of `EncoderLayer` do.

    Args:
        features: of each place of target and source; a multiple of the heads.
        heads: how many attentions lie side by side.
        hidden: units of the feed-forward network.
        norm: ``post``, behind the sum, or ``pre``, in front of the part.
        activation: ``relu`` or ``gelu``.
        epsilon: of the norms; zero or positive.
        rngs: where the first weights are drawn from, the stream ``params``.

    Examples:
        >>> layer = DecoderLayer(6, 2, 12, norm="pre", rngs=nnx.Rngs(0))
        >>> layer(jnp.ones((5, 3, 6)), jnp.ones((5, 4, 6))).shape
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
        self.weights = nnx.Dict(_started("DecoderLayer", AXES, features, heads, hidden, rngs))

    def __call__(self, x: Array, source: Array, lengths: Array | None = None) -> Array:
        """Apply `decoder_layer` with the layer's weights."""
        return decoder_layer(x, self.get_weights(), source, lengths, **self._given())


class Decoder(_Weighed):
    r"""A stack of decoder layers that holds its weights; each starts as that of `DecoderLayer` does.

    Args:
        features: of each place of target and source; a multiple of the heads.
        heads: how many attentions lie side by side.
        hidden: units of the feed-forward network.
        layers: how many there are.
        norm: ``post``, behind the sum, or ``pre``, in front of the part.
        activation: ``relu`` or ``gelu``.
        epsilon: of the norms; zero or positive.
        rngs: where the first weights are drawn from, the stream ``params``.

    Examples:
        >>> stack = Decoder(6, 2, 12, 3, norm="pre", rngs=nnx.Rngs(0))
        >>> stack(jnp.ones((5, 3, 6)), jnp.ones((5, 4, 6)), jnp.array([3, 1, 2, 4, 4])).shape
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
            raise ValueError(f"Decoder: layers is {layers}, must be at least 1")
        self.norm, self.activation, self.epsilon = norm, activation, epsilon
        self.weights = nnx.Dict(_started_stack("Decoder", AXES, features, heads, hidden, layers, norm, rngs))

    def __call__(self, x: Array, source: Array, lengths: Array | None = None) -> Array:
        """Apply `decoder` with the stack's weights."""
        return decoder(x, self.get_weights(), source, lengths, **self._given())


class EncoderDecoder(nnx.Module):
    r"""An encoder and a decoder that hold their weights, with as many layers each.

    Args:
        features: of each place of source and target; a multiple of the heads.
        heads: how many attentions lie side by side.
        hidden: units of the feed-forward networks.
        layers: how many the encoder has, and the decoder.
        norm: ``post``, behind the sum, or ``pre``, in front of the part.
        activation: ``relu`` or ``gelu``.
        epsilon: of the norms; zero or positive.
        rngs: where the first weights are drawn from, the stream ``params``.

    Examples:
        >>> both = EncoderDecoder(6, 2, 12, 1, norm="pre", rngs=nnx.Rngs(0))
        >>> both(jnp.ones((5, 4, 6)), jnp.ones((5, 3, 6)), jnp.array([3, 1, 2, 4, 4])).shape
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
        given = {"norm": norm, "activation": activation, "epsilon": epsilon, "rngs": rngs}
        self.encoder = encoders.Encoder(features, heads, hidden, layers, **given)
        self.decoder = Decoder(features, heads, hidden, layers, **given)

    def __call__(self, source: Array, target: Array, lengths: Array | None = None) -> Array:
        """Let the decoder read the target, and look at what the encoder makes of the source."""
        return self.decoder(target, self.encoder(source, lengths), lengths)

    def get_weights(self) -> dict[str, Array]:
        """Hand out the table of weights.

        Returns:
            What `encoder_decoder` takes; changing the table does not change the modules.
        """
        parts = {"encoder_": self.encoder, "decoder_": self.decoder}
        return {f"{start}{name}": w for start, part in parts.items() for name, w in part.get_weights().items()}
