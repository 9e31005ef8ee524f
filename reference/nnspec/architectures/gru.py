r"""The gated recurrent unit: a recurrent layer that decides how much of its state to keep.

`gru_step` is one step, `gru` a whole sequence.
"""

from functools import partial
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from nnspec import tables
from nnspec.architectures._sequences import active, check_lengths, in_order, scan
from nnspec.checking import checked
from nnspec.components.activations import sigmoid, tanh

__all__ = ["gru", "gru_step"]

Reset = Literal["before", "after"]
GATES = ("r", "z", "n")  # reset, update, candidate
AXES = {f"kernel_{k}": "in_features hidden" for k in GATES}
AXES |= {f"recurrent_kernel_{k}": "hidden hidden" for k in GATES} | {f"bias_{k}": "hidden" for k in GATES}
SECOND_BIAS = {"recurrent_bias_n": "hidden"}


@checked
@partial(jax.jit, static_argnames="reset")
def gru_step(
    x: Float[Array, "batch in_features"],
    weights: dict,
    carry: Float[Array, "batch hidden"],
    *,
    reset: Reset = "before",
) -> Float[Array, "batch hidden"]:
    r"""Mix the state with a candidate that an input and the state make.

    With $W_k$ = ``kernel_k``, $U_k$ = ``recurrent_kernel_k``, $b_k$ = ``bias_k``, $b'_n$ = ``recurrent_bias_n``, $h$ =
    ``carry``: $r, z = \sigma(x W_k + h U_k + b_k)$, $n = \tanh(x W_n + (r \odot h) U_n + b_n)$, or, with ``reset``
    ``after``, $n = \tanh(x W_n + b_n + r \odot (h U_n + b'_n))$, and $h' = (1 - z) \odot n + z \odot h$
    [gru-step.value][], [gru.reset][]

    Args:
        x: one input for each example, any float dtype.
        weights: for the gates r, z, n each ``kernel`` [in, hidden], ``recurrent_kernel`` [hidden, hidden] and ``bias``
            [hidden]; ``recurrent_bias_n`` [hidden] besides with ``reset`` ``after``.
        carry: the state before, $h$.
        reset: whether the reset gate acts ``before`` the product of the candidate, as published, or ``after`` it, as in
            cuDNN.

    Returns:
        The new state, $h'$.

    Raises:
        ValueError: a name of the table is missing or unknown; an array does not fit the others.

    Source: Cho et al. 2014, equations 5 to 8.
    """
    _check("gru_step", x, weights, carry, reset)
    return _state(_joined(weights), carry, x)


@checked
def gru(
    x: Float[Array, "batch time in_features"],
    weights: dict,
    carry: Float[Array, "batch hidden"] | None = None,
    lengths: Int[Array, "batch"] | None = None,
    *,
    reset: Reset = "before",
    outputs: Literal["all", "last"] = "all",
    reverse: bool = False,
) -> Float[Array, "batch time hidden"] | Float[Array, "batch hidden"]:
    r"""Read sequences step by step, and keep of the state what the gates say.

    With $h_0$ = ``carry`` and the gates of `gru_step`: $h_t = (1 - z_t) \odot n_t + z_t \odot h_{t-1}$   [gru.value][]

    Args:
        x: the sequences, padded to one length, any float dtype.
        weights: those of `gru_step`.
        carry: the first state; zeros by default.
        lengths: how many steps each sequence has, 0 to ``time``; by default all. What lies behind is not read.
        reset: whether the reset gate acts ``before`` the product of the candidate, or ``after`` it.
        outputs: the states of ``all`` steps, or the ``last`` one, which is the carry for what comes next.
        reverse: read each sequence from its end to its front; state t still belongs to input t.

    Returns:
        The states, zeros behind the end of a sequence, or the last state of each.

    Raises:
        ValueError: a name of the table is missing or unknown; an array does not fit the others; a length is negative or
            larger than the number of steps.
        TypeError: the lengths are no integers.

    Source: Cho et al. 2014, equations 5 to 8; Schuster and Paliwal 1997.
    """
    _check("gru", x, weights, carry, reset)
    check_lengths("gru", lengths, x.shape[1])
    return _gru(x, weights, carry, lengths, outputs=outputs, reverse=reverse)


@partial(jax.jit, static_argnames=("outputs", "reverse"))
def _gru(x: Array, weights: dict, carry: Array | None, lengths: Array | None, *, outputs: str, reverse: bool) -> Array:
    table, m = _joined(weights), active(x, lengths)
    x = x if m is None else jnp.where(m, x, 0)  # a NaN in the padding would reach the gradients of the kernels
    h_0 = jnp.zeros((x.shape[0], table.U_n.shape[0]), x.dtype) if carry is None else carry
    last, h = scan(lambda h, x_t: _state(table, h, x_t), h_0, in_order(x, lengths, reverse), m)
    if outputs == "last":
        return last
    h = in_order(h, lengths, reverse)
    return h if m is None else jnp.where(m, h, 0)


class _Joined(NamedTuple):
    """The weights with those of several gates beside one another, so that one product makes their sums."""

    W: Array  # [in, 3 hidden], r, z, n
    U: Array  # [hidden, 2 hidden], r, z
    U_n: Array  # [hidden, hidden]
    b: Array  # [3 hidden]
    b_n: Array | None  # [hidden], inside the reset


def _joined(weights: dict) -> _Joined:
    def beside(kind: str, gates: tuple[str, ...]) -> Array:
        return jnp.concatenate([weights[f"{kind}_{k}"] for k in gates], -1)

    U, second = beside("recurrent_kernel", GATES[:2]), weights.get("recurrent_bias_n")
    return _Joined(beside("kernel", GATES), U, weights["recurrent_kernel_n"], beside("bias", GATES), second)


def _state(table: _Joined, h: Array, x: Array) -> Array:
    W, U, U_n, b, b_n = table
    x_r, x_z, x_n = jnp.split(x @ W + b, 3, -1)  # each [batch, hidden]
    h_r, h_z = jnp.split(h @ U, 2, -1)
    r, z = sigmoid(x_r + h_r), sigmoid(x_z + h_z)
    n = tanh(x_n + (r * h) @ U_n) if b_n is None else tanh(x_n + r * (h @ U_n + b_n))
    return (1 - z) * n + z * h


def _check(operation: str, x: Array, weights: dict, carry: Array | None, reset: Reset) -> None:
    tables.check(operation, weights, AXES if reset == "before" else AXES | SECOND_BIAS, x=x)
    units = weights["bias_n"].shape[0]
    if carry is not None and carry.shape[-1] != units:
        raise ValueError(f"{operation}: carry has hidden={carry.shape[-1]} but weights have hidden={units}")
