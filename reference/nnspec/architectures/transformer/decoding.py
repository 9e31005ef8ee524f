r"""Decoding turns logits into tokens: probabilities, cuts, draws and a search.

Probabilities of half precision are computed in float32: a sum over a vocabulary needs the digits.
"""

from functools import partial
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key

from nnspec.checking import NonNegative, Positive, Requirement, checked
from nnspec.components.activations import _below_maximum, softmax

__all__ = [
    "beam_search",
    "greedy_token",
    "min_p_probabilities",
    "nucleus_probabilities",
    "sample_token",
    "token_probabilities",
    "top_k_probabilities",
    "top_tokens",
]

Share = Annotated[float, Requirement("above 0 and at most 1", lambda value: 0 < value <= 1)]
Count = Annotated[int, Requirement("at least 1", lambda value: value >= 1)]
Order = Literal["before", "after"]


@checked
@jax.jit
def token_probabilities(
    logits: Float[Array, "*batch vocabulary"], *, temperature: Positive = 1.0
) -> Float[Array, "*batch vocabulary"]:
    r"""Tell how probable each token is.

    With $x$ = ``logits`` and $T$ = ``temperature``: $q_i = e^{x_i / T} / \sum_j e^{x_j / T}$   [decoding.value][]

    Args:
        logits: of the next token, any float dtype, any number of leading axes.
        temperature: above 1 flatter, below 1 sharper.

    Returns:
        Same shape and dtype as ``logits``; each row adds up to 1.

    Raises:
        ValueError: ``temperature`` is not positive.

    Source: Hinton, Vinyals and Dean 2015, equation 1.
    """
    return _among(logits, jnp.ones(logits.shape, bool), temperature)


@checked
@jax.jit
def top_k_probabilities(
    logits: Float[Array, "*batch vocabulary"], *, k: Count, temperature: Positive = 1.0
) -> Float[Array, "*batch vocabulary"]:
    r"""Keep the most probable tokens.

    With $K$ the first $k$ tokens by their logits, of equal ones those with the lower index:
    $r_i = q_i [i \in K] / \sum_{j \in K} q_j$   [decoding.value][]

    Args:
        logits: of the next token, any float dtype, any number of leading axes.
        k: how many are kept; all if there are no more.
        temperature: as of `token_probabilities`.

    Returns:
        Same shape and dtype as ``logits``; 0 for what is not kept.

    Raises:
        ValueError: ``k`` is below 1; ``temperature`` is not positive.

    Source: Fan, Lewis and Dauphin 2018, section 5.
    """
    order = _ranking(logits)
    return _among(logits, _of_tokens(jnp.arange(logits.shape[-1]) < k, order), temperature)


@checked
@partial(jax.jit, static_argnames=("boundary", "order"))
def nucleus_probabilities(
    logits: Float[Array, "*batch vocabulary"],
    *,
    p: Share,
    temperature: Positive = 1.0,
    boundary: Literal["reaches", "exceeds"] = "reaches",
    order: Order = "before",
) -> Float[Array, "*batch vocabulary"]:
    r"""Keep the fewest tokens that have a probability together.

    A token is kept if those before it, by their logits, have less than ``p`` together:
    $K = \{i : \sum_{j \text{ before } i} q_j < p\}$   [decoding.value][]

    Args:
        logits: of the next token, any float dtype, any number of leading axes.
        p: the probability; with 1 all are kept.
        temperature: as of `token_probabilities`.
        boundary: where the sum is ``p`` exactly, ``reaches`` stops and ``exceeds`` takes one more.
        order: whether the temperature is applied ``before`` the cut or ``after`` it.

    Returns:
        Same shape and dtype as ``logits``; 0 for what is not kept.

    Raises:
        ValueError: ``p`` is not above 0 and at most 1; ``temperature`` is not positive.

    Source: Holtzman et al. 2020, section 3.1.
    """
    x = jax.lax.stop_gradient(_wide(logits)) / (temperature if order == "before" else 1.0)
    ranking = _ranking(logits)
    q = jnp.take_along_axis(softmax(x), ranking, -1)
    before = jnp.cumsum(q, -1) - q
    kept = (before <= p if boundary == "exceeds" else before < p) | jnp.greater_equal(p, 1)
    return _among(logits, _of_tokens(kept, ranking), temperature)


