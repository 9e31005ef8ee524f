"""The long short-term memory in NumPy, written from the clauses: one step, a sequence of them, and back through time.

Every function computes in the dtype that it is handed; the expected values of the suite are computed in float64.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from nnspec_conformance.oracles.architectures._sequences import planned, pulled_back, states_of
from nnspec_conformance.oracles.architectures.recurrent import as_it_is
from nnspec_conformance.special import expit

GATES = "ifgo"  # input, forget, candidate, output
KINDS = ("kernel", "recurrent_kernel", "bias")
NAMES = tuple(f"{kind}_{gate}" for kind in KINDS for gate in GATES)
# The example of the page: three steps of one unit, whose gates have simple values.
LOG3 = float(np.log(3))
EXAMPLE_X = [1, 0, 0]
EXAMPLE_KERNEL = {"i": LOG3, "f": 0, "g": LOG3, "o": 0}
EXAMPLE_BIAS = {"i": 0, "f": LOG3, "g": 0, "o": 0}
EXAMPLE_CELL = 0.8
EXAMPLE_CELLS = [1.2, 0.9, 0.675]


def sigmoid(z):
    return 1 / (1 + np.exp(-z)) if np.iscomplexobj(z) else expit(z).astype(z.dtype)


def joined(weights):
    """Kernel, recurrent kernel and bias, the gates side by side."""
    return [np.concatenate([weights[f"{kind}_{gate}"] for gate in GATES], -1) for kind in KINDS]


def split(z):
    n = z.shape[-1] // len(GATES)
    return [z[..., k * n : (k + 1) * n] for k in range(len(GATES))]  # np.split takes as long as a step


def gates_of(z, rounded=as_it_is):
    """The gates and the candidate, of their sums."""
    i, f, g, o = split(z)
    return tuple(rounded(a) for a in (sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)))


def _sums(table, rounded, x, h):
    kernel, recurrent_kernel, bias = table
    return rounded(rounded(x @ kernel) + rounded(h @ recurrent_kernel) + bias)


def _step(table, rounded, x, state):
    h, c = state
    i, f, g, o = gates_of(_sums(table, rounded, x, h), rounded)
    c = rounded(rounded(f * c) + rounded(i * g))
    return rounded(o * rounded(np.tanh(c))), c


def _back(table, rounded, x, before, after, g_h, g_c):
    """The cotangents of the sums of all gates and of the cell before, of those of the state after a step."""
    (h, c), (_, new) = before, after
    i, f, g, o = gates_of(_sums(table, rounded, x, h), rounded)
    t = rounded(np.tanh(new))
    total = rounded(g_c + rounded(rounded(g_h * o) * rounded(1 - t * t)))
    parts = (
        rounded(total * g) * rounded(i * (1 - i)),
        rounded(total * c) * rounded(f * (1 - f)),
        rounded(total * i) * rounded(1 - g * g),
        rounded(g_h * t) * rounded(o * (1 - o)),
    )
    return np.concatenate([rounded(part) for part in parts], -1), rounded(total * f)


def lstm_step(x, weights, h, c):
    return _step(joined(weights), as_it_is, x, (h, c))


def lstm_step_vjp(x, weights, h, c, cotangents):
    table, (g_h, g_c) = joined(weights), cotangents
    dz, before = _back(table, as_it_is, x, (h, c), lstm_step(x, weights, h, c), g_h, g_c)
    found = named((x.T @ dz, h.T @ dz, dz.sum(0)))
    return dz @ table[0].T, {name: found[name] for name in weights}, dz @ table[1].T, before


def named(parts):
    """The gradients of all gates side by side, by name."""
    return {f"{kind}_{gate}": w for kind, part in zip(KINDS, parts, strict=True)
            for gate, w in zip(GATES, split(part), strict=True)}  # fmt: skip


def _forward(x, weights, h, c, lengths, rounded, reverse, padded_outputs, no_steps, empty_sequence):
    """The plan, what the steps read, the weights and the states."""
    plan = planned(x, lengths, reverse=reverse, no_steps=no_steps, empty_sequence=empty_sequence)
    table = [rounded(w) for w in joined(weights)]
    zero = np.zeros((len(x), weights["bias_i"].size), x.dtype)
    start = tuple(zero if part is None else rounded(part) for part in (h, c))
    read = plan.read(rounded(x))
    return plan, read, table, states_of(
        partial(_step, table, rounded), read, start, plan, frozen=padded_outputs != "running"
    )  # fmt: skip


def lstm(
    x, weights, h=None, c=None, lengths=None, *, reverse=False, padded_outputs="zero", no_steps="handed-through",
    empty_sequence="handed-through", reverse_order="aligned", rounded=as_it_is,
):  # fmt: skip
    plan, _, _, states = _forward(x, weights, h, c, lengths, rounded, reverse, padded_outputs, no_steps, empty_sequence)
    y = np.stack([one for one, _ in states], 1)[:, 1:]
    y = np.where(plan.active[..., None], y, 0) if padded_outputs == "zero" else y
    return plan.read(y) if reverse_order == "aligned" else y, *plan.last(states)


def lstm_vjp(
    x, weights, *rest, reverse=False, padded_outputs="zero", no_steps="handed-through",
    empty_sequence="handed-through", reverse_order="aligned", rounded=as_it_is,
):  # fmt: skip
    *given, cotangents = rest
    h, c, lengths = (*given, None, None, None)[:3]
    plan, read, table, states = _forward(
        x, weights, h, c, lengths, rounded, reverse, padded_outputs, no_steps, empty_sequence
    )
    frozen = padded_outputs != "running"
    each, *last = (rounded(g) for g in cotangents)
    each = plan.read(each) if reverse_order == "aligned" else each
    each = np.where(plan.active[..., None], each, 0) if padded_outputs == "zero" else each
    found = {name: np.zeros_like(weights[name]) for name in NAMES}

    def back(s, total):
        reached = plan.active[:, s, None] if frozen else (abs(total[0]) + abs(total[1])).any(-1, keepdims=True)
        inputs, h, c, *after = (np.where(reached, y, 0) for y in (read[:, s], *states[s], *states[s + 1]))
        dz, before = _back(table, rounded, inputs, (h, c), after, rounded(total[0]), rounded(total[1]))
        for name, part in named((inputs.T @ dz, h.T @ dz, dz.sum(0))).items():
            found[name] = rounded(found[name] + rounded(part))
        return rounded(dz @ table[0].T), (rounded(dz @ table[1].T), before)

    parts, first = pulled_back(back, states, plan, (each, np.zeros_like(each)), tuple(last), frozen=frozen)
    dx = plan.read(np.stack(parts, 1)) if parts else np.zeros_like(x)
    return dx, {name: found[name] for name in weights}, *(() if h is None else first)


def lstm_forget_bias(*, in_features, hidden_features, forget_bias=1.0):
    return np.float32(forget_bias)
