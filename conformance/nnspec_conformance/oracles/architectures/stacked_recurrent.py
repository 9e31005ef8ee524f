"""Recurrent layers above one another and side by side in NumPy, written from the clauses, of the layers' own oracles.

Every function computes in the dtype that it is handed; the expected values of the suite are computed in float64.
"""

from __future__ import annotations

import numpy as np

from nnspec_conformance.oracles.architectures import gru as gated
from nnspec_conformance.oracles.architectures import lstm as long
from nnspec_conformance.oracles.architectures import recurrent as simple
from nnspec_conformance.oracles.architectures.recurrent import as_it_is

CELLS = ("tanh", "relu", "lstm", "gru")
NAMES = {"tanh": simple.NAMES, "relu": simple.NAMES, "lstm": long.NAMES, "gru": gated.names("after")}
DIRECTIONS = ("forward", "backward")
# The examples of the page, worked through by hand.
EXAMPLE_X = [1, 2, 3]
EXAMPLE_BIASES = [0, -1, -2]
EXAMPLE_TOPMOST, EXAMPLE_LAYERS = [0, 0, 5], [6, 7, 5]
EXAMPLE_RECURRENT = {"forward": 1, "backward": 2}
EXAMPLE_STATES = [[1, 17], [3, 8], [6, 3]]
EXAMPLE_LAST = [6, 17]


def of_layer(weights, number, cell):
    """The table of one layer of a stack."""
    return {name: weights[f"{name}_{number}"] for name in NAMES[cell]}


def of_direction(weights, direction, cell):
    """The table of one half of a bidirectional layer."""
    return {name: weights[f"{direction}_{name}"] for name in NAMES[cell]}


def depth(weights):
    return 1 + max(int(name.rsplit("_", 1)[1]) for name in weights)


def layer(x, table, cell, lengths=None, *, reverse=False, rounded=as_it_is):
    """The states of one layer, from zero on; zeros behind the end."""
    given = {"reverse": reverse, "rounded": rounded}
    if cell == "lstm":
        return long.lstm(x, table, None, None, lengths, **given)[0]
    if cell == "gru":
        return gated.gru(x, table, None, lengths, reset="after", **given)
    return simple.elman(x, table, None, lengths, activation=cell, **given)


def layer_back(x, table, cell, lengths, g, *, reverse=False, rounded=as_it_is):
    """The gradients of a layer's states, of their cotangents, for its input and its table."""
    given = {"reverse": reverse, "rounded": rounded}
    if cell == "lstm":
        none = np.zeros_like(g[:, 0])
        return long.lstm_vjp(x, table, None, None, lengths, (g, none, none), **given)[:2]
    if cell == "gru":
        return gated.gru_vjp(x, table, None, lengths, g, reset="after", **given)[:2]
    return simple.elman_vjp(x, table, None, lengths, g, activation=cell, **given)[:2]


def ends(x, lengths, *, reverse):
    """Where the last state of each sequence stands, [batch, time, 1]."""
    last = np.full(len(x), x.shape[1]) if lengths is None else lengths
    return (np.arange(x.shape[1]) == (0 if reverse else last[:, None] - 1))[..., None]


def at_the_end(states, lengths=None, *, reverse=False):
    """The last state of each sequence."""
    return np.where(ends(states, lengths, reverse=reverse), states, 0).sum(1)


def stacked_recurrent(x, weights, *, cell, masks=None, rounded=as_it_is):
    states, last = [x], []
    for number in range(depth(weights)):
        read = states[-1] if masks is None or not number else states[-1] * masks[number - 1]
        states.append(layer(read, of_layer(weights, number, cell), cell, rounded=rounded))
        last.append(at_the_end(states[-1]))
    return states[-1], np.stack(last)


def stacked_recurrent_vjp(x, weights, cotangents, *, cell, rounded=as_it_is):
    total, last = cotangents
    tables = [of_layer(weights, number, cell) for number in range(depth(weights))]
    read = [x]
    for table in tables[:-1]:
        read.append(layer(read[-1], table, cell, rounded=rounded))
    found = {}
    for number in range(len(tables) - 1, -1, -1):
        total = total + np.where(ends(total, None, reverse=False), last[number][:, None], 0)
        total, table = layer_back(read[number], tables[number], cell, None, total, rounded=rounded)
        found |= {f"{name}_{number}": w for name, w in table.items()}
    return total, {name: found[name] for name in weights}


def bidirectional(x, weights, lengths=None, *, cell, rounded=as_it_is):
    states, last = [], []
    for direction in DIRECTIONS:
        back = direction == "backward"
        table = of_direction(weights, direction, cell)
        states.append(layer(x, table, cell, lengths, reverse=back, rounded=rounded))
        last.append(at_the_end(states[-1], lengths, reverse=back))
    return np.concatenate(states, -1), np.concatenate(last, -1)


def bidirectional_vjp(x, weights, *rest, cell, rounded=as_it_is):
    *given, (states, last) = rest
    lengths = (*given, None)[0]
    found, total = {}, np.zeros_like(x)
    for direction, g, end in zip(DIRECTIONS, np.split(states, 2, -1), np.split(last, 2, -1), strict=True):
        back = direction == "backward"
        g = g + np.where(ends(x, lengths, reverse=back), end[:, None], 0)
        table = of_direction(weights, direction, cell)
        dx, part = layer_back(x, table, cell, lengths, g, reverse=back, rounded=rounded)
        total = rounded(total + dx)
        found |= {f"{direction}_{name}": w for name, w in part.items()}
    return total, {name: found[name] for name in weights}
