r"""The training loop: steps over batches, epochs over the data, and what is known after each.

The loop takes a loss by example, so that every mean is one over examples, however the batches are cut. Its parts are
those of other pages: `batches` says which examples a step sees, and `early_stopping_update` when it is enough.

Examples:
    >>> import jax.numpy as jnp
    >>> from nnspec.components.optimization import gradient_descent
    >>> x, y = jnp.array([1.0, 2.0]), jnp.array([1.0, 3.0])
    >>> def loss(w, x, y, *, key):
    ...     return (w * x - y) ** 2 / 2
    >>> run = fit(loss, jnp.array(0.0), (x, y), gradient_descent(0.2), epochs=5, batch_size=2, progress=False)
    >>> print(run.model)
    1.35625
    >>> print([round(record["loss"], 4) for record in run.history])
    [2.5, 0.6625, 0.2031, 0.0883, 0.0596]
"""

import functools
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jaxtyping import Array

from nnspec.checking import Requirement, checked
from nnspec.stepping import check_parameters
from nnspec.training._shown import shown
from nnspec.training.early_stopping import EarlyStoppingState, early_stopping_start, early_stopping_update
from nnspec.training.stochastic_gradient_descent import batches

__all__ = ["Run", "evaluate", "fit"]

Count = Annotated[int, Requirement("1 or more", lambda value: value >= 1)]
Size = Annotated[int | None, Requirement("1 or more", lambda value: value is None or value >= 1)]
Loss = Callable[..., Any]  # loss(model, *batch, key=key): one number an example, or these and their weights
Batch = tuple[Any, ...]
Record = dict[str, float]


class Run(NamedTuple):
    """What a run has come to.

    Attributes:
        model: the trained module or tree of parameters, the last or the best.
        optimizer_state: after the last step.
        history: a record for each epoch: its number from 0, the steps so far, means over the examples, the rate where
            the optimizer's state holds it (`optax.inject_hyperparams`), and seconds.
        losses: the loss of every step, before it; [steps].
        watched: early stopping's state after the last epoch.
    """

    model: Any
    optimizer_state: Any
    history: list[Record]
    losses: np.ndarray
    watched: EarlyStoppingState


