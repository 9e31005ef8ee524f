"""Tests of architectures/lstm: gradients of a step, through time, and round the constant error carousel."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case, clause, gradient
from nnspec_conformance.dtypes import DTYPES, float_dtype
from nnspec_conformance.inputs import normal_draws, wide
from nnspec_conformance.oracles.architectures import lstm as oracle
from nnspec_conformance.suite.architectures.test_lstm import (
    ACTIVATIONS,
    BATCH,
    GATES,
    HIDDEN,
    LENGTHS,
    OPEN,
    TIME,
    Near,
    Weights,
    arrays,
    joined,
    left_open,
    near_cell,
    near_gates,
    padding,
    remembered,
    step_arrays,
    times,
    told,
    widened,
    with_padding,
)
from nnspec_conformance.suite.components.test_forward_propagation import slope_error
from nnspec_conformance.tolerance import carried, exact, product_error, spread, ulp, unit
from nnspec_conformance.trees import leaves, rebuilt


def cotangents(dtype: str = "float32", time: int = TIME) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw cotangents of all states, and of the last state and cell."""
    h, c = (normal_draws(seed, (BATCH, HIDDEN), dtype) for seed in (117, 118))
    return normal_draws(116, (BATCH, time, HIDDEN), dtype), h, c


@remembered
def gradient_of(*operands: Any, **given: Any) -> tuple:
    """The oracle's gradients through time, and what they move when all operands are rounded at random."""
    dtype = float_dtype(operands) or ""
    return spread(lambda rounded: oracle.lstm_vjp(*widened(operands), **given, rounded=rounded), dtype)


def gradients(readings: dict) -> Callable[..., tuple]:
    """The oracle's gradients in the subject's reading, with what they may be off by."""

    def want(*operands: Any, **given: Any) -> tuple:
        found = gradient_of(*operands, **told(readings, operands, given) | given)
        of_states = operands[-1][0]  # the gradients through the last state and cell are the same in any order
        return left_open(found, readings, operands, given) if of_states.any() else found

    return want


def near_sums(
    z: Near, gates: dict[str, Near], c: np.ndarray, g: tuple[np.ndarray, np.ndarray], dtype: str
) -> tuple[np.ndarray, np.ndarray, Near]:
    """The cotangents of the sums of all gates with what they may be off by, and that of the old cell."""
    g_h, g_c = ((part, 0 * part) for part in g)
    new, t = near_cell(gates, c, dtype)
    slope = 1 - t[0] * t[0]
    bend = slope, slope_error(new[0], new[1], slope, "tanh", dtype)
    shown = times(times(g_h, gates["o"], dtype), bend, dtype, terms=2, plus=np.abs(g_c[0]))
    total = g_c[0] + shown[0], shown[1]
    others = {"i": (total, gates["g"]), "f": (total, (c, 0 * c)), "g": (total, gates["i"]), "o": (g_h, t)}
    found = []
    for gate, part, off in zip(GATES, oracle.split(z[0]), oracle.split(z[1]), strict=True):
        a, name = gates[gate][0], ACTIVATIONS[gate]
        slope = 1 - a * a if name == "tanh" else a * (1 - a)
        known = slope, slope_error(part, off, slope, name, dtype)
        found.append(times(times(*others[gate], dtype), known, dtype))
    rows, errors = (np.concatenate(parts, -1) for parts in zip(*found, strict=True))
    return rows, errors, times(total, gates["f"], dtype)


def step_gradients(
    x: np.ndarray, weights: Weights, h: np.ndarray, c: np.ndarray, g: tuple[np.ndarray, np.ndarray]
) -> tuple:
    """The gradients of a step in float64, with the errors carried back."""
    dtype, (x, weights, h, c, g) = str(x.dtype), wide((x, weights, h, c, g))
    both, z, gates = near_gates(x, weights, h, dtype)
    rows, dz, before = near_sums(z, gates, c, g, dtype)
    kernels, count, n = joined(x, weights, h)[1], len(x), x.shape[-1]
    back = product_error(rows, dz, kernels.T, 0 * kernels.T, rows.shape[-1], dtype)
    sums = product_error(both.T, 0 * both.T, rows, dz, count, dtype)
    bias = dz.sum(0) + 2 * (count + 1) * unit(dtype) * (np.abs(rows) + dz).sum(0)
    named = oracle.named((sums[:n], sums[n:], bias))
    found = oracle.lstm_step_vjp(x, weights, h, c, g)
    errors = back[:, :n], {name: named[name] for name in weights}, back[:, n:], before[1]
    pairs = zip(leaves(found), leaves(errors), strict=True)
    return rebuilt(found, [carried(y, error + ulp(y, dtype) / 2, dtype) for y, error in pairs])


