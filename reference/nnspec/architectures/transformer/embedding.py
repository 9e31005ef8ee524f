r"""Embedding: the row of a table for each token, and the same table as the output layer."""

from functools import partial

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float, Integer

from nnspec.checking import checked

__all__ = ["Embedding", "embedding", "padded_embedding", "tied_embedding", "tied_logits"]


@checked
@partial(jax.jit, static_argnames="scaled")
def embedding(
    table: Float[Array, "vocabulary features"], ids: Integer[Array, "*batch"], *, scaled: bool = False
) -> Float[Array, "*batch features"]:
    r"""Take the row of each token; the gradients of a token that comes again are added.

    With $E$ = ``table``, $k$ = ``ids``: $y_i = E_{k_i}$, times $\sqrt d$ if it is scaled   [embedding.value][]

    Args:
        table: one row for each token, any float dtype.
        ids: integers from 0 to the number of rows less one; any other gives a row of NaN.
        scaled: whether each row is multiplied by the root of the number of features.

    Returns:
        A row for each id.

    Source: Bengio, Ducharme, Vincent and Jauvin 2003, section 2; Vaswani et al. 2017, section 3.4.
    """
    k = _wide_enough(ids)
    known = (k >= 0) & (k < len(table))
    y = jnp.where(known[..., None], _wide(table)[jnp.where(known, k, 0)], jnp.nan)
    return (y * table.shape[1] ** 0.5 if scaled else y).astype(table.dtype)


@checked
@partial(jax.jit, static_argnames="padding_id")
def padded_embedding(
    table: Float[Array, "vocabulary features"], ids: Integer[Array, "*batch"], *, padding_id: int
) -> Float[Array, "*batch features"]:
    r"""Take the row of each token, and zeros for the token that is padding.

    With $E$ = ``table``, $k$ = ``ids``, $p$ = ``padding_id``: $y_i = E_{k_i}$ where $k_i \ne p$, else 0
    [padded-embedding.padding][]

    Args:
        table: one row for each token, any float dtype.
        ids: integers from 0 to the number of rows less one; any other gives a row of NaN.
        padding_id: the token that is padding, a row of the table.

    Returns:
        A row for each id; the row of the padding gets a gradient of 0.

    Raises:
        ValueError: ``padding_id`` is no row of the table; ids are no integers.

    Source: PyTorch's ``padding_idx``, with zeros in place of whatever the row holds.
    """
    if not 0 <= padding_id < len(table):
        raise ValueError(f"padded_embedding: padding_id={padding_id} is no row of a table of {len(table)} rows")
    return jnp.where((_wide_enough(ids) == padding_id)[..., None], 0, embedding(table, ids))


@checked
@jax.jit
def tied_logits(
    x: Float[Array, "*batch features"], table: Float[Array, "vocabulary features"]
) -> Float[Array, "*batch vocabulary"]:
    r"""Compare a state with the row of every token.

    With $E$ = ``table``: $z = x E^\top$   [tied-logits.value][]

    Args:
        x: states, any float dtype, any number of leading axes.
        table: one row for each token, the same as that of the embedding.

    Returns:
        The leading axes of ``x``, then one number a token.

    Source: Press and Wolf 2017, section 2.
    """
    return x @ table.T


@checked
@jax.jit
def tied_embedding(
    table: Float[Array, "vocabulary features"], ids: Integer[Array, "*batch"]
) -> Float[Array, "*batch vocabulary"]:
    r"""Take the row of each token and compare it with the row of every token.

    With $E$ = ``table``, $k$ = ``ids``: $z_i = E_{k_i} E^\top$   [tied-embedding.value][]

    Args:
        table: one row for each token, any float dtype.
        ids: integers from 0 to the number of rows less one.

    Returns:
        One number a token for each id; the gradient of the table is the sum of those of both uses.

    Source: Press and Wolf 2017, section 2.
    """
    return tied_logits(embedding(table, ids), table)


class Embedding(nnx.Module):
    r"""An embedding that holds its table, and serves as the output layer by the method `logits`.

    The rows start with normal draws of variance $1 / d$, $d$ being the features, so that their length is about 1.

    Args:
        vocabulary: number of tokens.
        features: length of a row.
        scaled: whether each row is multiplied by the root of ``features`` as it is read.
        padding_id: the token that is padding, if there is one.
        rngs: where the first rows are drawn from, the stream ``params``.

    Examples:
        >>> layer = Embedding(7, 4, rngs=nnx.Rngs(0))
        >>> h = layer(jnp.array([3, 0, 3]))
        >>> h.shape, layer.logits(h).shape
        ((3, 4), (3, 7))
    """

    @checked
    def __init__(
        self,
        vocabulary: int,
        features: int,
        *,
        scaled: bool = False,
        padding_id: int | None = None,
        rngs: nnx.Rngs,
    ) -> None:
        for name, size in (("vocabulary", vocabulary), ("features", features)):
            if size < 1:
                raise ValueError(f"Embedding: {name} is {size}, must be at least 1")
        if padding_id is not None and not 0 <= padding_id < vocabulary:
            raise ValueError(f"Embedding: padding_id={padding_id} is no row of a table of {vocabulary} rows")
        self.scaled, self.padding_id = scaled, padding_id
        self.table = nnx.Param(jax.random.normal(rngs.params(), (vocabulary, features)) / features**0.5)

    @checked
    def __call__(self, ids: Integer[Array, "*batch"]) -> Float[Array, "*batch features"]:
        """Apply `embedding` to a batch of ids; padding gives zeros."""
        y = embedding(self.table[...], ids, scaled=self.scaled)
        return y if self.padding_id is None else jnp.where((ids == self.padding_id)[..., None], 0, y)

    @checked
    def logits(self, x: Float[Array, "*batch features"]) -> Float[Array, "*batch vocabulary"]:
        """Apply `tied_logits` with the same table.

        Args:
            x: any float dtype.

        Returns:
            A score for each token of the vocabulary.
        """
        return tied_logits(x, self.table[...])


def _wide(table: Array) -> Array:
    """Take float32 at least, in which the gradients of a token's uses are added up."""
    return table.astype(jnp.promote_types(table.dtype, jnp.float32))


def _wide_enough(ids: Array) -> Array:
    """Take 32 bits at least, in which the number of rows is a number, with a sign where the ids have one."""
    wide = jnp.int32 if jnp.issubdtype(ids.dtype, jnp.signedinteger) else jnp.uint32
    return ids.astype(jnp.promote_types(ids.dtype, wide))