@checked
def fit(
    loss: Loss,
    model: object,
    data: object,
    optimizer: optax.GradientTransformation,
    *,
    epochs: Count,
    batch_size: Size = None,
    seed: int = 0,
    validation: object = None,
    metrics: Mapping[str, Callable] | None = None,
    gradient: Callable[[Any], Any] | None = None,
    pieces: Count = 1,
    stop: Callable[[EarlyStoppingState, Any], EarlyStoppingState] | None = None,
    returned: Literal["last", "best"] = "last",
    callbacks: Sequence[Callable[[Record, Any], None]] = (),
    progress: bool = True,
) -> Run:
    r"""Train a model: a step for each batch, every example once an epoch.

    With $\ell_i$ the loss of example $i$, $w_i$ its weight and $B$ the batch, a step is the optimizer's for the
    gradient of $\sum_{i \in B} w_i \ell_i / \sum_{i \in B} w_i$   [fit.steps][], [fit.pieces][], [fit.epoch][],
    [fit.returned][], [fit.repeatable][]

    Args:
        loss: ``loss(model, *batch, key=key)`` gives the loss of each example, or a pair of these and their weights.
            The key is one of `jax.random` in training, another one for each step, and None in an evaluation.
        model: a Flax NNX module, or a tree of arrays of float dtypes. It is left as it is.
        data: arrays with the examples along their first axes, as a tuple; or a function that gives the batches of an
            epoch, such tuples, by its number.
        optimizer: any gradient transformation; it holds the learning rate and its schedule.
        epochs: passes over the data, at least 1.
        batch_size: examples of a step, from 1 to their number; the last batch of an epoch may be short. Not for a
            function, which makes its own batches.
        seed: of the orders and of the keys, at least 0.
        validation: arrays, or a function, that are looked at after each epoch.
        metrics: functions as ``loss`` is one, by name, of the validation data.
        gradient: what becomes of the gradient before the optimizer gets it, for instance clipping.
        pieces: the parts in which a batch is computed, one after the other, to save memory; they divide the batch.
        stop: early stopping's rule, ``functools.partial(early_stopping_update, patience=5)``; after each epoch it gets
            its state and the validation loss.
        returned: whether the model of the last epoch comes back, or that of the best validation loss.
        callbacks: called after each epoch with its record and its model, in evaluation mode.
        progress: whether standard error shows how far it is: a bar in a terminal, else a line for each epoch.

    Returns:
        What the run has come to, as `Run`.

    Raises:
        ValueError: there are no examples, or arrays of unequal numbers of them; a count is out of its range; a loss
            that is not one number an example; early stopping, or the best model, without validation data.
        TypeError: the model has an array of no float dtype that is to be trained.

    Source: Goodfellow, Bengio and Courville 2016, algorithms 8.1 and 7.1.
    """
    if validation is None and (stop or metrics or returned == "best"):
        raise ValueError("fit: stop, metrics and the best model need validation data; hand over validation")
    given, total = _epochs(data, epochs, batch_size, seed, pieces)
    graph, weights, rest = _split(model, train=True)
    check_parameters("fit", weights)
    carry = _copied((weights, rest, optimizer.init(weights)))  # a step takes what it is handed
    stop = stop or functools.partial(early_stopping_update, patience=epochs)
    key, watched = jax.random.key(seed), early_stopping_start()
    history, losses, best = [], [], None
    with shown(epochs, total, progress) as show:
        for epoch in range(epochs):
            seen, start = [], time.perf_counter()
            for batch in given(epoch):
                now = jax.random.fold_in(key, len(losses))
                carry, mean, weight = _step(carry, batch, now, loss, graph, optimizer, gradient, pieces)
                losses.append(mean)
                seen.append((mean, weight))
                show(len(losses))
            if not seen:
                raise ValueError(f"fit: data gave no batch for epoch {epoch}; it has to give those of each epoch")
            record = {"epoch": epoch, "step": len(losses), "loss": _mean(seen), **_rate(carry[2])}
            record["seconds"] = time.perf_counter() - start
            trained = _merged(model, *_copied(carry[:2]))
            if validation is not None:
                found = evaluate(trained, validation, {"loss": loss, **(metrics or {})}, batch_size=batch_size)
                record |= {f"validation {name}": value for name, value in found.items()}
                watched = stop(watched, jnp.float32(found["loss"]))
                best = trained if watched.improved else best
            history.append(record)
            show(len(losses), record)
            for callback in callbacks:
                callback(record, trained)
            if watched.stopped:
                break
    chosen = trained if returned == "last" or best is None else best
    return Run(chosen, carry[2], history, np.asarray(jax.device_get(losses)), watched)


@checked
def evaluate(
    model: object, data: object, metrics: Mapping[str, Callable], *, batch_size: Size = None
) -> dict[str, float]:
    r"""Measure a model: the mean of each metric over all examples, however they are cut into batches.

    With $m_i$ the metric of example $i$ and $w_i$ its weight: $\sum_i w_i m_i / \sum_i w_i$   [evaluate.mean][],
    [evaluate.state][]

    Args:
        model: a Flax NNX module, or a tree of arrays; a module is in evaluation mode, and nothing of it changes.
        data: arrays with the examples along their first axes, as a tuple; or a function that gives such batches by the
            number 0.
        metrics: functions ``metric(model, *batch, key=None)`` by name; each gives one number an example, or a pair of
            these and their weights.
        batch_size: examples that are looked at together; all of them where it is left out, or larger.

    Returns:
        The mean of each metric.

    Raises:
        ValueError: there are no examples, or arrays of unequal numbers of them; a metric that is not one number an
            example.

    Source: the mean over examples is not that of the means of batches, unless these are of one size.
    """
    if callable(data):
        given = cast(Iterable[Batch], data(0))
    else:
        arrays, size = _examples("evaluate", data)
        cut = range(0, size, batch_size or size)
        given = (_rows(arrays, np.arange(at, min(at + (batch_size or size), size))) for at in cut)
    graph, weights, rest = _split(model, train=False)
    measured = tuple(metrics.items())
    found = [_measure(weights, rest, batch, measured, graph) for batch in given]
    if not found:
        raise ValueError("evaluate: data gave no batch; there has to be an example")
    return {name: _mean([of[name] for of in found]) for name in metrics}


