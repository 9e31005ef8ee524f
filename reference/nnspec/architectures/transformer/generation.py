r"""Generation: a decoder-only transformer writes a text, one token after the other.

`language_model` reads a whole text at once; `cached_language_model` reads what is new of it, and keeps the keys and
values of every place for later.
"""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.core import Tracer
from jaxtyping import Array, Float, Int, Key

from nnspec.architectures.transformer.attention import attention
from nnspec.architectures.transformer.decoding import greedy_token, sample_token, token_probabilities
from nnspec.architectures.transformer.embedding import Embedding, embedding, tied_logits
from nnspec.architectures.transformer.encoder import (
    AXES,
    Activation,
    Encoder,
    NormPlace,
    _beside,
    _feed_forward,
    _taken_apart,
    encoder,
)
from nnspec.architectures.transformer.normalization import layer_norm
from nnspec.architectures.transformer.positions import sinusoidal_positions
from nnspec.checking import NonNegative, Requirement, checked

__all__ = ["Cache", "LanguageModel", "cached_language_model", "generate", "language_model", "new_cache"]

Count = Annotated[int, Requirement("at least 1", lambda value: value >= 1)]
Cut = Callable[[Array], Array]


class Cache(NamedTuple):
    """What is kept of the places that have been read.

    Attributes:
        keys: of each layer [batch, places, heads, depth].
        values: of each layer, likewise.
        count: how many places have been read; what lies behind them is never looked at.
    """

    keys: tuple[Array, ...]
    values: tuple[Array, ...]
    count: Array


@checked
@partial(jax.jit, static_argnames=("norm", "activation"))
def language_model(
    ids: Int[Array, "batch time"],
    weights: dict,
    *,
    norm: NormPlace,
    epsilon: NonNegative,
    activation: Activation = "relu",
) -> Float[Array, "batch time _"]:
    r"""Tell for each place of a text which token comes next.

    With $E$ = ``embedding``, $k$ = ``ids`` and $P$ the sines and cosines of the positions:
    $z = \operatorname{encoder}(\sqrt d\, E_k + P)\, E^\top$, the encoder being causal   [generation.cached][]

    Args:
        ids: tokens, from 0 to the number of rows of the embedding less one; texts of one length.
        weights: the table of `encoder`, and ``embedding`` [vocabulary, in], which is the output layer, too; the number
            of features is even.
        norm: ``post``, behind the sum, or ``pre``, in front of the part.
        epsilon: of the norms, zero or positive.
        activation: ``relu``, or ``gelu`` in its exact form.

    Returns:
        A logit for each token of the vocabulary, in the dtype of the embedding.

    Raises:
        ValueError: a name of the table is missing or unknown; an array does not fit the others; the features are odd.
        TypeError: an entry of the table is no array.

    Source: Vaswani et al. 2017, sections 3.4 and 3.5; Radford et al. 2018, section 3.1, for the decoder alone.
    """
    table, stack = _parted("language_model", weights)
    x = _read(ids, table, jnp.arange(ids.shape[1]))
    return tied_logits(encoder(x, stack, norm=norm, epsilon=epsilon, activation=activation, causal=True), table)


@checked
def new_cache(weights: dict, *, batch: Count, places: Count) -> Cache:
    r"""Make an empty cache   [generation.cached][].

    Args:
        weights: the table of `language_model`.
        batch: how many texts are written side by side.
        places: how many tokens each can have, those of the prompt among them.

    Returns:
        Keys and values of zeros, and the count 0.

    Raises:
        ValueError: ``batch`` or ``places`` is below 1; the table has no layer.

    Source: the definition.
    """
    numbers = range(sum(name.startswith("kernel_k_") for name in weights))
    if not numbers:
        raise ValueError("new_cache: weights lacks kernel_k_0; hand over the table of language_model")
    keys, values = (
        tuple(
            jnp.zeros((batch, places, *weights[f"kernel_{part}_{n}"].shape[1:]), weights[f"kernel_{part}_{n}"].dtype)
            for n in numbers
        )
        for part in "kv"
    )
    return Cache(keys, values, jnp.zeros((), int))


