r"""Recurrent networks: a dense layer with a loop, over the steps of a sequence.

`elman_step` is one step, `elman` a whole sequence, and `elman_truncated` the same sequence whose gradient stays inside
windows.
"""

from functools import partial
from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from nnspec import tables
from nnspec.architectures._sequences import active, check_lengths, in_order, scan
from nnspec.checking import checked
from nnspec.components import activations

__all__ = ["elman", "elman_step", "elman_truncated"]

Activation = Literal["tanh", "relu"]
AXES = {"kernel": "in_features hidden", "recurrent_kernel": "hidden hidden", "bias": "hidden"}


@checked
@partial(jax.jit, static_argnames="activation")
def elman_step(
    x: Float[Array, "batch in_features"],
    weights: dict,
    carry: Float[Array, "batch hidden"],
    *,
    activation: Activation,
) -> Float[Array, "batch hidden"]:
    r"""Make a new state of an input and the state before.

    With $W$ = ``kernel``, $U$ = ``recurrent_kernel``, $b$ = ``bias``, $\phi$ = ``activation``:
    $h_t = \phi(x_t W + h_{t-1} U + b)$   [elman-step.value][]

    Args:
        x: one input for each example, any float dtype.
        weights: ``kernel`` [in, hidden], ``recurrent_kernel`` [hidden, hidden] and ``bias`` [hidden].
        carry: the state before, $h_{t-1}$.
        activation: ``tanh`` or ``relu``.

    Returns:
        The new state, $h_t$.

    Raises:
        ValueError: a name of the table is missing or unknown; an array does not fit the others.

    Source: Elman 1990; Goodfellow, Bengio and Courville 2016, equations 10.8 and 10.9.
    """
    tables.check("elman_step", weights, AXES, x=x)
    _check_carry("elman_step", carry, weights)
    phi = getattr(activations, activation)
    return phi(x @ weights["kernel"] + carry @ weights["recurrent_kernel"] + weights["bias"])


@checked
def elman(
    x: Float[Array, "batch time in_features"],
    weights: dict,
    carry: Float[Array, "batch hidden"] | None = None,
    lengths: Int[Array, "batch"] | None = None,
    *,
    activation: Activation,
    outputs: Literal["all", "last"] = "all",
    reverse: bool = False,
) -> Float[Array, "batch time hidden"] | Float[Array, "batch hidden"]:
    r"""Read sequences step by step, and keep a state.

    With $W$ = ``kernel``, $U$ = ``recurrent_kernel``, $b$ = ``bias``, $\phi$ = ``activation``, $h_0$ = ``carry``:
    $h_t = \phi(x_t W + h_{t-1} U + b)$   [elman.value][]

    Args:
        x: the sequences, padded to one length, any float dtype.
        weights: ``kernel`` [in, hidden], ``recurrent_kernel`` [hidden, hidden] and ``bias`` [hidden].
        carry: the first state; zeros by default.
        lengths: how many steps each sequence has, 0 to ``time``; by default all. What lies behind is not read.
        activation: ``tanh`` or ``relu``.
        outputs: the states of ``all`` steps, or the ``last`` one, which is the carry for what comes next.
        reverse: read each sequence from its end to its front; state t still belongs to input t.

    Returns:
        The states, zeros behind the end of a sequence, or the last state of each.

    Raises:
        ValueError: a name of the table is missing or unknown; an array does not fit the others; a length is negative or
            larger than the number of steps.
        TypeError: the lengths are no integers.

    Source: Elman 1990; Goodfellow, Bengio and Courville 2016, section 10.2; Schuster and Paliwal 1997.
    """
    tables.check("elman", weights, AXES, x=x)
    if carry is not None:
        _check_carry("elman", carry, weights)
    check_lengths("elman", lengths, x.shape[1])
    return _elman(x, weights, carry, lengths, activation=activation, outputs=outputs, reverse=reverse)


@partial(jax.jit, static_argnames=("activation", "outputs", "reverse"))
def _elman(
    x: Array,
    weights: dict,
    carry: Array | None,
    lengths: Array | None,
    *,
    activation: Activation,
    outputs: str,
    reverse: bool,
) -> Array:
    phi, (W, U, b) = getattr(activations, activation), (weights[name] for name in AXES)
    m = active(x, lengths)
    x = x if m is None else jnp.where(m, x, 0)  # a NaN in the padding would reach the gradient of W
    u = in_order(x, lengths, reverse) @ W + b  # [batch, time, hidden], all steps at once
    h_0 = jnp.zeros((x.shape[0], U.shape[0]), x.dtype) if carry is None else carry
    last, h = scan(lambda h, u_t: phi(u_t + h @ U), h_0, u, m)
    if outputs == "last":
        return last
    h = in_order(h, lengths, reverse)
    return h if m is None else jnp.where(m, h, 0)


@checked
@partial(jax.jit, static_argnames=("activation", "window"))
def elman_truncated(
    x: Float[Array, "batch time in_features"],
    weights: dict,
    carry: Float[Array, "batch hidden"] | None = None,
    *,
    window: int,
    activation: Activation,
) -> Float[Array, "batch time hidden"]:
    r"""Read sequences as `elman` does, with a gradient that stays inside windows of some steps.

    With $k$ = ``window``: $h_t = \phi(x_t W + h_{t-1} U + b)$, where $h_{t-1}$ is a constant for $t = k + 1, 2k + 1,
    \ldots$   [elman-truncated.window][]

    Args:
        x: the sequences, any float dtype.
        weights: ``kernel`` [in, hidden], ``recurrent_kernel`` [hidden, hidden] and ``bias`` [hidden].
        carry: the first state; zeros by default.
        window: steps after which the gradient is cut, at least 1.
        activation: ``tanh`` or ``relu``.

    Returns:
        The states of all steps.

    Raises:
        ValueError: ``window`` is below 1; a name of the table is missing or unknown; an array does not fit the others.

    Source: Williams and Peng 1990, with as many steps in a window as between two windows.
    """
    if window < 1:
        raise ValueError(f"elman_truncated: window={window} holds no step; expected an integer of at least 1")
    tables.check("elman_truncated", weights, AXES, x=x)
    phi, (W, U, b) = getattr(activations, activation), (weights[name] for name in AXES)
    t = jnp.arange(x.shape[1])
    cut = jnp.broadcast_to(((t > 0) & (t % window == 0)).astype(x.dtype)[None, :, None], (*x.shape[:2], 1))
    u = jnp.concatenate([x @ W + b, cut], -1)  # [batch, time, hidden + 1]

    def step(h: Array, u_t: Array) -> Array:
        h = jnp.where(u_t[:, -1:] > 0, jax.lax.stop_gradient(h), h)
        return phi(u_t[:, :-1] + h @ U)

    h_0 = jnp.zeros((x.shape[0], U.shape[0]), x.dtype) if carry is None else carry
    return scan(step, h_0, u, None)[1]


def _check_carry(operation: str, carry: Array, weights: dict) -> None:
    units = weights["bias"].shape[0]
    if carry.shape[-1] != units:
        raise ValueError(f"{operation}: carry has hidden={carry.shape[-1]} but weights have hidden={units}")