# ---- gradients


@clause("lstm-step.gradient")
def test_step(lean: bool) -> Iterator[Case]:
    for dtype in ("float32", "bfloat16") if lean else DTYPES:
        g = cotangents(dtype)[1:]
        yield gradient("lstm_step", *step_arrays(dtype), cotangents=g, want=step_gradients, note="the cell cut off")


@clause("lstm.gradient")
def test_through_time(readings: dict, lean: bool) -> Iterator[Case]:
    want = gradients(readings)
    for dtype in ("float32", "bfloat16") if lean else DTYPES:
        yield gradient("lstm", *arrays(dtype), cotangents=cotangents(dtype), want=want, note="one step alone")
    for time in (40,) if lean else (1, 2, 40):
        g = cotangents(time=time)
        yield gradient("lstm", *arrays(time=time), cotangents=g, want=want, note="a window of few steps")
    if not lean:
        yield gradient("lstm", *arrays(), reverse=True, cotangents=cotangents(), want=want, note="in the order of time")


@clause("lstm.lengths-gradient")
def test_of_lengths(readings: dict) -> Iterator[Case]:
    every, *last = cotangents()
    asked = (
        (False, (0 * every, *last), "through steps behind the end"),
        (True, (0 * every, *last), "backwards from the padding on"),
        (False, (np.where(padding()[..., None], 0, every), *(0 * g for g in last)), "the end of another sequence"),
    )
    for reverse, g, note in asked:
        given = {"reverse": True} if reverse else {}
        yield gradient("lstm", *arrays(), LENGTHS, **given, cotangents=g, want=gradients(readings), note=note)


@clause("lstm.padded-outputs-gradient")
def test_of_padded_outputs(readings: dict) -> Iterator[Case]:
    want = gradients(readings)
    yield gradient("lstm", *arrays(), LENGTHS, cotangents=cotangents(), want=want, note="cotangents behind the end")


@clause("lstm.padding-gradient")
def test_of_padding(trial) -> None:
    _, *rest = arrays()
    every, *last = cotangents()
    g = np.where(padding()[..., None], 0, every), *last
    before = trial.vjp((with_padding(0.5), *rest, LENGTHS), g)
    after = trial.vjp((with_padding(np.nan), *rest, LENGTHS), g)
    want = rebuilt(before, [exact(wide(part)) for part in leaves(before)])
    trial.expect(after, want, "the gradients with NaN behind the end")
    behind = before[0][padding()]
    trial.expect(behind, exact(np.zeros(behind.shape)), "the gradient for the padding")


# ---- the carousel


def forget_gates(x: np.ndarray, weights: Weights, rounded: Callable) -> np.ndarray:
    """All forget gates of a layer without recurrent kernels, [batch, time, hidden]."""
    z = rounded(rounded(rounded(x) @ rounded(weights["kernel_f"])) + rounded(weights["bias_f"]))
    return rounded(oracle.sigmoid(z))


@clause("lstm.carousel")
def test_carousel(trial) -> None:
    for time, bias in ((TIME, None), (100, OPEN)):
        x, weights, h, c = arrays(time=time)
        still = {name: 0 * w for name, w in weights.items() if name.startswith("recurrent")}
        forced = {} if bias is None else {"bias_f": np.full_like(weights["bias_f"], bias)}
        weights = weights | still | forced
        g = np.zeros((BATCH, time, HIDDEN), np.float32), 0 * h, np.ones_like(c)
        read, table = wide((x, weights))
        got = trial.vjp((x, weights, h, c), g)[3]
        want = spread(lambda rounded, x=read, w=table: product_of(forget_gates(x, w, rounded), rounded), "float32")
        trial.expect(got, want if bias is None else exact(np.ones(c.shape)), "the last cell by the first one")


def product_of(gates: np.ndarray, rounded: Callable) -> np.ndarray:
    """The product over time, rounded at each step."""
    found = np.ones_like(gates[:, 0])
    for t in range(gates.shape[1]):
        found = rounded(found * gates[:, t])
    return found