@checked
@partial(jax.jit, static_argnames="order")
def min_p_probabilities(
    logits: Float[Array, "*batch vocabulary"], *, min_p: Share, temperature: Positive = 1.0, order: Order = "before"
) -> Float[Array, "*batch vocabulary"]:
    r"""Keep the tokens that are not much less probable than the first.

    With $m$ = ``min_p``: $K = \{i : q_i \ge m \max_j q_j\}$   [decoding.value][]

    Args:
        logits: of the next token, any float dtype, any number of leading axes.
        min_p: share of the largest probability.
        temperature: as of `token_probabilities`.
        order: whether the temperature is applied ``before`` the cut or ``after`` it.

    Returns:
        Same shape and dtype as ``logits``; 0 for what is not kept.

    Raises:
        ValueError: ``min_p`` is not above 0 and at most 1; ``temperature`` is not positive.

    Source: Nguyen et al. 2024, section 3.
    """
    x = jax.lax.stop_gradient(_wide(logits)) / (temperature if order == "before" else 1.0)
    q = softmax(x)
    return _among(logits, q >= min_p * q.max(-1, keepdims=True), temperature)


@checked
def greedy_token(logits: Float[Array, "*batch vocabulary"]) -> Int[Array, "*batch"]:
    r"""Take the most probable token.

    $\arg\\max_i x_i$, of equal logits the lowest index   [greedy-token.value][]

    Args:
        logits: of the next token, any float dtype, any number of leading axes.

    Returns:
        An index for each row.

    Source: the definition.
    """
    return jnp.argmax(logits, -1)


@checked
def top_tokens(logits: Float[Array, "*batch vocabulary"], *, k: Count) -> Int[Array, "*batch _"]:
    """Rank the most probable tokens.

    The first ``k`` by their logits, of equal ones the lower index first   [top-tokens.value][]

    Args:
        logits: of the next token, any float dtype, any number of leading axes.
        k: how many; no more than there are.

    Returns:
        Their indices, the most probable first.

    Raises:
        ValueError: ``k`` is below 1 or more than the vocabulary.

    Source: the definition.
    """
    if k > logits.shape[-1]:
        raise ValueError(f"top_tokens: k is {k}, but there are {logits.shape[-1]} tokens")
    return _ranking(logits)[..., :k]


@checked
@jax.jit
def sample_token(logits: Float[Array, "*batch vocabulary"], key: Key[Array, ""]) -> Int[Array, "*batch"]:
    r"""Draw a token with its probability.

    With $u_i$ uniform draws: $\arg\max_i x_i - \log(-\log u_i)$   [sample-token.frequencies][]

    Args:
        logits: of the next token, any float dtype, any number of leading axes; minus infinity is never drawn.
        key: of the draw; the same key gives the same tokens.

    Returns:
        An index for each row.

    Source: Gumbel 1954; Yellott 1977.
    """
    x = _wide(logits)
    uniform = jax.random.uniform(key, x.shape, x.dtype, minval=jnp.finfo(x.dtype).tiny)
    return jnp.argmax(x - jnp.log(-jnp.log(uniform)), -1)


