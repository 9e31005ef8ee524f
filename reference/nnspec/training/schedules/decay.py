r"""Learning rates that decay.

Each takes steps and gives rates in float32; with everything but the steps told it is an ``optax.Schedule``:
``functools.partial(cosine_decay, initial=0.1, decay_steps=1000, floor=0.0)``. A compiled program may be told any
number, lengths too; what is traced is not checked.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from nnspec.checking import NonNegative, Positive, checked
from nnspec.training.schedules._ranges import Length, at_least, at_most

__all__ = ["cosine_decay", "exponential_decay", "inverse_time_decay", "polynomial_decay", "step_decay"]


@checked
def step_decay(
    steps: Int[Array, "*batch"], boundaries: Int[Array, "pieces"], *, initial: Positive, factor: Positive
) -> Float[Array, "*batch"]:
    r"""Fall by a factor at each boundary.

    $\eta_t = \eta_0 f^k$ with $k$ the number of ``boundaries`` that are at most $t$   [step-decay.value][],
    [step-decay.large-steps][]

    Args:
        steps: counted from 0.
        boundaries: the first step of each new rate, in any order.
        initial: the rate of step 0, $\eta_0$.
        factor: of each boundary, $f$, at most 1.

    Returns:
        The rate of each step, in float32.

    Raises:
        ValueError: ``initial`` or ``factor`` is not positive; ``factor`` is above 1.

    Source: He and others 2015, section 3.4.
    """
    at_most("step_decay", 1, "since the rate would grow", factor=factor)
    return _stepwise(steps, boundaries, initial, factor)


@checked
def exponential_decay(
    steps: Int[Array, "*batch"],
    *,
    initial: Positive,
    decay_steps: Length,
    decay_rate: Positive,
    staircase: bool = False,
) -> Float[Array, "*batch"]:
    r"""Fall by a factor every so many steps.

    $\eta_t = \eta_0\, r^{t/n}$   [exponential-decay.value][], [exponential-decay.long][]

    Args:
        steps: counted from 0.
        initial: the rate of step 0, $\eta_0$.
        decay_steps: $n$, at least 1.
        decay_rate: $r$, at most 1.
        staircase: at once every $n$ steps, and not a little at each.

    Returns:
        The rate of each step, in float32.

    Raises:
        ValueError: a number is out of its range.

    Source: the definition.
    """
    at_most("exponential_decay", 1, "since the rate would grow", decay_rate=decay_rate)
    at_least("exponential_decay", "decay_steps", decay_steps, 1)
    return _exponential(steps, initial, decay_steps, decay_rate, staircase)


@checked
def inverse_time_decay(
    steps: Int[Array, "*batch"], *, initial: Positive, decay_steps: Length, decay_rate: NonNegative,
    staircase: bool = False,
) -> Float[Array, "*batch"]:  # fmt: skip
    r"""Fall as one over the step.

    $\eta_t = \eta_0 / (1 + r\,t/n)$   [inverse-time-decay.value][]

    Args:
        steps: counted from 0.
        initial: the rate of step 0, $\eta_0$.
        decay_steps: $n$, at least 1.
        decay_rate: $r$, how much the divisor grows in $n$ steps.
        staircase: at once every $n$ steps.

    Returns:
        The rate of each step, in float32.

    Raises:
        ValueError: a number is out of its range.

    Source: Robbins and Monro 1951.
    """
    at_least("inverse_time_decay", "decay_steps", decay_steps, 1)
    return _inverse(steps, initial, decay_steps, decay_rate, staircase)


@checked
def polynomial_decay(
    steps: Int[Array, "*batch"], *, initial: Positive, end: NonNegative, decay_steps: Length, power: Positive
) -> Float[Array, "*batch"]:
    r"""Fall along a power of the part that is left.

    $\eta_t = e + (\eta_0 - e)(1 - x)^k$ with $x = \min(t/n, 1)$   [polynomial-decay.value][]

    Args:
        steps: counted from 0.
        initial: the rate of step 0, $\eta_0$.
        end: the rate from step $n$ on, $e$; at most ``initial``.
        decay_steps: $n$, at least 1.
        power: $k$; 1 is a straight line.

    Returns:
        The rate of each step, in float32.

    Raises:
        ValueError: a number is out of its range; the end is above ``initial``.

    Source: the definition.
    """
    at_most("polynomial_decay", initial, "the initial rate", end=end)
    at_least("polynomial_decay", "decay_steps", decay_steps, 1)
    return _polynomial(steps, end, initial - end, decay_steps, power)


@checked
def cosine_decay(
    steps: Int[Array, "*batch"], *, initial: Positive, decay_steps: Length, floor: NonNegative
) -> Float[Array, "*batch"]:
    r"""Fall along half a cosine.

    $\eta_t = e + (\eta_0 - e)\,\frac12 (1 + \cos \pi x)$ with $x = \min(t/n, 1)$   [cosine-decay.value][],
    [cosine-decay.after-end][]

    Args:
        steps: counted from 0.
        initial: the rate of step 0, $\eta_0$.
        decay_steps: $n$, at least 1.
        floor: the rate from step $n$ on, $e$, at most ``initial``; a rate, and not a share of the initial one.

    Returns:
        The rate of each step, in float32.

    Raises:
        ValueError: a number is out of its range; the end is above ``initial``.

    Source: Loshchilov and Hutter 2017, equation 5.
    """
    at_most("cosine_decay", initial, "the initial rate", floor=floor)
    at_least("cosine_decay", "decay_steps", decay_steps, 1)
    return _cosine(steps, floor, initial - floor, decay_steps)


@jax.jit
def _stepwise(steps: Array, boundaries: Array, initial: float, factor: float) -> Array:
    reached = jnp.sum(steps[..., None] >= boundaries, -1)
    return jnp.float32(initial) * jnp.float32(factor) ** reached.astype(jnp.float32)


@partial(jax.jit, static_argnames="staircase")
def _exponential(steps: Array, initial: float, decay_steps: Length, decay_rate: float, staircase: bool) -> Array:
    return jnp.float32(initial) * jnp.float32(decay_rate) ** _parts(steps, decay_steps, staircase)


@partial(jax.jit, static_argnames="staircase")
def _inverse(steps: Array, initial: float, decay_steps: Length, decay_rate: float, staircase: bool) -> Array:
    return jnp.float32(initial) / (1 + decay_rate * _parts(steps, decay_steps, staircase))


@jax.jit
def _polynomial(steps: Array, end: float, above: float, decay_steps: Length, power: float) -> Array:
    left = 1 - jnp.minimum(_parts(steps, decay_steps), 1)
    return jnp.float32(end) + jnp.float32(above) * left**power


@jax.jit
def _cosine(steps: Array, floor: float, above: float, decay_steps: Length) -> Array:
    x = jnp.minimum(_parts(steps, decay_steps), 1)
    return jnp.float32(floor) + jnp.float32(above) * (1 + jnp.cos(jnp.pi * x)) / 2


def _parts(steps: Array, decay_steps: Length, staircase: bool = False) -> Array:
    """How many times the length is over."""
    return jnp.asarray(steps // decay_steps if staircase else steps / decay_steps, jnp.float32)
