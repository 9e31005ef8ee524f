r"""Learning rates that rise first, or again: warm-up, restarts and one cycle.

Each takes steps and gives rates in float32; with everything but the steps told it is an ``optax.Schedule``:
``functools.partial(inverse_root_warmup, peak=0.001, warmup_steps=4000)``. A compiled program may be told any number,
lengths too, but for the multiplier of `cosine_restarts`; what is traced is not checked.
"""

import itertools
from functools import partial
from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from nnspec.checking import NonNegative, Positive, checked
from nnspec.training.schedules._ranges import Length, at_least, at_most

__all__ = ["cosine_restarts", "inverse_root_warmup", "one_cycle", "warmup_cosine", "warmup_stable_decay"]


@checked
def warmup_cosine(
    steps: Int[Array, "*batch"], *, start: NonNegative, peak: Positive, warmup_steps: Length, decay_steps: Length,
    floor: NonNegative,
) -> Float[Array, "*batch"]:  # fmt: skip
    r"""Rise along a line, and fall along half a cosine.

    $\eta_t = s + (p - s)\,t/w$ while $t < w$, then $e + (p - e)\,\frac12 (1 + \cos \pi x)$ with
    $x = \min((t - w)/n, 1)$   [warmup-cosine.value][], [warmup-cosine.decay-is][]

    Args:
        steps: counted from 0.
        start: the rate of step 0, $s$.
        peak: the rate of step $w$, $p$.
        warmup_steps: $w$, at least 0.
        decay_steps: $n$, the steps from the peak to the floor, at least 1.
        floor: the rate from step $w + n$ on, $e$; a rate, and not a share of the peak.

    Returns:
        The rate of each step, in float32.

    Raises:
        ValueError: a number is out of its range; ``start`` or ``floor`` is above ``peak``.

    Source: Goyal and others 2017, section 2.2; Loshchilov and Hutter 2017, equation 5.
    """
    operation = "warmup_cosine"
    at_least(operation, "warmup_steps", warmup_steps, 0)
    at_least(operation, "decay_steps", decay_steps, 1)
    at_most(operation, peak, "the peak", start=start, floor=floor)
    return _line_and_cosine(steps, warmup_steps, decay_steps, start, peak - start, floor, peak - floor)


@checked
def warmup_stable_decay(
    steps: Int[Array, "*batch"], *, start: NonNegative, peak: Positive, warmup_steps: Length, stable_steps: Length,
    decay_steps: Length, end: NonNegative,
) -> Float[Array, "*batch"]:  # fmt: skip
    r"""Rise along a line, stay, and fall along a line.

    [warmup-stable-decay.value][], [warmup-stable-decay.count][]

    Args:
        steps: counted from 0.
        start: the rate of step 0, $s$.
        peak: the rate of step $w$, $p$.
        warmup_steps: $w$, at least 0.
        stable_steps: how many steps the rate stays at its peak, at least 0.
        decay_steps: $n$, the steps from there to the end, at least 1.
        end: the rate after them, $e$.

    Returns:
        The rate of each step, in float32.

    Raises:
        ValueError: a number is out of its range; ``start`` or ``end`` is above ``peak``.

    Source: the definition.
    """
    operation = "warmup_stable_decay"
    at_least(operation, "warmup_steps", warmup_steps, 0)
    at_least(operation, "stable_steps", stable_steps, 0)
    at_least(operation, "decay_steps", decay_steps, 1)
    at_most(operation, peak, "the peak", start=start, end=end)
    top = warmup_steps + stable_steps
    return _two_lines(steps, warmup_steps, top, decay_steps, start, peak - start, peak, end - peak)


@checked
def inverse_root_warmup(steps: Int[Array, "*batch"], *, peak: Positive, warmup_steps: Length) -> Float[Array, "*batch"]:
    r"""Rise along a line, and fall as one over the root of the step.

    $\eta_t = p \min(k/w, \sqrt{w/k})$ with $k = t + 1$   [inverse-root-warmup.value][],
    [inverse-root-warmup.counts-from][]

    Args:
        steps: counted from 0; the first one is $k = 1$.
        peak: the rate at $k = w$, $p$.
        warmup_steps: $w$, at least 1.

    Returns:
        The rate of each step, in float32.

    Raises:
        ValueError: a number is out of its range.

    Source: Vaswani and others 2017, equation 3.
    """
    at_least("inverse_root_warmup", "warmup_steps", warmup_steps, 1)
    return _inverse_root(steps, peak, warmup_steps)


@checked
def cosine_restarts(
    steps: Int[Array, "*batch"], *, initial: Positive, period: Length, multiplier: int, shrink: Positive = 1.0,
    floor: NonNegative,
) -> Float[Array, "*batch"]:  # fmt: skip
    r"""Fall along half a cosine, again and again.

    $\eta_t = e + (\eta_0 - e)\,f^c\,\frac12 (1 + \cos \pi x)$ with $c$ the number of the cycle, and $x$ the part of it
    that is over   [cosine-restarts.value][], [cosine-restarts.large-steps][]

    Args:
        steps: counted from 0.
        initial: the rate of step 0, $\eta_0$.
        period: the steps of the first cycle, $n$, at least 1.
        multiplier: how many times as long as the one before each cycle is, $m$, at least 1.
        shrink: how many times as high, $f$, at most 1.
        floor: the rate where a cycle ends, $e$; a rate, and not a share of the initial one.

    Returns:
        The rate of each step, in float32.

    Raises:
        ValueError: a number is out of its range; ``floor`` is above ``initial``.

    Source: Loshchilov and Hutter 2017, section 3.
    """
    operation = "cosine_restarts"
    at_least(operation, "period", period, 1)
    at_least(operation, "multiplier", multiplier, 1)
    at_most(operation, initial, "the initial rate", floor=floor)
    at_most(operation, 1, "since each cycle would be higher", shrink=shrink)
    return _again_and_again(steps, period, multiplier, initial - floor, shrink, floor)


