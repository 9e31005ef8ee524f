"""What every recurrent layer shares: its cell's step scanned over time, for sequences of several lengths."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array


def check_lengths(operation: str, lengths: Array | None, steps: int, least: int = 0) -> None:
    """Refuse lengths that no sequence of so many steps has; traced ones cannot be looked at.

    Raises:
        ValueError: a length is below ``least`` or larger than ``steps``.
    """
    if lengths is None or isinstance(lengths, Tracer):
        return
    wrong = [n for n in np.asarray(lengths).tolist() if not least <= n <= steps]
    if wrong:
        raise ValueError(f"{operation}: lengths has {wrong[0]}, expected {least} to {steps}, the number of steps in x")


def in_order(x: Array, lengths: Array | None, reverse: bool) -> Array:
    """The steps as they are read, [batch, time, ...]; backwards each sequence is turned round, and its padding stays.

    Done twice it changes nothing, so that it brings states back to their inputs, too.
    """
    if not reverse:
        return x
    if lengths is None:
        return x[:, ::-1]
    t, ends = jnp.arange(x.shape[1]), lengths[:, None]
    return jnp.take_along_axis(x, jnp.where(t < ends, ends - 1 - t, t)[..., None], axis=1)


def active(x: Array, lengths: Array | None) -> Array | None:
    """Which steps belong to a sequence, [batch, time, 1]."""
    return None if lengths is None else (jnp.arange(x.shape[1]) < lengths[:, None])[..., None]


def scan(step: Callable[[Any, Array], Any], carry: Any, u: Array, active: Array | None) -> tuple[Any, Any]:
    """Scan a cell over time: the last carry of each sequence, and the carry after each step.

    Args:
        step: a new carry, of a carry and what the cell reads.
        carry: the first one, [batch, ...]; an array, or a tuple of them.
        u: what the cell reads, [batch, time, ...]; finite where no step is, so that no NaN enters the gradient.
        active: which steps there are; elsewhere the carry stays.
    """

    def masked(old: Any, step_of: tuple[Array, Array | None]) -> tuple[Any, Any]:
        u_t, m = step_of
        new = step(old, u_t)
        new = new if m is None else jax.tree.map(partial(jnp.where, m), new, old)
        return new, new

    over_time = (u.swapaxes(0, 1), None if active is None else active.swapaxes(0, 1))
    last, states = jax.lax.scan(masked, carry, over_time)
    return last, jax.tree.map(lambda h: h.swapaxes(0, 1), states)
