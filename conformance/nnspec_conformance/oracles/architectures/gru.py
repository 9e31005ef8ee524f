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
    """Without an overflow, and exact to its last places on either side."""
    positive = z.real >= 0
    e = np.exp(np.where(positive, -z, z))
    return np.where(positive, 1, e) / (1 + e)


def gates(x, weights, h, *, reset, rounded=as_it_is):
    """Everything on the way to a new state, by name; ``kept`` is z and ``new`` is 1 - z, each exact where it is small.

    ``read`` is what the recurrent kernel of the candidate multiplies, and ``product`` what comes of it, with the bias
    that the reset gate multiplies, too.
    """
    sums = {
        gate: rounded(
            rounded(x @ weights[f"kernel_{gate}"])
            + rounded(h @ weights[f"recurrent_kernel_{gate}"])
            + weights[f"bias_{gate}"]
        )
        for gate in "rz"
    }
    r, kept, new = rounded(sigmoid(sums["r"])), rounded(sigmoid(sums["z"])), rounded(sigmoid(-sums["z"]))
    read = rounded(r * h) if reset == "before" else h
    product = rounded(read @ weights["recurrent_kernel_n"])
    if reset != "before":
        product = rounded(product + weights["recurrent_bias_n"]) if reset == "after" else product
    inner = product if reset == "before" else rounded(r * product)
    n = rounded(np.tanh(rounded(rounded(x @ weights["kernel_n"]) + inner + weights["bias_n"])))
    return {"sums": sums, "r": r, "kept": kept, "new": new, "read": read, "product": product, "n": n}


def gru_step(x, weights, carry, *, reset="before", rounded=as_it_is):
    found = gates(x, weights, carry, reset=reset, rounded=rounded)
    return rounded(rounded(found["new"] * found["n"]) + rounded(found["kept"] * carry))


def step_back(x, weights, h, g, *, reset, rounded=as_it_is):
    """The gradients of a step for the input, for every weight by its name, and for the state before."""
    found = gates(x, weights, h, reset=reset, rounded=rounded)
    r, kept, new, n = (found[name] for name in ("r", "kept", "new", "n"))
    sums = {
        "n": rounded(rounded(g * new) * rounded(1 - n * n)),
        "z": rounded(rounded(g * rounded(h - n)) * rounded(kept * new)),
    }
    dh, table = rounded(g * kept), {}
    kernel = weights["recurrent_kernel_n"]
    if reset == "before":
        inside = rounded(sums["n"] @ kernel.T)
        dr, inner = rounded(inside * h), sums["n"]
        dh = dh + rounded(inside * r)
    else:
        dr, inner = rounded(sums["n"] * found["product"]), rounded(sums["n"] * r)
        dh = dh + rounded(inner @ kernel.T)
    sums["r"] = rounded(dr * rounded(r * rounded(sigmoid(-found["sums"]["r"]))))
    read = {"r": h, "z": h, "n": found["read"]}
    for gate in GATES:
        table[f"kernel_{gate}"] = rounded(x.T @ sums[gate])
        table[f"recurrent_kernel_{gate}"] = rounded(read[gate].T @ (inner if gate == "n" else sums[gate]))
        table[f"bias_{gate}"] = rounded(sums[gate].sum(0))
    if reset == "after":
        table["recurrent_bias_n"] = rounded(inner.sum(0))
    dh = rounded(dh + sum(rounded(sums[gate] @ weights[f"recurrent_kernel_{gate}"].T) for gate in "rz"))
    return rounded(sum(rounded(sums[gate] @ weights[f"kernel_{gate}"].T) for gate in GATES)), table, dh


def gru_step_vjp(x, weights, carry, cotangents, *, reset="before", rounded=as_it_is):
    x, table, h, g = rounded(x), _rounded(weights, reset, rounded), rounded(carry), rounded(cotangents)
    dx, found, dh = step_back(x, table, h, g, reset=reset, rounded=rounded)
    return dx, {name: found[name] for name in weights}, dh


def _rounded(weights, reset, rounded):
    return {name: rounded(weights[name]) for name in names(reset)}


def _forward(x, weights, carry, lengths, reset, rounded, reverse, padded_outputs, no_steps, empty_sequence):
    """The plan, what the steps read, the weights and the states."""
    plan = planned(x, lengths, reverse=reverse, no_steps=no_steps, empty_sequence=empty_sequence)
    table = _rounded(weights, reset, rounded)
    start = np.zeros((len(x), table["bias_n"].size), x.dtype) if carry is None else rounded(carry)
    read = plan.read(rounded(x))

    def step(x, h):
        return gru_step(x, table, h, reset=reset, rounded=rounded)

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
    found = {name: np.zeros_like(w) for name, w in table.items()}
    back_of = partial(step_back, reset=reset, rounded=rounded)

    def back(s, total):
        reached = plan.active[:, s, None] if frozen else total.any(-1, keepdims=True)  # what is not may be NaN
        inputs, before = (np.where(reached, y, 0) for y in (read[:, s], states[s]))
        dx, part, dh = back_of(inputs, table, before, rounded(total))
        for name in found:
            found[name] = rounded(found[name] + part[name])
        return dx, dh

    parts, first = pulled_back(back, states, plan, each, last, frozen=frozen)
    dx = plan.read(np.stack(parts, 1)) if parts else np.zeros_like(x)
    gradients = {name: found[name] for name in weights}
    return (dx, gradients) if carry is None else (dx, gradients, first)
