"""Wrong positions; each caught by the clause that it names."""

from __future__ import annotations

import numpy as np

from nnspec_conformance.mutant import Mutants
from nnspec_conformance.oracles.architectures.transformer import positions as right

MUTANTS = Mutants()


def row(positions, features, base, order, exponent):
    theta = np.asarray(positions)[:, None] * np.asarray(float(base)) ** -exponent(np.arange(features // 2), features)
    return right.laid(np.sin(theta), np.cos(theta), order).astype(np.float32)


def turn_by(x, theta, pairs, sign=1):
    """The tokens turned by given angles, in float32 at least."""
    a, b = right.parts(x.astype(np.promote_types(x.dtype, np.float32)) if x.dtype.itemsize > 2 else
                       x.astype(np.float32), pairs)  # fmt: skip
    sine, cosine = sign * np.sin(theta), np.cos(theta)
    return right.laid(a * cosine - b * sine, a * sine + b * cosine, pairs).astype(x.dtype)


def at(x, positions):
    return positions[0] if positions else np.arange(x.shape[-2])


# ---- sinusoids


@MUTANTS.add(
    "the number of the pair in place of twice it", "sinusoidal-positions.value", "sinusoidal-positions.example"
)
def takes_i_for_2i(positions, *, features, base=10000.0, order="interleaved"):
    return row(positions, features, base, order, lambda i, d: i / d)


@MUTANTS.add("MLX: the slowest pair turns by 1 / base", "sinusoidal-positions.value", "sinusoidal-positions.example")
def ends_at_the_base(positions, *, features, base=10000.0, order="interleaved"):
    return row(positions, features, base, order, lambda i, d: i / max(d // 2 - 1, 1))


@MUTANTS.add("the positions counted from 1", "sinusoidal-positions.value", "sinusoidal-positions.example")
def begins_at_1(positions, **given):
    return right.sinusoidal_positions(np.asarray(positions) + 1, **given)


@MUTANTS.add("cosine and sine exchanged", "sinusoidal-positions.value", "sinusoidal-positions.order")
def puts_the_cosine_first(positions, *, features, base=10000.0, order="interleaved"):
    first, second = right.parts(right.sinusoidal_positions(positions, features=features, base=base, order=order), order)
    return right.laid(second, first, order)


@MUTANTS.add("sines alone, of twice as many wavelengths", "sinusoidal-positions.products")
def leaves_the_cosines_out(positions, *, features, base=10000.0, order="interleaved"):
    return np.sin(right.angles(positions, 2 * features, base)).astype(np.float32)


@MUTANTS.add("the keyword is taken, and 10,000 is used", "sinusoidal-positions.value")
def does_not_use_the_base(positions, *, features, base=10000.0, order="interleaved"):
    return right.sinusoidal_positions(positions, features=features, order=order)


@MUTANTS.add("angles in half precision, as under mixed precision", "sinusoidal-positions.far")
def computes_angles_in_float16(positions, *, features, base=10000.0, order="interleaved"):
    theta = np.minimum(right.angles(positions, features, base), 65504).astype(np.float16).astype(np.float32)
    return right.laid(np.sin(theta), np.cos(theta), order)


@MUTANTS.add("a table of fixed length, read at its end beyond it", "sinusoidal-positions.far")
def clips_positions_at_4096(positions, **given):
    return right.sinusoidal_positions(np.minimum(positions, 4096), **given)


# ---- turns


@MUTANTS.add("minus sine where sine is", "rotary-positions.value", "rotary-positions.example")
def turns_the_other_way(x, *positions, base=10000.0, pairs="interleaved"):
    return turn_by(x, right.angles(at(x, positions), x.shape[-1], base), pairs, -1)


@MUTANTS.add("the positions counted from 1, as in the paper", "rotary-positions.value", "rotary-positions.example")
def begins_at_position_1(x, *positions, base=10000.0, pairs="interleaved"):
    return turn_by(x, right.angles(at(x, positions) + 1, x.shape[-1], base), pairs)


@MUTANTS.add("the number of the pair in place of twice it", "rotary-positions.value", "rotary-positions.example")
def takes_i_for_2i_in_turns(x, *positions, base=10000.0, pairs="interleaved"):
    return turn_by(x, right.angles(at(x, positions), 2 * x.shape[-1], base)[:, : x.shape[-1] // 2], pairs)


@MUTANTS.add("cached keys: a new token is always at 0", "rotary-positions.value")
def does_not_use_the_positions(x, *positions, **given):
    return right.rotary_positions(x, **given)


@MUTANTS.add("the keyword is taken, and 10,000 is used", "rotary-positions.value")
def turns_without_the_base(x, *positions, base=10000.0, **given):
    return right.rotary_positions(x, *positions, **given)


@MUTANTS.add("a table that was made once is read at the positions", "rotary-positions.value")
def turns_without_the_base_at_given_positions(x, *positions, base=10000.0, **given):
    return right.rotary_positions(x, *positions, base=10000.0 if positions else base, **given)


@MUTANTS.add(
    "the layout [batch, heads, time, features] taken for [batch, time, heads, features]", "rotary-positions.value"
)
def turns_along_another_axis(x, *positions, **given):
    if x.ndim < 4 or x.shape[-3] > x.shape[-2]:
        return right.rotary_positions(x, *positions, **given)
    there = [positions[0][: x.shape[-3]]] if positions else []
    return right.rotary_positions(x.swapaxes(-3, -2), *there, **given).swapaxes(-3, -2)


@MUTANTS.add("one sine forgotten: a shear", "rotary-positions.length", "rotary-positions.value")
def shears(x, *positions, base=10000.0, pairs="interleaved"):
    theta = right.angles(at(x, positions), x.shape[-1], base)
    a, b = right.parts(x.astype(np.float64) if x.dtype.itemsize > 2 else x.astype(np.float32), pairs)
    return right.laid(a * np.cos(theta), a * np.sin(theta) + b * np.cos(theta), pairs).astype(x.dtype)


@MUTANTS.add("queries turned by the square of the position", "rotary-positions.relative")
def turns_faster_and_faster(x, *positions, base=10000.0, pairs="interleaved"):
    return turn_by(x, right.angles(at(x, positions) ** 2, x.shape[-1], base), pairs)


@MUTANTS.add("angles in the dtype of a half precision model", "rotary-positions.far")
def computes_angles_of_half_precision_in_it(x, *positions, base=10000.0, pairs="interleaved"):
    theta = right.angles(at(x, positions), x.shape[-1], base)
    return turn_by(x, theta.astype(x.dtype).astype(np.float32) if x.dtype.itemsize == 2 else theta, pairs)


@MUTANTS.add("a table of cosines and sines, read at its end beyond it", "rotary-positions.far")
def clips_turns_at_4096(x, *positions, base=10000.0, pairs="interleaved"):
    return turn_by(x, right.angles(np.minimum(at(x, positions), 4096), x.shape[-1], base), pairs)


@MUTANTS.add("a hand-written backward pass that is the forward pass", "rotary-positions.gradient", part="_vjp")
def turns_the_cotangents_on(x, *rest, base=10000.0, pairs="interleaved"):
    *positions, g = rest
    return (turn_by(g, right.angles(at(x, positions), x.shape[-1], base), pairs),)


# ---- learned


@MUTANTS.add("row 0 is kept for padding", "learned-positions.value")
def reads_rows_from_1(x, table):
    return x + np.roll(table, -1, 0)[: x.shape[-2]] if x.shape[-2] <= len(table) else right.learned_positions(x, table)


@MUTANTS.add("the row of the example, not of the token", "learned-positions.value")
def counts_examples(x, table):
    y = right.learned_positions(x, table)
    return x + table[np.arange(len(x)) % len(table)][:, None] if x.ndim == 3 and len(x) > 1 else y


@MUTANTS.add("a sum over examples divided by their number", "learned-positions.gradient", part="_vjp")
def takes_the_mean_over_examples(x, table, g):
    dx, moved = right.learned_positions_vjp(x, table, g)
    return dx, (moved / max(int(np.prod(g.shape[:-2])), 1)).astype(moved.dtype)


@MUTANTS.add("a lookup that clips: JAX, and any library on it", "learned-positions.beyond")
def repeats_the_last_row(x, table):
    return x + table[np.minimum(np.arange(x.shape[-2]), len(table) - 1)]


# ---- packed sequences


@MUTANTS.each("position_ids are taken, and a count of the row is used", "positions.packed")
def counts_on_through_the_row(f, *arrays, **given):
    if f.__name__.startswith("sinusoidal"):
        return f(np.arange(len(arrays[0])), **given)
    return f(arrays[0], **given)


@MUTANTS.each("cached keys: the first position given, and one more for each place", "positions.packed")
def counts_on_from_the_first_position(f, *arrays, **given):
    *x, first = arrays if f.__name__.startswith("sinusoidal") or len(arrays) > 1 else (*arrays, None)
    if first is None or not len(first):
        return f(*arrays, **given)
    return f(*x, first[0] + np.arange(len(first)), **given)


# ---- refusals


@MUTANTS.add("the last feature stays as it is", "positions.odd[rotary_positions]")
def leaves_the_odd_feature(x, *positions, **given):
    if x.shape[-1] % 2 == 0:
        return right.rotary_positions(x, *positions, **given)
    even = x[..., :-1]
    y = right.rotary_positions(even, *positions, **given) if even.shape[-1] else even
    return np.concatenate([y, x[..., -1:]], -1)


@MUTANTS.add("one column more than asked for is cut off", "positions.odd[sinusoidal_positions]")
def cuts_the_odd_feature(positions, *, features, **given):
    return right.sinusoidal_positions(positions, features=features + features % 2, **given)[:, :features]


@MUTANTS.each("a power of nothing, or NaN", "positions.base-range")
def takes_any_base(f, *arrays, base=10000.0, **given):
    return f(*arrays, base=base if base > 0 else 1e-30, **given)
