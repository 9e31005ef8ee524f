"""What is compiled of a run: a step, and a measurement; and the mean by example that both take."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array

from nnspec.training._loop_devices import Batch, gathered, in_shares, kept, spread
from nnspec.training._loop_model import join, rest_of
from nnspec.training._loop_precision import lowered, moved, raised, scaled, unscaled
from nnspec.training.loop_precision import MixedPrecision
from nnspec.training.scale import Devices

__all__: list[str] = []

Loss = Callable[..., Any]  # loss(model, *batch, key=key): one number an example, or these and their weights
Means = dict[str, tuple[Array, Array]]  # of metrics by name, and what they weigh


class Carry(NamedTuple):
    """What a step hands to the next."""

    weights: Any
    rest: Any  # the other arrays of the model
    state: Any  # of the optimizer
    halted: Array  # whether a step was NaN or infinite that ends the run; none after it changes anything
    scale: Any = ()  # of the loss, where it has one
    average: Any = ()  # of the weights, and its state, where there is one


class Rule(NamedTuple):
    """What all steps of a run have in common."""

    loss: Loss
    graph: Any
    optimizer: optax.GradientTransformation
    gradient: Callable[[Any], Any] | None
    pieces: int
    nonfinite: str
    precision: MixedPrecision | None
    average: optax.GradientTransformation | None
    devices: Devices | None
    metrics: tuple[tuple[str, Callable], ...] = ()  # of the batch, beside the loss


@functools.partial(jax.jit, static_argnums=4, donate_argnums=0)
def step(carry: Carry, batch: Batch, seed: Any, count: Any, rule: Rule) -> tuple[Carry, Array, Array, Array, Means]:
    """What the next step gets; the mean loss before this one, its weight, what of it is finite, and other means.

    Its key is made of the run's seed and of the number of steps before it.
    """
    weights, rest, key = carry.weights, carry.rest, jax.random.fold_in(jax.random.key(seed), count)

    def mean(weights: Any, rest: Any, batch: Batch, key: Array) -> tuple[Array, tuple]:
        low, rounded = lowered(weights, rule.precision), lowered(batch, rule.precision)
        model = join(rule.graph, low, rest)
        found = rule.loss(model, *rounded, key=key)
        total, weight = mean_of(found, batch, "fit: the loss", trained=True)
        changed = raised(rest_of(rule.graph, model, rest), rest, rule.precision)
        measured = {}
        for name, metric in rule.metrics:  # of the same arrays, so that XLA computes once what both have in common
            found = metric(join(rule.graph, jax.lax.stop_gradient(low), rest), *rounded, key=key)
            measured[name] = mean_of(found, batch, f"fit: the metric {name}")
        return scaled(total, carry.scale), ((total, weight, measured), changed)

    differentiated = jax.value_and_grad(mean, has_aux=True)

    def gradients(weights: Any, rest: Any, batch: Batch, key: Array) -> tuple[tuple, Any, Any]:
        if rule.pieces > 1:
            return _in_pieces(differentiated, weights, rest, batch, key, rule)
        (_, (found, rest)), g = differentiated(weights, rest, batch, key)
        return found, rest, g

    given = gathered(weights, rule.devices), gathered(rest, rule.devices)
    found, rest, g = gathered(in_shares(gradients, rule.devices)(*given, batch, key), rule.devices)
    value, weight, measured = found
    g = unscaled(g, carry.scale)
    passes = rule.nonfinite == "pass" and carry.scale == ()  # so that nobody asks what is finite
    tested = [jnp.array(True) if passes else _finite(x) for x in (value, *jax.tree.leaves(g))]
    finite = gathered(jnp.stack(tested), rule.devices)
    told = jnp.where(weight == 0, jnp.nan, value)  # where no example counts there is no mean
    measured = {name: (jnp.where(w == 0, jnp.nan, m), w) for name, (m, w) in measured.items()}

    def move(before: Carry, g: Any) -> Carry:
        g = g if rule.gradient is None else rule.gradient(g)
        updates, state = rule.optimizer.update(g, before.state, before.weights)
        weights = optax.apply_updates(before.weights, updates)
        average = () if rule.average is None else rule.average.update(cast(Any, weights), before.average[1])
        return before._replace(weights=weights, rest=rest, state=state, average=average)

    if passes:
        return kept(move(carry, g), rule.devices), told, weight, finite, measured
    excused, scale = jnp.array(False), carry.scale
    if rule.precision is not None and scale != ():
        excused, scale = moved(scale, finite, rule.precision.period)
        finite = finite | excused
    fine = (finite.all() | (rule.nonfinite == "pass")) & ~carry.halted
    taken = fine & ~excused
    # In a branch weights and state move where they lie, and are rounded as without one. Sums may be taken in another
    # order there; where the optimizer takes some, the branch chooses behind it, and copies.
    if _adds_up(jax.make_jaxpr(move)(carry, g).jaxpr):
        after = jax.lax.cond(taken, lambda new, old: new, lambda new, old: old, move(carry, g), carry)
    else:
        after = jax.lax.cond(taken, move, lambda before, g: before, carry, g)
    scale = jax.tree.map(lambda new, old: jnp.where(fine, new, old), scale, carry.scale)
    halted = ~fine & (rule.nonfinite == "stop")
    after = kept(after._replace(halted=halted, scale=scale), rule.devices)
    measured = {name: (m, jnp.where(taken, w, 0)) for name, (m, w) in measured.items()}
    return after, told, jnp.where(taken, weight, 0), finite, measured


def _finite(x: Array) -> Array:
    """Whether all numbers are finite; as bytes, since XLA compares many of these at a time, and truth values singly."""
    return jnp.isfinite(x).astype(jnp.uint8).min(initial=1) == 1


def _adds_up(jaxpr: Any) -> bool:
    """Whether a program takes sums, or anything else along an axis."""
    for equation in jaxpr.eqns:
        inner = [part for value in equation.params.values() for part in jax.tree.leaves(value)]
        if {"axes", "axis", "dimension_numbers"} & equation.params.keys():
            return True
        if any(_adds_up(part.jaxpr) for part in inner if hasattr(part, "jaxpr")):
            return True
    return False


def _in_pieces(
    differentiated: Callable, weights: Any, rest: Any, batch: Batch, key: Array, rule: Rule
) -> tuple[tuple, Any, Any]:
    """The mean over the batch from the means over its pieces, each counting with its weight."""
    size = jax.tree.leaves(batch)[0].shape[0]
    length = -(-size // rule.pieces)  # examples of a piece
    whole = size // length

    def add(sums: tuple, piece: tuple) -> tuple[tuple, None]:
        number, batch = piece
        value, weight, measured, rest, g = sums
        own = jax.random.fold_in(key, number)
        (_, ((mean, w, means), rest)), one = differentiated(weights, rest, batch, own)
        g = jax.tree.map(lambda s, x: s + (w * x), g, one)
        measured = {name: (measured[name][0] + v * m, measured[name][1] + v) for name, (m, v) in means.items()}
        return (value + w * mean, weight + w, measured, rest, g), None

    zero = jnp.zeros([])
    nothing = {name: (zero, zero) for name, _ in rule.metrics}
    wide = lambda x: jnp.zeros(x.shape, jnp.promote_types(x.dtype, jnp.float32))  # noqa: E731 - sums may overflow
    sums = (zero, zero, nothing, rest, jax.tree.map(wide, weights))
    equal = jax.tree.map(lambda a: a[: whole * length].reshape(whole, length, *a.shape[1:]), batch)
    sums, _ = jax.lax.scan(add, sums, (jnp.arange(whole), spread(equal, rule.devices)))
    if size > whole * length:
        sums, _ = add(sums, (jnp.asarray(whole), jax.tree.map(lambda a: a[whole * length :], batch)))
    value, weight, measured, rest, g = sums
    over = jnp.where(weight == 0, 1, weight)
    measured = {name: (total / jnp.where(w == 0, 1, w), w) for name, (total, w) in measured.items()}
    g = jax.tree.map(lambda s, x: (s / over).astype(x.dtype), g, weights)
    return (value / over, weight, measured), rest, g


@functools.partial(jax.jit, static_argnums=(3, 4, 5))
def measure(
    weights: Any,
    rest: Any,
    batch: Batch,
    metrics: tuple[tuple[str, Callable], ...],
    graph: Any,
    devices: Devices | None,
) -> dict[str, tuple[Array, Array]]:
    """The mean of each metric over a batch, and its weight; what a call changes in the model is left behind."""
    means, (weights, rest) = {}, gathered((weights, rest), devices)
    for name, metric in metrics:
        found = metric(join(graph, weights, rest), *batch, key=None)
        means[name] = mean_of(found, batch, f"evaluate: the metric {name}")
    return gathered(means, devices)


def mean_of(found: Any, batch: Batch, what: str, *, trained: bool = False) -> tuple[Array, Array]:
    """The mean of numbers by example, or of numbers and their weights; and what it weighs."""
    numbers, weights = found if isinstance(found, tuple) and len(found) == 2 else (found, None)
    if not hasattr(numbers, "shape") and not isinstance(numbers, float | int | list):
        came = f"{len(numbers)} things" if isinstance(numbers, tuple) else type(numbers).__name__
        raise ValueError(f"{what} is {came}; return one number for each example, or these and their weights")
    numbers, size = jnp.asarray(numbers), jax.tree.leaves(batch)[0].shape[0]
    if (
        numbers.ndim == 0
        or numbers.shape[0] != size
        or jnp.shape(numbers if weights is None else weights) != numbers.shape
    ):
        came = numbers.shape if weights is None else f"{numbers.shape} and weights {jnp.shape(weights)}"
        raise ValueError(f"{what} has the shape {came} for {size} examples; return one number for each, and no mean")
    if trained and not jnp.issubdtype(numbers.dtype, jnp.floating):
        raise ValueError(f"{what} has the dtype {numbers.dtype}, which has no gradient; return floating-point numbers")
    numbers = numbers.astype(jnp.promote_types(numbers.dtype, jnp.float32))  # also of booleans
    if weights is None:
        return numbers.mean(), jnp.float32(numbers.size)
    weights = jnp.asarray(weights, numbers.dtype)
    total = weights.sum()
    return (weights * numbers).sum() / jnp.where(total == 0, 1, total), total.astype(jnp.float32)
