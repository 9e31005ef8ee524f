r"""Recurrent layers above one another, and two directions side by side.

`stacked_recurrent` hands the states of each layer to the next, `bidirectional` joins a layer that reads forwards and
one that reads backwards. Both are made of `elman`, `lstm` and `gru`; their modules are in
`nnspec.architectures.stacked_recurrent_modules`.
"""

import re
from functools import partial
from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from nnspec import tables
from nnspec.architectures import gru as gated
from nnspec.architectures import lstm as long
from nnspec.architectures import recurrent as simple
from nnspec.architectures._sequences import check_lengths
from nnspec.checking import checked

__all__ = ["bidirectional", "stacked_recurrent"]

Cell = Literal["tanh", "relu", "lstm", "gru"]
AXES = {
    "tanh": simple.AXES,
    "relu": simple.AXES,
    "lstm": long.AXES,
    "gru": gated.AXES | gated.SECOND_BIAS,
}
DIRECTIONS = ("forward", "backward")


@checked
def stacked_recurrent(
    x: Float[Array, "batch time in_features"],
    weights: dict,
    *,
    cell: Cell,
    masks: Float[Array, "between batch time hidden"] | None = None,
) -> tuple[Float[Array, "batch time hidden"], Float[Array, "layers batch hidden"]]:
    r"""Read sequences by several layers, each of which reads the states of the one below.

    With $h^{(0)}$ = ``x``, $w_l$ the weights of layer $l$ and $m_l$ = ``masks[l - 1]``, ones by default:
    $h^{(1)} = \operatorname{layer}(h^{(0)}; w_0)$, $h^{(l+1)} = \operatorname{layer}(m_l \odot h^{(l)}; w_l)$
    [stacked-recurrent.value][], [stacked-recurrent.masks][]

    Args:
        x: the sequences, any float dtype.
        weights: of each layer the table of its cell, every name with the number of the layer, from ``_0`` on.
        cell: ``tanh`` and ``relu`` of `elman`, ``lstm`` of `lstm`, or ``gru`` of `gru` with ``reset`` ``after``.
        masks: what the states between two layers are multiplied by, for dropout 0 or 1 / (1 - rate); one less than
            there are layers.

    Returns:
        The states of the topmost layer, and the last state of every layer, from the lowest on.

    Raises:
        ValueError: a name of the table is missing or unknown; an array does not fit the others; there are not as many
            masks as layers above the lowest.

    Source: Graves, Mohamed and Hinton 2013, equation 11; Zaremba, Sutskever and Vinyals 2014 for masks.
    """
    numbers = [int(found[1]) for name in weights if (found := re.fullmatch(r".*_(\d+)", str(name)))]
    L = 1 + max(numbers, default=0)
    axes = {
        f"{name}_{i}": words.replace("in_features", "hidden") if i else words
        for i in range(L)
        for name, words in AXES[cell].items()
    }
    tables.check("stacked_recurrent", weights, axes, x=x)
    if masks is not None and len(masks) != L - 1:
        raise ValueError(f"stacked_recurrent: masks has {len(masks)} layers, expected {L - 1}, one less than weights")
    return _stacked(x, weights, masks, cell=cell, depth=L)


@partial(jax.jit, static_argnames=("cell", "depth"))
def _stacked(x: Array, weights: dict, masks: Array | None, *, cell: Cell, depth: int) -> tuple[Array, Array]:
    h, last = x, []
    for i in range(depth):
        read = h if masks is None or i == 0 else h * masks[i - 1]
        h = _layer(read, {name: weights[f"{name}_{i}"] for name in AXES[cell]}, None, cell=cell, reverse=False)
        last.append(_last(h, None, reverse=False))
    return h, jnp.stack(last)


@checked
def bidirectional(
    x: Float[Array, "batch time in_features"],
    weights: dict,
    lengths: Int[Array, "batch"] | None = None,
    *,
    cell: Cell,
) -> tuple[Float[Array, "batch time both"], Float[Array, "batch both"]]:
    r"""Read sequences in both directions, and join the states that belong to one input.

    With $\overrightarrow{h}$ the states of a layer that reads forwards and $\overleftarrow{h}$ those of one that reads
    backwards: $y_t = (\overrightarrow{h}_t, \overleftarrow{h}_t)$   [bidirectional.value][], [bidirectional.aligned][]

    Args:
        x: the sequences, padded to one length, any float dtype.
        weights: the tables of both layers, every name behind ``forward_`` or ``backward_``.
        lengths: how many steps each sequence has, 0 to ``time``; by default all. What lies behind is not read, and the
            backward layer begins at the end of each sequence.
        cell: as for `stacked_recurrent`.

    Returns:
        The states, forwards first, zeros behind the end of a sequence; and the state of each direction after its last
        step, which are the forward one at the end of a sequence and the backward one at its front.

    Raises:
        ValueError: a name of the table is missing or unknown; an array does not fit the others; a length is negative or
            larger than the number of steps.
        TypeError: the lengths are no integers.

    Source: Schuster and Paliwal 1997, section II.
    """
    axes = {f"{direction}_{name}": words for direction in DIRECTIONS for name, words in AXES[cell].items()}
    tables.check("bidirectional", weights, axes, x=x)
    check_lengths("bidirectional", lengths, x.shape[1])
    return _both(x, weights, lengths, cell=cell)


@partial(jax.jit, static_argnames="cell")
def _both(x: Array, weights: dict, lengths: Array | None, *, cell: Cell) -> tuple[Array, Array]:
    states, last = [], []
    for direction in DIRECTIONS:
        reverse = direction == "backward"
        table = {name: weights[f"{direction}_{name}"] for name in AXES[cell]}
        states.append(_layer(x, table, lengths, cell=cell, reverse=reverse))
        last.append(_last(states[-1], lengths, reverse=reverse))
    return jnp.concatenate(states, -1), jnp.concatenate(last, -1)


def _layer(x: Array, weights: dict, lengths: Array | None, *, cell: Cell, reverse: bool) -> Array:
    """The states of one layer, from zero on."""
    if cell == "lstm":
        return long.lstm(x, weights, lengths=lengths, reverse=reverse)[0]
    if cell == "gru":
        return gated.gru(x, weights, lengths=lengths, reset="after", reverse=reverse)
    return simple.elman(x, weights, lengths=lengths, activation=cell, reverse=reverse)


def _last(states: Array, lengths: Array | None, *, reverse: bool) -> Array:
    """The last state of each sequence, which is zero where there is no step."""
    if not states.shape[1]:
        return jnp.zeros((states.shape[0], states.shape[2]), states.dtype)
    if reverse:
        return states[:, 0]
    if lengths is None:
        return states[:, -1]
    last = jnp.take_along_axis(states, jnp.maximum(lengths - 1, 0)[:, None, None], axis=1)
    return last[:, 0]