# ------------------------------------------------------------------ what is compiled
@functools.partial(jax.jit, static_argnums=(3, 4, 5, 6, 7), donate_argnums=0)
def _step(
    carry: tuple,
    batch: Batch,
    key: Array,
    loss: Loss,
    graph: Any,
    optimizer: optax.GradientTransformation,
    gradient: Callable[[Any], Any] | None,
    pieces: int,
) -> tuple[tuple, Array, Array]:
    """The weights, the rest of the model and the optimizer's state after a step; the mean loss before, its weight."""
    weights, rest, state = carry

    def mean(weights: Any, rest: Any, batch: Batch, key: Array) -> tuple[Array, tuple]:
        model = _join(graph, weights, rest)
        total, weight = _mean_of(loss(model, *batch, key=key), batch, "fit: the loss")
        return total, (weight, _rest(graph, model, rest))

    differentiated = jax.value_and_grad(mean, has_aux=True)
    if pieces == 1:
        (value, (weight, rest)), g = differentiated(weights, rest, batch, key)
    else:
        value, weight, rest, g = _in_pieces(differentiated, weights, rest, batch, key, pieces)
    updates, state = optimizer.update(g if gradient is None else gradient(g), state, weights)
    return (optax.apply_updates(weights, updates), rest, state), value, weight