@checked
def cached_language_model(
    ids: Int[Array, "batch new"],
    weights: dict,
    cache: Cache,
    *,
    norm: NormPlace,
    epsilon: NonNegative,
    activation: Activation = "relu",
) -> tuple[Float[Array, "batch new _"], Cache]:
    r"""Read what is new of a text: its logits are those of `language_model` for the whole text.

    A place sees itself and earlier places only, so that what comes later changes neither its key nor its value:
    both are computed once, and kept   [generation.cached][]

    Args:
        ids: the tokens that follow those that have been read; one, or several, for instance a prompt.
        weights: the table of `language_model`.
        cache: of `new_cache`, or of the call before.
        norm: ``post`` or ``pre``.
        epsilon: of the norms, zero or positive.
        activation: ``relu`` or ``gelu``.

    Returns:
        The logits of the new places, and the cache with their keys and values.

    Raises:
        ValueError: the cache has not enough places left, where its count is no traced number (if it is, the logits are
            NaN); what `language_model` refuses.
        TypeError: an entry of the table is no array.

    Source: Shazeer 2019, for keys and values that are kept; the rest is the definition.
    """
    new, places = ids.shape[1], cache.keys[0].shape[1]
    if not isinstance(cache.count, Tracer) and int(cache.count) + new > places:
        raise ValueError(
            f"cached_language_model: {new} tokens do not fit behind {int(cache.count)} in a cache of {places} places; "
            "make a larger one with new_cache"
        )
    table, stack = _parted("cached_language_model", weights)
    layers, final = _taken_apart("cached_language_model", table[None], stack, AXES, norm)
    return _continue(ids, table, layers, final, cache, norm, epsilon, activation)


@partial(jax.jit, static_argnames=("norm", "activation"))
def _continue(
    ids: Array,
    table: Array,
    layers: tuple[dict[str, Array], ...],
    final: tuple[Array, Array] | None,
    cache: Cache,
    norm: NormPlace,
    epsilon: float | Array,
    activation: Activation,
) -> tuple[Array, Cache]:
    """The new places through all layers, each of which adds their keys and values to its own."""
    at = cache.count + jnp.arange(ids.shape[1])  # where the new tokens stand
    places = cache.keys[0].shape[1]
    seen = (jnp.arange(places) <= at[:, None])[None, None]  # [1, 1, new, places]
    x = _read(ids, table, at)
    x = jnp.where(at[-1] < places, x, jnp.nan)  # there is no such place
    keys, values = [], []
    for w, k, v in zip(layers, cache.keys, cache.values, strict=True):

        def attend(h: Array, w: dict[str, Array] = w, k: Array = k, v: Array = v) -> Array:
            q, new_k, new_v = (jnp.einsum("bpi,ihd->bphd", h, w[f"kernel_{p}"]) + w[f"bias_{p}"] for p in "qkv")
            keys.append(jax.lax.dynamic_update_slice_in_dim(k, new_k, cache.count, 1))
            values.append(jax.lax.dynamic_update_slice_in_dim(v, new_v, cache.count, 1))
            y = attention(q, keys[-1], values[-1], seen)
            return jnp.einsum("bphd,hdo->bpo", y, w["kernel_o"]) + w["bias_o"]

        h = _beside(x, attend, w, 1, norm, epsilon)
        x = _beside(h, partial(_feed_forward, weights=w, activation=activation), w, 2, norm, epsilon)
    y = x if final is None else layer_norm(x, *final, epsilon=epsilon)
    return tied_logits(y, table), Cache(tuple(keys), tuple(values), cache.count + ids.shape[1])


@checked
def generate(
    prompt: Int[Array, "batch time"],
    weights: dict,
    key: Key[Array, ""] | None = None,
    *,
    end: int,
    limit: Count,
    cut: Cut = token_probabilities,
    norm: NormPlace,
    epsilon: NonNegative,
    activation: Activation = "relu",
) -> Int[Array, "batch limit"]:
    r"""Write texts on, token by token, until each has ended   [generation.greedy][].

    Args:
        prompt: what the texts begin with, at least one token; of one length.
        weights: the table of `language_model`.
        key: of the draws; without one the most probable token is taken each time.
        end: the token at which a text ends.
        limit: the largest number of new tokens, the end among them.
        cut: logits to probabilities, from which is drawn; for instance
            ``functools.partial(nucleus_probabilities, p=0.9)``. The program is compiled for each such object: keep it.
        norm: ``post`` or ``pre``.
        epsilon: of the norms, zero or positive.
        activation: ``relu`` or ``gelu``.

    Returns:
        The new tokens; behind the end of a text all are ``end``.

    Raises:
        ValueError: the prompt has no token; ``end`` is no token; ``limit`` is below 1; what `language_model` refuses.
        TypeError: an entry of the table is no array.

    Source: the definition.
    """
    table, stack = _parted("generate", weights)
    if not prompt.shape[1]:
        raise ValueError("generate: the prompt has no token; begin with one that means the start")
    if not 0 <= end < len(table):
        raise ValueError(f"generate: end is {end}, but tokens go from 0 to {len(table) - 1}")
    _taken_apart("generate", table[None], stack, AXES, norm)
    return _write(prompt, weights, key, end, epsilon, limit=limit, cut=cut, norm=norm, activation=activation)


