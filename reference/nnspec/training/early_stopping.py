r"""Early stopping: when to end training, and which parameters to keep.

`early_stopping` answers for a whole series of metrics, `early_stopping_update` for one evaluation in a training loop.

Examples:
    >>> import jax.numpy as jnp
    >>> found = early_stopping(jnp.array([3.0, 2.0, 1.0, 1.5, 1.5, 1.5]), patience=2)
    >>> print(found["stopped"], found["best"], found["returned"])
    4 2 2
    >>> state = early_stopping_start()
    >>> for loss in (3.0, 1.0, 2.0):
    ...     state = early_stopping_update(state, loss, patience=1)
    >>> print(state.stopped, state.best_at)
    True 1
"""

from typing import Annotated, Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from nnspec.checking import Requirement, checked

__all__ = ["EarlyStoppingState", "early_stopping", "early_stopping_start", "early_stopping_update"]

Patience = Annotated[int | Int[Array, ""], Requirement("1 or more", lambda value: value >= 1)]
Delta = Annotated[float, Requirement("zero or positive", lambda value: value >= 0)]
Count = Annotated[int | Int[Array, ""], Requirement("0 or more", lambda value: value >= 0)]
Mode = Literal["min", "max"]
Missing = Literal["counted", "stops"]


class EarlyStoppingState(NamedTuple):
    """What early stopping knows after some evaluations; a tree of scalars that `jax.jit` takes.

    Attributes:
        best: the best metric, or the baseline as long as nothing improved on it; NaN where there is neither.
        best_at: the number of the best evaluation, from 0; -1 where there is none.
        wait: the evaluations without improvement since then.
        evaluations: how many there were, those of the warm-up included.
        improved: whether the last evaluation was an improvement, so that its parameters are to be kept.
        stopped: whether training is to stop; it stays so.
    """

    best: Float[Array, "*batch"]
    best_at: Int[Array, "*batch"]
    wait: Int[Array, "*batch"]
    evaluations: Int[Array, "*batch"]
    improved: Bool[Array, "*batch"]
    stopped: Bool[Array, "*batch"]


@checked
def early_stopping_start(baseline: Float[Array, ""] | None = None, *, dtype: Any = jnp.float32) -> EarlyStoppingState:
    """Begin to watch a training run.

    Args:
        baseline: a metric that the first evaluations have to improve on; without it any number is an improvement.
        dtype: in which metrics are compared, a float dtype.

    Returns:
        The state before the first evaluation; see [early-stopping.baseline-role][].

    Source: Goodfellow, Bengio and Courville 2016, algorithm 7.1.
    """
    best = jnp.asarray(jnp.nan if baseline is None else baseline, dtype)
    none, zero, no = jnp.asarray(-1), jnp.asarray(0), jnp.asarray(False)
    return EarlyStoppingState(best, none, zero, zero, no, no)


@checked
def early_stopping_update(
    state: EarlyStoppingState,
    metric: Float[Array, ""],
    *,
    patience: Patience,
    min_delta: Delta = 0.0,
    mode: Mode = "min",
    warmup: Count = 0,
    nan: Missing = "counted",
) -> EarlyStoppingState:
    r"""Take one evaluation into account.

    With $m$ = ``metric``, $b$ = ``state.best``, $\delta$ = ``min_delta`` and $w$ = ``state.wait``: where
    $m < b - \delta$, $b$ becomes $m$ and $w$ becomes 0; else $w$ grows by 1, and training stops where it is
    ``patience``   [early-stopping.min-delta][], [early-stopping.stop][]

    Args:
        state: of `early_stopping_start`, or of the evaluation before.
        metric: the value on validation data, in any unit.
        patience: how many evaluations in a row may bring no improvement, at least 1.
        min_delta: what an improvement has to be larger than, at least 0, in units of the metric.
        mode: whether smaller or larger metrics are better.
        warmup: how many evaluations at the start are not looked at.
        nan: whether a metric that is NaN counts as no improvement, or stops training at once.

    Returns:
        The state after it; after a stop nothing but the number of evaluations changes.

    Raises:
        ValueError: a number is out of its range, or a word is none of those above.
        TypeError: the metric is no number of a float dtype.

    Source: Goodfellow, Bengio and Courville 2016, algorithm 7.1.
    """
    return _updated(state, metric, patience, min_delta, warmup, mode == "min", nan == "stops")


