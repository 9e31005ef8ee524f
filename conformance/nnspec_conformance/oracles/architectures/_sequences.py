"""Sequences in NumPy, step by step: what every recurrent cell shares, written from the clauses.

A cell hands over its step, and gets the states; on the way back it hands over its slope. A state is one array, or a
tuple of several, as the cell has it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np


def each(function: Callable, *states: Any) -> Any:
    """The function of states, array by array."""
    return tuple(map(function, *states)) if isinstance(states[0], tuple) else function(*states)


@dataclass(frozen=True)
class Plan:
    """Which entry each step reads, of every sequence of a batch.

    Attributes:
        order: the place in time that a step reads, [batch, steps]; behind the end of a sequence its own number.
        active: whether the step is one of the sequence, [batch, steps].
        lengths: how many steps each sequence has.
    """

    order: Any
    active: Any
    lengths: Any

    def read(self, x):
        """What the steps read, in their order; it is its own inverse, since it turns the front of a sequence round."""
        return np.take_along_axis(x, self.order[..., None], 1)

    def last(self, states):
        """The state at the end of each sequence, of the states before and after all steps."""
        return each(lambda *parts: np.stack(parts, 1)[np.arange(len(self.lengths)), self.lengths], *states)


def planned(x, lengths, *, reverse, no_steps, empty_sequence):
    """The plan of a call that is in order.

    Raises:
        ValueError: there is nothing to do, or the lengths are no lengths of these sequences.
    """
    batch, steps, _ = x.shape
    if not steps and no_steps == "refused":
        raise ValueError("a sequence without steps")
    if lengths is None:
        lengths = np.full(batch, steps)
    if lengths.dtype.kind not in "iu":
        raise ValueError(f"lengths are {lengths.dtype}, expected integers")
    if lengths.size and not 0 <= lengths.min() <= lengths.max() <= steps:
        raise ValueError(f"lengths go from {lengths.min()} to {lengths.max()}, expected 0 to {steps}")
    if steps and not lengths.all() and empty_sequence == "refused":
        raise ValueError("a sequence of length 0")
    step, ends = np.arange(steps)[None], lengths[:, None]
    active = step < ends
    return Plan(np.where(active, ends - 1 - step, step) if reverse else np.where(active, step, step), active, lengths)


def states_of(step: Callable, x, start, plan, *, frozen: bool):
    """The state before the first step and after each one.

    Args:
        step: of an input and a state.
        x: what the steps read, in their order.
        start: the first state, an array or a tuple of them.
        plan: which steps there are.
        frozen: whether a state stays as it is behind the end of its sequence, and nothing is read there.
    """
    states = [start]
    for s in range(x.shape[1]):
        active = plan.active[:, s, None]
        new = step(np.where(active, x[:, s], 0) if frozen else x[:, s], states[-1])
        states.append(each(partial(np.where, active), new, states[-1]) if frozen else new)
    return states


def pulled_back(back: Callable, states, plan, outputs, last, *, frozen: bool):
    """What each step reads gets, in the order of the steps, and the first state.

    Args:
        back: of a step's number and the cotangent of the state after it; the cotangents of its input and of the state
            before it.
        states: as ``states_of`` gave them.
        plan: which steps there are.
        outputs: cotangents of the states after the steps, [batch, steps, state]; a tuple where a state is one.
        last: cotangent of the state at the end of each sequence.
        frozen: as in ``states_of``.
    """
    count, inputs = len(states) - 1, []
    ends = plan.lengths[:, None]

    def of_the_end(step, total):
        """Add the cotangent of the last state for the sequences that end there."""
        return each(lambda y, g: y + np.where(ends == step, g, 0), total, last)

    total = last if frozen else of_the_end(count, each(np.zeros_like, last))
    for s in range(count - 1, -1, -1):
        total = each(lambda y, g, s=s: y + g[:, s], total, outputs)
        active = plan.active[:, s, None] if frozen else np.ones_like(ends, bool)
        dx, before = back(s, each(lambda y, active=active: np.where(active, y, 0), total))
        inputs.append(dx)
        total = each(partial(np.where, active), before, total)
        total = total if frozen else of_the_end(s, total)
    return inputs[::-1], total
