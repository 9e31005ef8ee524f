"""The gated recurrent unit in NumPy, written from the clauses: one step, a sequence of them, and back through time.

Every function computes in the dtype that it is handed; the expected values of the suite are computed in float64.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from nnspec_conformance.oracles.architectures._sequences import planned, pulled_back, states_of

GATES = ("r", "z", "n")
RESETS = ("before", "after", "after-one-bias")
# The example of the page, worked through by hand: the gates are 0, 1 and 1/2, and every number is one of every dtype.
EXAMPLE_X, EXAMPLE_CARRY = [[1]], [[1, 0.5]]
EXAMPLE_WEIGHTS = {
    "kernel_r": [[-100, 100]], "kernel_z": [[0, 0]], "kernel_n": [[0, 0]],
    "recurrent_kernel_r": [[0, 0], [0, 0]], "recurrent_kernel_z": [[0, 0], [0, 0]],
    "recurrent_kernel_n": [[0, 100], [100, 0]],
    "bias_r": [0, 0], "bias_z": [0, 0], "bias_n": [0, 0],
}  # fmt: skip
EXAMPLE_STATES = {"before": [[1, 0.25]], "after": [[0.5, 0.75]], "after-one-bias": [[0.5, 0.75]]}


def names(reset):
    """The names of a table in the declared reading, the weights of each gate beside one another."""
    found = tuple(f"{kind}_{gate}" for gate in GATES for kind in ("kernel", "recurrent_kernel", "bias"))
    return (*found, "recurrent_bias_n") if reset == "after" else found


def as_it_is(y):
    return y


def sigmoid(z):
    """The logistic function, without an overflow, and exact to its last places on either side."""
    positive = z.real >= 0
    e = np.exp(np.where(positive, -z, z))
    return np.where(positive, 1, e) / (1 + e)


def packed(weights, reset, rounded=as_it_is):
    """The weights of all gates beside one another, r, z, n: kernel, recurrent kernels of the gates and of n, biases."""
    kernel, bias = (rounded(np.concatenate([weights[f"{kind}_{k}"] for k in GATES], -1)) for kind in ("kernel", "bias"))
    recurrent = np.concatenate([weights[f"recurrent_kernel_{k}"] for k in "rz"], -1)
    second = rounded(weights["recurrent_bias_n"]) if reset == "after" else None
    return kernel, rounded(recurrent), rounded(weights["recurrent_kernel_n"]), bias, second


def gates(x, table, h, *, reset, rounded=as_it_is):
    """What a packed table makes of an input and a state on the way to the new one, by name.

    ``kept`` is z and ``new`` is 1 - z, each exact where it is small, and ``shut`` is 1 - r; ``read`` is what the
    recurrent kernel of the candidate multiplies, and ``product`` what comes of it, with the bias inside the reset.
    """
    kernel, recurrent, kernel_n, bias, second = table
    units = h.shape[-1]
    inputs = rounded(x @ kernel) + bias
    sums = rounded(inputs[..., : 2 * units] + rounded(h @ recurrent))
    r, kept, shut, new = np.split(rounded(sigmoid(np.concatenate([sums, -sums], -1))), 4, -1)
    read = rounded(r * h) if reset == "before" else h
    product = rounded(read @ kernel_n if second is None else read @ kernel_n + second)
    inner = product if reset == "before" else rounded(r * product)
    n = rounded(np.tanh(rounded(inputs[..., 2 * units :] + inner)))
    return {
        "sums": sums, "r": r, "shut": shut, "kept": kept, "new": new, "read": read, "product": product, "n": n
    }  # fmt: skip


def state(x, table, h, *, reset, rounded=as_it_is):
    """The new state, of a packed table.

    A program may as well compute n + z (h - n), as PyTorch does, which rounds what is of the size of n: so does this.
    """
    found = gates(x, table, h, reset=reset, rounded=rounded)
    n = found["n"]
    return rounded(rounded(found["new"] * n) + rounded(found["kept"] * h)) + (rounded(n) - n)


def state_back(x, table, h, g, *, reset, rounded=as_it_is):
    """The gradients of a new state for the input, the packed table, and the state before."""
    kernel, recurrent, kernel_n, _, second = table
    found = gates(x, table, h, reset=reset, rounded=rounded)
    r, shut, kept, new, n = (found[name] for name in ("r", "shut", "kept", "new", "n"))
    dn = rounded(rounded(g * new) * rounded(1 - n * n))
    dz = rounded(rounded(g * rounded(h - n)) * rounded(kept * new))
    inner = dn if reset == "before" else rounded(dn * r)
    inside = rounded(inner @ kernel_n.T)
    dr = rounded(rounded(inside * h if reset == "before" else dn * found["product"]) * rounded(r * shut))
    both = np.concatenate([dr, dz], -1)
    dh = rounded(
        rounded(g * kept) + (rounded(inside * r) if reset == "before" else inside) + rounded(both @ recurrent.T)
    )
    every = np.concatenate([both, dn], -1)
    gradients = [
        x.T @ every,
        h.T @ both,
        found["read"].T @ inner,
        every.sum(0),
        None if second is None else inner.sum(0),
    ]
    return rounded(every @ kernel.T), [None if part is None else rounded(part) for part in gradients], dh


def by_name(packed_table, order):
    """A packed table as it is handed over, in the order of these names."""
    kernel, recurrent, kernel_n, bias, second = packed_table
    kernels, biases = np.split(kernel, 3, -1), np.split(bias, 3, -1)
    found = {f"kernel_{k}": w for k, w in zip(GATES, kernels, strict=True)}
    found |= {f"bias_{k}": w for k, w in zip(GATES, biases, strict=True)}
    found |= {f"recurrent_kernel_{k}": w for k, w in zip(GATES, (*np.split(recurrent, 2, -1), kernel_n), strict=True)}
    return {name: found.get(name, second) for name in order}


def gru_step(x, weights, carry, *, reset="before", rounded=as_it_is):
    return state(rounded(x), packed(weights, reset, rounded), rounded(carry), reset=reset, rounded=rounded)


def gru_step_vjp(x, weights, carry, cotangents, *, reset="before", rounded=as_it_is):
    operands = rounded(x), packed(weights, reset, rounded), rounded(carry), rounded(cotangents)
    dx, found, dh = state_back(*operands, reset=reset, rounded=rounded)
    return dx, by_name(found, weights), dh


def _forward(x, weights, carry, lengths, reset, rounded, reverse, padded_outputs, no_steps, empty_sequence):
    """The plan, what the steps read, the weights and the states."""
    plan = planned(x, lengths, reverse=reverse, no_steps=no_steps, empty_sequence=empty_sequence)
    table = packed(weights, reset, rounded)
    start = np.zeros((len(x), len(weights["bias_n"])), x.dtype) if carry is None else rounded(carry)
    read = plan.read(rounded(x))

    def step(x, h):
        return state(x, table, h, reset=reset, rounded=rounded)

    return plan, read, table, states_of(step, read, start, plan, frozen=padded_outputs != "running")


def gru(
    x, weights, carry=None, lengths=None, *, reset="before", outputs="all", reverse=False, padded_outputs="zero",
    no_steps="handed-through", empty_sequence="handed-through", reverse_order="aligned", rounded=as_it_is,
):  # fmt: skip
    plan, _, _, states = _forward(
        x, weights, carry, lengths, reset, rounded, reverse, padded_outputs, no_steps, empty_sequence
    )
    if outputs == "last":
        return plan.last(states)
    y = np.stack(states, 1)[:, 1:]
    y = np.where(plan.active[..., None], y, 0) if padded_outputs == "zero" else y
    return plan.read(y) if reverse_order == "aligned" else y


def gru_vjp(
    x, weights, *rest, reset="before", outputs="all", reverse=False, padded_outputs="zero", no_steps="handed-through",
    empty_sequence="handed-through", reverse_order="aligned", rounded=as_it_is,
):  # fmt: skip
    *given, cotangents = rest
    carry, lengths = (*given, None, None)[:2]
    plan, read, table, states = _forward(
        x, weights, carry, lengths, reset, rounded, reverse, padded_outputs, no_steps, empty_sequence
    )
    frozen, g = padded_outputs != "running", rounded(cotangents)
    last = g if outputs == "last" else np.zeros_like(states[0])
    each = np.zeros((*x.shape[:2], last.shape[-1]), last.dtype) if outputs == "last" else g
    each = plan.read(each) if reverse_order == "aligned" else each
    each = np.where(plan.active[..., None], each, 0) if padded_outputs == "zero" else each
    found = [None if w is None else np.zeros_like(w) for w in table]
    back_of = partial(state_back, reset=reset, rounded=rounded)

    def back(s, total):
        reached = plan.active[:, s, None] if frozen else total.any(-1, keepdims=True)  # what is not may be NaN
        inputs, before = (np.where(reached, y, 0) for y in (read[:, s], states[s]))
        dx, more, dh = back_of(inputs, table, before, rounded(total))
        found[:] = [None if w is None else rounded(w + part) for w, part in zip(found, more, strict=True)]
        return dx, dh

    parts, first = pulled_back(back, states, plan, each, last, frozen=frozen)
    dx = plan.read(np.stack(parts, 1)) if parts else np.zeros_like(x)
    gradients = by_name(found, weights)
    return (dx, gradients) if carry is None else (dx, gradients, first)