@checked
def early_stopping(
    metrics: Float[Array, "*batch evaluations"],
    baseline: Float[Array, ""] | None = None,
    *,
    patience: Patience,
    min_delta: Delta = 0.0,
    mode: Mode = "min",
    warmup: Count = 0,
    nan: Missing = "counted",
) -> dict[str, Int[Array, "*batch"]]:
    """Say where each series of metrics stops, which evaluation is its best, and whose parameters come back.

    Each step is `early_stopping_update`   [early-stopping.stop][], [early-stopping.returned][]

    Args:
        metrics: the values on validation data, one an evaluation, in any unit.
        baseline: a metric that the first evaluations have to improve on.
        patience: how many evaluations in a row may bring no improvement, at least 1.
        min_delta: what an improvement has to be larger than, at least 0, in units of the metric.
        mode: whether smaller or larger metrics are better.
        warmup: how many evaluations at the start are not looked at.
        nan: whether a metric that is NaN counts as no improvement, or stops training at once.

    Returns:
        ``stopped``, ``best`` and ``returned``, the numbers of evaluations, counted from 0. The first two are -1 where
        there is none; where no evaluation is the best, the last one that was made is returned.

    Raises:
        ValueError: a number is out of its range, or a word is none of those above.
        TypeError: the metrics are of no float dtype.

    Source: Goodfellow, Bengio and Courville 2016, algorithm 7.1.
    """
    start = early_stopping_start(baseline, dtype=metrics.dtype)
    return _watched(metrics, start, patience, min_delta, warmup, mode == "min", nan == "stops")


@jax.jit
def _watched(metrics: Array, start: EarlyStoppingState, *rule: Any) -> dict[str, Array]:
    """A scan over the evaluations, of all series at once."""
    state = jax.tree.map(lambda x: jnp.broadcast_to(x, metrics.shape[:-1]), start)

    def step(state: EarlyStoppingState, m: Array) -> tuple[EarlyStoppingState, Array]:
        state = _updated(state, m, *rule)
        return state, state.stopped

    state, stopped = jax.lax.scan(step, state, jnp.moveaxis(metrics, -1, 0))
    end = metrics.shape[-1] - 1
    at = jnp.where(state.stopped, end + 1 - stopped.sum(0), -1)  # the flag stays up from the stop on
    last = jnp.where(state.stopped, at, end)
    return {"stopped": at, "best": state.best_at, "returned": jnp.where(state.best_at < 0, last, state.best_at)}


@jax.jit
def _updated(
    state: EarlyStoppingState, m: Any, patience: Any, min_delta: Any, warmup: Any, minimizes: Any, stops_at_nan: Any
) -> EarlyStoppingState:
    """The state after one more evaluation, of one series or of many."""
    b = state.best
    m, delta = jnp.asarray(m, b.dtype), jnp.asarray(min_delta, b.dtype)
    better = jnp.where(minimizes, m < b - delta, m > b + delta)
    first = jnp.isnan(b) & ~jnp.isnan(m)  # any number improves on none
    looked_at = ~state.stopped & (state.evaluations >= warmup)
    improved = looked_at & (better | first)
    wait = jnp.where(improved, 0, state.wait + looked_at)
    out = (wait >= patience) | (stops_at_nan & jnp.isnan(m))
    return EarlyStoppingState(
        best=jnp.where(improved, m, b),
        best_at=jnp.where(improved, state.evaluations, state.best_at),
        wait=wait,
        evaluations=state.evaluations + 1,
        improved=improved,
        stopped=state.stopped | (looked_at & out),
    )
