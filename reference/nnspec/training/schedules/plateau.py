r"""Reduce the learning rate on a plateau: cut it when a metric has not improved for some evaluations.

`reduce_on_plateau` answers for a whole series of metrics, `plateau_update` for one evaluation in a training loop.

Examples:
    >>> import jax.numpy as jnp
    >>> print(reduce_on_plateau(jnp.array([2.0, 2.0, 2.0, 2.0]), initial=1.0, factor=0.5, patience=2, min_delta=0.0,
    ...                         min_delta_is="absolute", floor=0.0))
    [1.  1.  0.5 0.5]
    >>> state = plateau_start(1.0)
    >>> for loss in (2.0, 3.0):
    ...     state = plateau_update(state, loss, factor=0.5, patience=1, min_delta=0.0, min_delta_is="absolute")
    >>> print(state.rate)
    0.5
"""

from typing import Annotated, Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from nnspec.checking import NonNegative, Positive, Requirement, checked
from nnspec.training.schedules._ranges import at_most

__all__ = ["PlateauState", "plateau_start", "plateau_update", "reduce_on_plateau"]

Factor = Annotated[float, Requirement("above 0 and below 1", lambda value: 0 < value < 1)]
Patience = Annotated[int | Int[Array, ""], Requirement("1 or more", lambda value: value >= 1)]
Delta = Annotated[float, Requirement("zero or positive", lambda value: value >= 0)]
Count = Annotated[int | Int[Array, ""], Requirement("0 or more", lambda value: value >= 0)]
Mode = Literal["min", "max"]
Measure = Literal["absolute", "relative"]


class PlateauState(NamedTuple):
    """What is known after some evaluations; a tree of scalars that `jax.jit` takes.

    Attributes:
        best: the best metric; NaN before the first number.
        wait: the evaluations without improvement since then, or since the last cut.
        rest: the evaluations of the cooldown that are left.
        rate: the learning rate, in float32.
    """

    best: Float[Array, "*batch"]
    wait: Int[Array, "*batch"]
    rest: Int[Array, "*batch"]
    rate: Float[Array, "*batch"]


@checked
def plateau_start(initial: Positive, *, dtype: Any = jnp.float32) -> PlateauState:
    """Begin to watch a training run.

    Args:
        initial: the learning rate until the first cut.
        dtype: in which metrics are compared, a float dtype.

    Returns:
        The state before the first evaluation; see [reduce-on-plateau.cut][].

    Raises:
        ValueError: ``initial`` is not positive.

    Source: the definition.
    """
    none, zero = jnp.asarray(jnp.nan, dtype), jnp.asarray(0)
    return PlateauState(none, zero, zero, jnp.asarray(initial, jnp.float32))


@checked
def plateau_update(
    state: PlateauState, metric: Float[Array, ""], *, factor: Factor, patience: Patience, min_delta: Delta,
    min_delta_is: Measure, floor: NonNegative = 0.0, mode: Mode = "min", cooldown: Count = 0,
) -> PlateauState:  # fmt: skip
    r"""Take one evaluation into account.

    With $m$ = ``metric`` and $b$ = ``state.best``: where $m < b - \delta$, or relative $m < b - \delta |b|$, $b$
    becomes $m$ and the count 0; else, and outside of the cooldown, the count grows by 1, and the rate is cut where it
    is ``patience``   [reduce-on-plateau.cut][], [reduce-on-plateau.cooldown][], [reduce-on-plateau.min-delta][]

    Args:
        state: of `plateau_start`, or of the evaluation before.
        metric: the value on validation data, in any unit.
        factor: what a cut multiplies the rate by.
        patience: how many evaluations in a row without improvement bring a cut, at least 1.
        min_delta: what an improvement has to be larger than, at least 0.
        min_delta_is: in units of the metric, or as a share of the best one's size.
        floor: the rate is never cut below it.
        mode: whether smaller or larger metrics are better.
        cooldown: how many evaluations after a cut are not counted.

    Returns:
        The state after it.

    Raises:
        ValueError: a number is out of its range, or a word is none of those above.
        TypeError: the metric is no number of a float dtype.

    Source: the definition.
    """
    rule = (factor, patience, min_delta, floor, cooldown, min_delta_is == "relative", mode == "min")
    return _updated(state, metric, *rule)


@checked
def reduce_on_plateau(
    metrics: Float[Array, "*batch evaluations"], *, initial: Positive, factor: Factor, patience: Patience,
    min_delta: Delta, min_delta_is: Measure, floor: NonNegative, mode: Mode = "min", cooldown: Count = 0,
) -> Float[Array, "*batch evaluations"]:  # fmt: skip
    """Say with which rate training goes on after each evaluation.

    Each step is `plateau_update`   [reduce-on-plateau.cut][], [reduce-on-plateau.factor][]

    Args:
        metrics: the values on validation data, one an evaluation, in any unit.
        initial: the learning rate until the first cut.
        factor: what a cut multiplies the rate by.
        patience: how many evaluations in a row without improvement bring a cut, at least 1.
        min_delta: what an improvement has to be larger than, at least 0.
        min_delta_is: in units of the metric, or as a share of the best one's size.
        floor: the rate is never cut below it; at most ``initial``.
        mode: whether smaller or larger metrics are better.
        cooldown: how many evaluations after a cut are not counted.

    Returns:
        The rates, in float32.

    Raises:
        ValueError: a number is out of its range, or a word is none of those above.
        TypeError: the metrics are of no float dtype.

    Source: the definition.
    """
    at_most("reduce_on_plateau", initial, "the initial rate", floor=floor)
    start = plateau_start(initial, dtype=metrics.dtype)
    rule = (factor, patience, min_delta, floor, cooldown, min_delta_is == "relative", mode == "min")
    return _watched(metrics, start, *rule)


@jax.jit
def _watched(metrics: Array, start: PlateauState, *rule: Any) -> Array:
    """A scan over the evaluations, of all series at once."""
    state = jax.tree.map(lambda x: jnp.broadcast_to(x, metrics.shape[:-1]), start)

    def step(state: PlateauState, m: Array) -> tuple[PlateauState, Array]:
        state = _updated(state, m, *rule)
        return state, state.rate

    return jnp.moveaxis(jax.lax.scan(step, state, jnp.moveaxis(metrics, -1, 0))[1], 0, -1)


@jax.jit
def _updated(
    state: PlateauState, m: Any, factor: Any, patience: Any, min_delta: Any, floor: Any, cooldown: Any,
    is_relative: Any, minimizes: Any,
) -> PlateauState:  # fmt: skip
    """The state after one more evaluation, of one series or of many."""
    b = state.best
    m, delta = jnp.asarray(m, b.dtype), jnp.asarray(min_delta, b.dtype)
    delta = jnp.where(is_relative & jnp.isfinite(b), delta * jnp.abs(b), jnp.where(is_relative, 0, delta))
    first = jnp.isnan(b) & ~jnp.isnan(m)  # any number improves on none
    better = jnp.where(minimizes, m < b - delta, m > b + delta) | first
    wait = jnp.where(better | (state.rest > 0), 0, state.wait + 1)
    falls = wait >= patience
    rate = jnp.maximum(state.rate * jnp.float32(factor), jnp.float32(floor))
    return PlateauState(
        best=jnp.where(better, m, b),
        wait=jnp.where(falls, 0, wait),
        rest=jnp.where(falls, cooldown, jnp.maximum(state.rest - 1, 0)),
        rate=jnp.where(falls, rate, state.rate),
    )
