"""The Elman network in NumPy, written from the clauses: one step, a sequence of them, and back through time.

Every function computes in the dtype that it is handed; the expected values of the suite are computed in float64.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from nnspec_conformance.oracles.architectures._sequences import planned, pulled_back, states_of

NAMES = ("kernel", "recurrent_kernel", "bias")
# The example of the page, worked through by hand.
EXAMPLE_X = [2, 1, 3]
EXAMPLE_WEIGHTS = {"kernel": [[1, -1]], "recurrent_kernel": [[1, 2], [-1, 0.5]], "bias": [0, 1]}
EXAMPLE_STATES = [[2, 0], [3, 4], [2, 6]]


def as_it_is(y):
    return y


def activate(z, activation):
    if activation == "tanh":
        return np.tanh(z)
    if activation == "relu":
        return np.maximum(z, 0)
    raise ValueError(f"no activation {activation!r}")


def slope(h, activation):
    """The derivative of the activation, from its result."""
    return 1 - h * h if activation == "tanh" else (h > 0).astype(h.dtype)


def elman_step(x, weights, carry, *, activation):
    kernel, recurrent_kernel, bias = (weights[name] for name in NAMES)
    return activate(x @ kernel + carry @ recurrent_kernel + bias, activation)


def elman_step_vjp(x, weights, carry, cotangents, *, activation):
    g = cotangents * slope(elman_step(x, weights, carry, activation=activation), activation)
    table = {"kernel": x.T @ g, "recurrent_kernel": carry.T @ g, "bias": g.sum(0)}
    return g @ weights["kernel"].T, {name: table[name] for name in weights}, g @ weights["recurrent_kernel"].T


def _step(kernel, recurrent_kernel, bias, activation, rounded, x, h):
    z = rounded(rounded(x @ kernel) + rounded(h @ recurrent_kernel) + bias)
    return rounded(activate(z, activation))


def _forward(x, weights, carry, lengths, activation, rounded, reverse, padded_outputs, no_steps, empty_sequence):
    """The plan, what the steps read, the weights and the states."""
    plan = planned(x, lengths, reverse=reverse, no_steps=no_steps, empty_sequence=empty_sequence)
    table = [rounded(weights[name]) for name in NAMES]
    start = np.zeros((len(x), table[2].size), x.dtype) if carry is None else rounded(carry)
    read = plan.read(rounded(x))
    step = partial(_step, *table, activation, rounded)
    return plan, read, table, states_of(step, read, start, plan, frozen=padded_outputs != "running")


def elman(
    x, weights, carry=None, lengths=None, *, activation, outputs="all", reverse=False, padded_outputs="zero",
    no_steps="handed-through", empty_sequence="handed-through", reverse_order="aligned", rounded=as_it_is,
):  # fmt: skip
    plan, _, _, states = _forward(
        x, weights, carry, lengths, activation, rounded, reverse, padded_outputs, no_steps, empty_sequence
    )
    if outputs == "last":
        return plan.last(states)
    y = np.stack(states, 1)[:, 1:]
    y = np.where(plan.active[..., None], y, 0) if padded_outputs == "zero" else y
    return plan.read(y) if reverse_order == "aligned" else y


def elman_vjp(
    x, weights, *rest, activation, outputs="all", reverse=False, padded_outputs="zero", no_steps="handed-through",
    empty_sequence="handed-through", reverse_order="aligned", rounded=as_it_is,
):  # fmt: skip
    *given, cotangents = rest
    carry, lengths = (*given, None, None)[:2]
    plan, read, (kernel, recurrent_kernel, _), states = _forward(
        x, weights, carry, lengths, activation, rounded, reverse, padded_outputs, no_steps, empty_sequence
    )
    frozen, g = padded_outputs != "running", rounded(cotangents)
    last = g if outputs == "last" else np.zeros_like(states[0])
    each = np.zeros((*x.shape[:2], last.shape[-1]), last.dtype) if outputs == "last" else g
    each = plan.read(each) if reverse_order == "aligned" else each
    each = np.where(plan.active[..., None], each, 0) if padded_outputs == "zero" else each
    found = {name: np.zeros_like(weights[name]) for name in NAMES}

    def back(s, total):
        reached = plan.active[:, s, None] if frozen else total.any(-1, keepdims=True)  # what is not may be NaN
        inputs, before, after = (np.where(reached, y, 0) for y in (read[:, s], states[s], states[s + 1]))
        dz = rounded(rounded(total) * rounded(slope(after, activation)))
        for name, part in zip(NAMES, (inputs.T @ dz, before.T @ dz, dz.sum(0)), strict=True):
            found[name] = rounded(found[name] + rounded(part))
        return rounded(dz @ kernel.T), rounded(dz @ recurrent_kernel.T)

    parts, first = pulled_back(back, states, plan, each, last, frozen=frozen)
    dx = plan.read(np.stack(parts, 1)) if parts else np.zeros_like(x)
    table = {name: found[name] for name in weights}
    return (dx, table) if carry is None else (dx, table, first)