def _in_pieces(
    differentiated: Callable, weights: Any, rest: Any, batch: Batch, key: Array, pieces: int
) -> tuple[Array, Array, Any, Any]:
    """The mean over the batch from the means over its pieces, each counting with its weight."""
    size = jax.tree.leaves(batch)[0].shape[0]
    length = -(-size // pieces)  # examples of a piece
    whole = size // length

    def add(sums: tuple, piece: tuple) -> tuple[tuple, None]:
        number, batch = piece
        value, weight, rest, g = sums
        (mean, (w, rest)), one = differentiated(weights, rest, batch, jax.random.fold_in(key, number))
        g = jax.tree.map(lambda s, x: s + (w * x).astype(s.dtype), g, one)
        return (value + w * mean, weight + w, rest, g), None

    zero = jnp.zeros([])
    sums = (zero, zero, rest, jax.tree.map(jnp.zeros_like, weights))
    equal = jax.tree.map(lambda a: a[: whole * length].reshape(whole, length, *a.shape[1:]), batch)
    sums, _ = jax.lax.scan(add, sums, (jnp.arange(whole), equal))
    if size > whole * length:
        sums, _ = add(sums, (jnp.asarray(whole), jax.tree.map(lambda a: a[whole * length :], batch)))
    value, weight, rest, g = sums
    over = jnp.where(weight == 0, 1, weight)
    return value / over, weight, rest, jax.tree.map(lambda s: (s / over).astype(s.dtype), g)


@functools.partial(jax.jit, static_argnums=(3, 4))
def _measure(
    weights: Any, rest: Any, batch: Batch, metrics: tuple[tuple[str, Callable], ...], graph: Any
) -> dict[str, tuple[Array, Array]]:
    """The mean of each metric over a batch, and its weight; what a call changes in the model is left behind."""
    means = {}
    for name, metric in metrics:
        found = metric(_join(graph, weights, rest), *batch, key=None)
        means[name] = _mean_of(found, batch, f"evaluate: the metric {name}")
    return means


def _mean_of(found: Any, batch: Batch, what: str) -> tuple[Array, Array]:
    """The mean of numbers by example, or of numbers and their weights; and what it weighs."""
    numbers, weights = found if isinstance(found, tuple) else (found, None)
    numbers, size = jnp.asarray(numbers), jax.tree.leaves(batch)[0].shape[0]
    if (
        numbers.ndim == 0
        or numbers.shape[0] != size
        or jnp.shape(numbers if weights is None else weights) != numbers.shape
    ):
        came = numbers.shape if weights is None else f"{numbers.shape} and weights {jnp.shape(weights)}"
        raise ValueError(f"{what} has the shape {came} for {size} examples; return one number for each, and no mean")
    numbers = numbers.astype(jnp.promote_types(numbers.dtype, jnp.float32))  # also of booleans
    if weights is None:
        return numbers.mean(), jnp.float32(numbers.size)
    weights = jnp.asarray(weights, numbers.dtype)
    total = weights.sum()
    return (weights * numbers).sum() / jnp.where(total == 0, 1, total), total.astype(jnp.float32)


# ------------------------------------------------------------------ a model and its parts
def _split(model: Any, *, train: bool) -> tuple[Any, Any, Any]:
    """What a module is but for its arrays, with its mode; its parameters; its other arrays. A tree has neither."""
    if not isinstance(model, nnx.Module):
        return None, jax.tree.map(jnp.asarray, model), ()
    copy = nnx.clone(model)
    copy.train() if train else copy.eval()
    graph, weights, rest = nnx.split(copy, nnx.Param, ...)
    return graph, weights, rest


def _join(graph: Any, weights: Any, rest: Any) -> Any:
    """The model again; of a module with new variables, which may only be changed in the program that made them."""
    return weights if graph is None else nnx.merge(graph, *jax.tree.map(lambda x: x, (weights, rest)))


def _rest(graph: Any, model: Any, rest: Any) -> Any:
    """The other arrays after a call, such as running statistics and the counts of keys."""
    return rest if graph is None else nnx.split(model, nnx.Param, ...)[2]


def _merged(model: Any, weights: Any, rest: Any) -> Any:
    """A model like the one that was handed over, in its mode, with these arrays."""
    return weights if not isinstance(model, nnx.Module) else nnx.merge(nnx.split(model)[0], weights, rest)


def _copied(tree: Any) -> Any:
    return jax.tree.map(jnp.copy, tree)


def _rate(state: Any) -> Record:
    """The learning rate, where the optimizer's state holds it."""
    parts = jax.tree.leaves(state, is_leaf=lambda part: hasattr(part, "hyperparams"))
    rates = [part.hyperparams.get("learning_rate") for part in parts if hasattr(part, "hyperparams")]
    known = [float(rate) for rate in rates if rate is not None]
    return {"rate": known[0]} if known else {}


# ------------------------------------------------------------------ data
def _epochs(
    data: Any, epochs: int, batch_size: int | None, seed: int, pieces: int
) -> tuple[Callable[[int], Iterable[Batch]], int | None]:
    """A function that gives the batches of an epoch, and the steps of all epochs where they are known."""
    if callable(data):
        if batch_size is not None:
            raise ValueError("fit: data is a function, which makes its own batches; leave batch_size out")
        return cast(Callable[[int], Iterable[Batch]], data), None
    arrays, size = _examples("fit", data)
    batch_size = batch_size or size
    if batch_size % pieces:
        raise ValueError(f"fit: pieces={pieces} do not divide batch_size={batch_size}; use one of its divisors")
    orders = np.asarray(batches(examples=size, batch_size=batch_size, epochs=epochs, seed=seed))
    return lambda epoch: (_rows(arrays, rows[rows >= 0]) for rows in orders[epoch]), orders.shape[0] * orders.shape[1]


def _examples(operation: str, data: Any) -> tuple[Batch, int]:
    """The arrays, on the host, and how many examples they hold."""
    arrays = jax.tree.map(np.asarray, data)
    leaves = jax.tree.leaves(arrays)
    sizes = [a.shape[0] if a.ndim else None for a in leaves]
    if not isinstance(data, tuple) or not sizes or None in sizes:
        raise ValueError(f"{operation}: data must be a tuple of arrays with the examples along their first axes")
    if len(set(sizes)) > 1:
        raise ValueError(f"{operation}: the arrays of data hold {sizes} examples; all must hold as many")
    if sizes[0] == 0:
        raise ValueError(f"{operation}: data has no examples; hand over at least one")
    return arrays, leaves[0].shape[0]


def _rows(arrays: Batch, rows: np.ndarray) -> Batch:
    return jax.tree.map(lambda a: a[rows], arrays)


def _mean(seen: list[tuple[Any, Any]]) -> float:
    """The mean of means, each of which counts with its weight, in float64."""
    means, weights = np.asarray(jax.device_get(seen), np.float64).T
    return float((means * weights).sum() / max(weights.sum(), np.finfo(float).tiny))