@checked
def beam_search(
    first: Float[Array, "vocabulary"],
    following: Float[Array, "vocabulary vocabulary"],
    *,
    beams: Count,
    end: int,
    limit: Count,
    alpha: NonNegative = 0.0,
    penalty: Literal["length", "wu"] = "length",
) -> tuple[Int[Array, "limit"], Float[Array, ""]]:
    r"""Search a table of log-probabilities for the text with the best score.

    With $n$ the tokens of a text and $\ell(n) = n^\alpha$, or $((5 + n) / 6)^\alpha$ with the penalty ``wu``:
    $s = \frac{1}{\ell(n)} \sum_t \log P(w_t \mid w_{t-1})$   [beam-search.value][]

    Args:
        first: log-probabilities of the first token.
        following: row i has those of the token after token i.
        beams: how many texts are kept at each step.
        end: the token at which a text ends.
        limit: the largest number of tokens, the end included.
        alpha: exponent of the length penalty; 0 is none.
        penalty: ``length`` or ``wu``.

    Returns:
        The tokens, filled up with ``end``, and the score, in the dtype of ``first``.

    Raises:
        ValueError: ``beams`` or ``limit`` is below 1, ``alpha`` is negative, ``end`` is no token.

    Source: Graves 2012, section 2; Wu et al. 2016, equation 14.
    """
    if not 0 <= end < first.size:
        raise ValueError(f"beam_search: end is {end}, but tokens go from 0 to {first.size - 1}")
    return _search(first, following, end, alpha, beams=beams, limit=limit, penalty=penalty)


@partial(jax.jit, static_argnames=("beams", "limit", "penalty"))
def _search(
    first: Array, following: Array, end: int, alpha: float, *, beams: int, limit: int, penalty: str
) -> tuple[Array, Array]:
    """The search; a place of the beam without a text has the score minus infinity."""
    vocabulary, dtype = first.size, first.dtype
    first, following = _wide(first), _wide(following)
    nothing = jnp.where(jnp.arange(vocabulary) == end, 0.0, -jnp.inf)  # an ended text goes on with its end, for nothing

    def scored(totals: Array, counts: Array) -> Array:
        length = counts if penalty == "length" else (5 + counts) / 6
        return totals / length.astype(totals.dtype) ** alpha

    def step(t: Array, state: tuple) -> tuple:
        tokens, totals, counts = state
        last = tokens[:, t - 1]
        ended = (t > 0) & (last == end)  # [beams]
        rows = jnp.where(t > 0, following[last], first)
        longer = totals[:, None] + jnp.where(ended[:, None], nothing, rows)  # [beams, vocabulary]
        lengths = jnp.where(ended, counts, t + 1)
        best = _ranking(scored(longer, lengths[:, None]).reshape(-1))[:beams]
        beam, token = best // vocabulary, best % vocabulary
        return tokens[beam].at[:, t].set(token), longer.reshape(-1)[best], lengths[beam]

    alone = jnp.where(jnp.arange(beams) == 0, 0.0, -jnp.inf).astype(first.dtype)
    start = (jnp.full((beams, limit), end), alone, jnp.ones(beams, int))
    tokens, totals, counts = jax.lax.fori_loop(0, limit, step, start)
    return tokens[0], scored(totals, counts)[0].astype(dtype)


def _wide(x: Array) -> Array:
    """Half precision in float32."""
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))


def _ranking(x: Array) -> Array:
    """The tokens by their logits, the largest first, of equal ones the lower index first."""
    return jnp.argsort(jax.lax.stop_gradient(x), -1, stable=True, descending=True)


def _of_tokens(kept: Array, ranking: Array) -> Bool[Array, "..."]:
    """What is said of ranks, said of tokens."""
    kept = jnp.broadcast_to(kept, ranking.shape)
    return jnp.put_along_axis(jnp.zeros(ranking.shape, bool), ranking, kept, -1, inplace=False)


def _among(logits: Array, kept: Array, temperature: float) -> Array:
    """The softmax of the tokens that are kept."""
    x = _below_maximum(_wide(logits), -1)  # the largest logit is always kept
    return softmax(jnp.where(kept, x / temperature, -jnp.inf)).astype(logits.dtype)