@checked
def one_cycle(
    steps: Int[Array, "*batch"], *, peak: Positive, rise_steps: Length, length: Length, start_divisor: Positive,
    end_divisor: Positive, phases: Literal["two", "three"] = "two", anneal: Literal["cosine", "linear"] = "cosine",
) -> Float[Array, "*batch"]:  # fmt: skip
    r"""Rise from $p/a$ to $p$, and fall to $p/(ab)$.

    [one-cycle.value][], [one-cycle.ends][], [one-cycle.after][]

    Args:
        steps: counted from 0.
        peak: the rate of step ``rise_steps``, $p$.
        rise_steps: the step of the peak, at least 2.
        length: the step of the end, above ``rise_steps``, and with three phases above twice as much.
        start_divisor: what the peak is divided by at step 0, $a$, at least 1.
        end_divisor: what that is divided by at the end, $b$, at least 1.
        phases: two, or three, where the rate falls to where it started in as many steps as it rose, and then on.
        anneal: along half cosines or along lines.

    Returns:
        The rate of each step, in float32.

    Raises:
        ValueError: a number is out of its range, or a word is none of those above.

    Source: Smith and Topin 2018, section 3.
    """
    operation = "one_cycle"
    at_least(operation, "rise_steps", rise_steps, 2)
    at_least(operation, "length", length, (rise_steps if phases == "two" else 2 * rise_steps) + 1)
    at_least(operation, "start_divisor", start_divisor, 1)
    at_least(operation, "end_divisor", end_divisor, 1)
    low, last = peak / start_divisor, peak / start_divisor / end_divisor
    if phases == "two":
        at, rates = [0, rise_steps, length], [low, peak, last]
    else:
        at, rates = [0, rise_steps, 2 * rise_steps, length], [low, peak, low, last]
    return _joined(steps, at, rates, [then - first for first, then in itertools.pairwise(rates)], anneal == "cosine")


# ---- compiled: an eager call is one program. Differences of rates come as numbers of Python, which have more digits


@jax.jit
def _line_and_cosine(
    steps: Array, up: Length, down: Length, start: float, rise: float, floor: float, above: float
) -> Array:
    line, x = _line(_part(steps, 0, up), start, rise), _part(steps, up, down)
    return jnp.where(steps < up, line, _half_cosine(x, floor, above))


@jax.jit
def _two_lines(
    steps: Array, up: Length, top: Length, down: Length, start: float, rise: float, peak: float, fall: float
) -> Array:
    line = _line(_part(steps, 0, up), start, rise)
    return jnp.where(steps < top, line, _line(_part(steps, top, down), peak, fall))


@jax.jit
def _inverse_root(steps: Array, peak: float, warmup_steps: Length) -> Array:
    k = jnp.asarray(steps, jnp.float32) + 1
    return jnp.float32(peak) * jnp.minimum(k / warmup_steps, jnp.sqrt(warmup_steps / k))


@partial(jax.jit, static_argnames="multiplier")
def _again_and_again(steps: Array, period: Length, multiplier: int, above: float, shrink: float, floor: float) -> Array:
    periods = steps // period  # in integers, as far as int32 counts
    if multiplier == 1:
        cycle, x = periods, (steps % period) / period
    else:
        begins, lengths = [0], [1]  # in periods
        while begins[-1] + lengths[-1] < 2**31:
            begins.append(begins[-1] + lengths[-1])
            lengths.append(lengths[-1] * multiplier)
        cycle = jnp.searchsorted(jnp.array(begins), periods, side="right") - 1
        x = (steps - period * jnp.array(begins)[cycle]) / (period * jnp.array(lengths, jnp.float32)[cycle])
    height = jnp.float32(above) * jnp.float32(shrink) ** cycle
    return _half_cosine(x, 0.0, height) + jnp.float32(floor)


@partial(jax.jit, static_argnames="curved")
def _joined(steps: Array, at: list[Length], rates: list[float], rises: list[float], curved: bool) -> Array:
    found = jnp.full_like(steps, rates[-1], jnp.float32)
    for begin, end, first, then, rise in reversed(list(zip(at, at[1:], rates, rates[1:], rises, strict=False))):
        x = _part(steps, begin, end - begin)
        found = jnp.where(steps < end, _half_cosine(x, then, -rise) if curved else _line(x, first, rise), found)
    return found


def _part(steps: Array, begin: Length, length: Length) -> Array:
    """Which part of a piece is over, from 0 to 1; a piece of no steps is over at once."""
    since = jnp.asarray(steps - begin, jnp.float32)
    return jnp.where(length > 0, jnp.clip(since / jnp.maximum(length, 1), 0, 1), jnp.asarray(since >= 0, jnp.float32))


def _line(x: Array, first: float, rise: float) -> Array:
    return jnp.float32(first) + jnp.float32(rise) * x


def _half_cosine(x: Array, last: float, above: float | Array) -> Array:
    return jnp.float32(last) + jnp.float32(above) * (1 + jnp.cos(jnp.pi * x)) / 2