@partial(jax.jit, static_argnames=("limit", "cut", "norm", "activation"))
def _write(
    prompt: Array,
    weights: dict,
    key: Array | None,
    end: int | Array,
    epsilon: float,
    *,
    limit: int,
    cut: Cut,
    norm: NormPlace,
    activation: Activation,
) -> Array:
    """The loop; it goes on as long as a text has not ended."""

    def read(ids: Array, cache: Cache) -> tuple[Array, Cache]:
        z, cache = cached_language_model(ids, weights, cache, norm=norm, epsilon=epsilon, activation=activation)
        return z[:, -1].astype(jnp.promote_types(z.dtype, jnp.float32)), cache

    def chosen(z: Array, t: int | Array) -> Array:
        if key is None:
            return greedy_token(z)
        return sample_token(jnp.log(cut(z)), jax.random.fold_in(key, t))

    def step(state: tuple[Array, Array, Array, Cache]) -> tuple[Array, Array, Array, Cache]:
        t, tokens, ended, cache = state
        z, cache = read(tokens[:, t - 1, None], cache)
        token = jnp.where(ended, end, chosen(z, t))
        return t + 1, tokens.at[:, t].set(token), ended | (token == end), cache

    batch, time = prompt.shape
    z, cache = read(prompt, new_cache(weights, batch=batch, places=time + limit - 1))  # the last token is not read
    first = chosen(z, 0)
    tokens = jnp.full((batch, limit), end).at[:, 0].set(first)
    start = (jnp.asarray(1), tokens, first == end, cache)
    return jax.lax.while_loop(lambda state: (state[0] < limit) & ~state[2].all(), step, start)[1]


def _parted(operation: str, weights: dict) -> tuple[Array, dict]:
    """The rows of the tokens, and the table of the encoder."""
    table = weights.get("embedding")
    if not isinstance(table, jax.Array | np.ndarray) or table.ndim != 2:
        raise ValueError(f"{operation}: weights lacks embedding, an array with a row for each token")
    return jnp.asarray(table), {name: w for name, w in weights.items() if name != "embedding"}


def _read(ids: Array, table: Array, positions: Array) -> Array:
    """The rows of the tokens, each with its position."""
    x = embedding(table, ids, scaled=True)
    return x + sinusoidal_positions(positions, features=table.shape[1]).astype(x.dtype)


class LanguageModel(nnx.Module):
    r"""A decoder-only transformer that holds its weights; they start as those of `Embedding` and `Encoder` do.

    Args:
        vocabulary: number of tokens.
        features: of each place; even, and a multiple of the heads.
        heads: how many attentions lie side by side.
        hidden: units of the feed-forward networks.
        layers: how many there are.
        norm: ``post``, behind the sum, or ``pre``, in front of the part.
        activation: ``relu`` or ``gelu``.
        epsilon: of the norms; zero or positive.
        rngs: where the first weights are drawn from, the stream ``params``.

    Examples:
        >>> model = LanguageModel(7, 6, 2, 12, 2, norm="pre", rngs=nnx.Rngs(0))
        >>> model(jnp.array([[3, 0, 3]])).shape
        (1, 3, 7)
        >>> model.generate(jnp.array([[3, 0, 3]]), end=6, limit=4).shape
        (1, 4)
    """

    @checked
    def __init__(
        self,
        vocabulary: int,
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
        if features % 2:
            raise ValueError(f"LanguageModel: features is {features}, must be even: a position is pairs of numbers")
        self.norm, self.activation, self.epsilon = norm, activation, epsilon
        self.embedding = Embedding(vocabulary, features, scaled=True, rngs=rngs)
        given: Any = {"norm": norm, "activation": activation, "epsilon": epsilon}
        self.stack = Encoder(features, heads, hidden, layers, **given, rngs=rngs)

    def __call__(self, ids: Array) -> Array:
        """Apply `language_model` with the model's weights."""
        return language_model(ids, self.get_weights(), **self._given())

    def generate(
        self,
        prompt: Array,
        key: Array | None = None,
        *,
        end: int,
        limit: int,
        cut: Cut = token_probabilities,
    ) -> Array:
        """Apply `generate` with the model's weights.

        Args:
            prompt: what the texts begin with [batch, time].
            key: of the draws; without one the most probable token is taken each time.
            end: the token at which a text ends.
            limit: the largest number of new tokens.
            cut: logits to probabilities, from which is drawn.

        Returns:
            The new tokens [batch, limit].

        Raises:
            ValueError: what `generate` refuses.
        """
        return generate(prompt, self.get_weights(), key, end=end, limit=limit, cut=cut, **self._given())

    def get_weights(self) -> dict[str, Array]:
        """Hand out the table of weights.

        Returns:
            What `language_model` takes; changing the table does not change the model.
        """
        return self.stack.get_weights() | {"embedding": self.embedding.table[...]}

    def _given(self) -> dict[str, Any]:
        """The keywords of the functions."""
        return {"norm": self.norm, "activation": self.activation, "epsilon": self.epsilon}
