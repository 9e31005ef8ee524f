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

import contextlib
import functools
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
import optax

from nnspec.checking import Requirement, checked
from nnspec.stepping import check_parameters
from nnspec.training._loop_data import epochs_of, examples, later, mean_of_means, outline
from nnspec.training._loop_devices import Batch, check_written, put, taken
from nnspec.training._loop_files import Place
from nnspec.training._loop_model import copied, merged, rate_of, split
from nnspec.training._loop_precision import start_of_scale
from nnspec.training._loop_step import Carry, Loss, Rule, measure, step
from nnspec.training._loop_watch import asked_to_end, look
from nnspec.training._shown import shown
from nnspec.training.early_stopping import EarlyStoppingState, early_stopping_start, early_stopping_update
from nnspec.training.loop_checkpoints import Checkpoints
from nnspec.training.loop_failures import Pending
from nnspec.training.loop_precision import MixedPrecision
from nnspec.training.scale import Devices

__all__ = ["Run", "evaluate", "fit"]

Count = Annotated[int, Requirement("1 or more", lambda value: value >= 1)]
Seed = Annotated[int, Requirement("0 or more", lambda value: value >= 0)]
Size = Annotated[int | None, Requirement("1 or more", lambda value: value is None or value >= 1)]
Record = dict[str, float]


class Run(NamedTuple):
    """What a run has come to.

    Attributes:
        model: the trained module or tree of parameters, the last or the best.
        optimizer_state: after the last step.
        history: a record for each epoch: ``epoch``, its number from 0; ``step``, the steps so far; ``loss`` and
            ``training NAME``, means over the examples of its steps; ``rate`` where the optimizer's state holds it
            (`optax.inject_hyperparams`); ``seconds``; ``validation loss`` and ``validation NAME``. NaN where no
            example counts [fit.no-mean][].
        losses: the loss of every step, before it, NaN where no example counts; [steps].
        metrics: the same for each of ``training_metrics``, by name; [steps].
        watched: early stopping's state after the last epoch.
        ended: why: all epochs are over; early stopping; or somebody asked the process to end.
    """

    model: Any
    optimizer_state: Any
    history: list[Record]
    losses: np.ndarray
    metrics: dict[str, np.ndarray]
    watched: EarlyStoppingState
    ended: Literal["epochs", "stop", "signal"] = "epochs"


@checked
def fit(
    loss: Loss,
    model: object,
    data: object,
    optimizer: optax.GradientTransformation,
    *,
    epochs: Count,
    batch_size: Size = None,
    seed: Seed = 0,
    validation: object = None,
    metrics: Mapping[str, Callable] | None = None,
    training_metrics: Mapping[str, Callable] | None = None,
    gradient: Callable[[Any], Any] | None = None,
    pieces: Count = 1,
    stop: Callable[[EarlyStoppingState, Any], EarlyStoppingState] | None = None,
    returned: Literal["last", "best"] = "last",
    precision: MixedPrecision | None = None,
    average: optax.GradientTransformation | None = None,
    devices: Devices | None = None,
    nonfinite: Literal["stop", "skip", "pass"] = "stop",
    checkpoints: Checkpoints | None = None,
    callbacks: Sequence[Callable[[Record, Any], None]] = (),
    progress: bool = True,
) -> Run:
    r"""Train a model: a step for each batch, every example once an epoch.

    With $\ell_i$ the loss of example $i$, $w_i$ its weight and $B$ the batch, a step is the optimizer's for the
    gradient of $\sum_{i \in B} w_i \ell_i / \sum_{i \in B} w_i$   [fit.steps][], [fit.pieces][], [fit.epoch][],
    [fit.returned][], [fit.repeatable][], [fit.resume][], [fit.nonfinite][],
    [fit.average][], [fit.metrics][], [fit.metrics-cost][]

    Args:
        loss: ``loss(model, *batch, key=key)`` gives the loss of each example, or a pair of these and their weights.
            For sequences it may be the loss of each token, [examples, tokens]; then tokens are counted, not examples.
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
        training_metrics: the same of the batches that are trained on, each before its step, in training mode and with
            the step's key.
        gradient: what becomes of the gradient before the optimizer gets it, for instance clipping.
        pieces: the parts in which a batch is computed, one after the other, to save memory; they divide the batch.
        stop: early stopping's rule, ``functools.partial(early_stopping_update, patience=5)``; after each epoch it gets
            its state and the validation loss.
        returned: whether the model of the last epoch comes back, or that of the best validation loss.
        precision: the loss and its backward pass in half precision; all in the dtypes of the weights without it.
        average: an average of the weights after each step, ``exponential_average(0.999)``; it is what is measured,
            handed to callbacks and returned. Steps go on from the weights themselves.
        devices: how many, and what each holds; one device without it.
        nonfinite: what a step is whose loss or gradient is NaN or infinite: the end of the run, none at all, or like
            any other.
        checkpoints: where the run is kept; it goes on from the last checkpoint there.
        callbacks: called after each epoch with its record and its model; ``csv_log(path)`` is one.
        progress: whether standard error shows how far it is: a bar in a terminal, else a line for each epoch.

    Returns:
        What the run has come to, as `Run`. After ctrl-C, or SIGTERM, what it has come to so far.

    Raises:
        NonFiniteError: a loss or gradient is NaN or infinite; the error holds the run before this step.
        ValueError: there are no examples, or arrays of unequal numbers of them; a count is out of its range; a loss
            that is not one number an example; early stopping, or the best model, without validation data; a
            checkpoint of another run; mixed precision for weights of half precision; devices that do not divide the
            batch.
        TypeError: the model has an array of no float dtype that is to be trained.

    Source: Goodfellow, Bengio and Courville 2016, algorithms 8.1 and 7.1.
    """
    if validation is None and (stop or metrics or returned == "best"):
        raise ValueError("fit: stop, metrics and the best model need validation data; hand over validation")
    if "loss" in {*(metrics or {}), *(training_metrics or {})}:
        raise ValueError("fit: a metric is called 'loss' as the loss itself is; use another name")
    given, total = epochs_of(data, epochs, batch_size, seed, pieces, devices)
    check_written(checkpoints, devices)
    graph, weights, rest = split(model, train=True)
    check_parameters("fit", weights)
    besides = tuple((training_metrics or {}).items())
    rule = Rule(loss, graph, optimizer, gradient, pieces, nonfinite, precision, average, devices, besides)
    averaged = () if average is None else (weights, average.init(weights))
    scale = start_of_scale(precision, weights)
    carry = Carry(weights, rest, optimizer.init(weights), jnp.array(False), scale, averaged)
    carry = copied(put(carry, devices))  # a step takes what it is handed
    at = Place(carry, 0, [], [], [], early_stopping_start(), measured={name: [] for name, _ in besides})
    counts = {"batch size": batch_size, "pieces": pieces, "seed": seed, "epochs": epochs}
    told: dict[str, Any] = {name: None if count is None else int(count) for name, count in counts.items()}
    told |= {"data": outline(data)}
    told |= {"precision": None if precision is None else str(precision)}
    told |= {"devices": None if devices is None else str(devices)}
    told |= {"validation": None if validation is None else outline(validation)}
    told |= {"training metrics": ", ".join(sorted(at.measured)) or None}
    at = at if checkpoints is None else at.restored(checkpoints, told)
    stop = stop or functools.partial(early_stopping_update, patience=epochs + 1)  # which none reaches
    ended, pending = "epochs", []

    def settle(left: int) -> None:
        """Look at all steps but the last ones, which may go on meanwhile."""
        while len(pending) > left:
            done = pending.pop(0)
            if (wrong := look(done, at.carry.weights)) and nonfinite == "stop":
                at.losses = at.losses[: wrong.step + 1]
                at.measured = {name: steps[: wrong.step + 1] for name, steps in at.measured.items()}
                wrong.run = result("nonfinite")._replace(model=merged(model, *at.carry[:2]))
                raise wrong
            mean, weight = map(np.asarray, at.seen[done.batch])  # while the next step goes on
            at.losses[done.step], at.seen[done.batch] = mean, (mean, weight)
            for steps in at.measured.values():
                steps[done.step] = np.asarray(jax.device_get(steps[done.step]))

    def current() -> Any:
        return at.carry.average[0] if average else at.carry.weights, at.carry.rest

    def result(ended: Any) -> Run:
        chosen = current() if returned == "last" or at.best is None else at.best
        losses = np.asarray(jax.device_get(at.losses))
        means = {name: np.array([mean for mean, _ in jax.device_get(steps)]) for name, steps in at.measured.items()}
        return Run(merged(model, *chosen), at.carry.state, at.history, losses, means, at.watched, ended)

    def keep() -> None:
        settle(0)
        if checkpoints is not None:
            at.save(checkpoints, told)

    with shown(epochs, total, progress and jax.process_index() == 0, len(at.losses)) as show, asked_to_end() as signals:
        while at.epoch < epochs and not at.watched.stopped:
            start = time.perf_counter()
            for rows, batch in _taken(given(at.epoch, len(at.seen)), keep):
                number = len(at.losses)
                at.carry, mean, weight, finite, measured = step(
                    at.carry, batch, np.int64(seed), np.uint32(number), rule
                )
                pending.append(Pending(number, at.epoch, len(at.seen), rows, batch, finite))
                at.losses.append(mean)
                at.seen.append((mean, weight))
                for name, steps in at.measured.items():
                    steps.append(measured[name])
                settle(1)
                show(at.losses)
                if signals:
                    break
                if checkpoints is not None and checkpoints.every and len(at.losses) % checkpoints.every == 0:
                    keep()
            if signals:
                ended = "signal"
                break
            if not at.seen:
                raise ValueError(f"fit: data gave no batch for epoch {at.epoch}; it has to give those of each epoch")
            settle(0)
            record = {"epoch": at.epoch, "step": len(at.losses), "loss": mean_of_means(at.seen)}
            record |= {f"training {name}": mean_of_means(m[-len(at.seen) :]) for name, m in at.measured.items()}
            record |= {**rate_of(at.carry.state), "seconds": time.perf_counter() - start}
            watched, best = at.watched, at.best
            with _kept_on_error(keep):
                trained = merged(model, *copied(current())) if callbacks or validation is not None else None
                if validation is not None:
                    asked = {"loss": loss, **(metrics or {})}
                    found = evaluate(trained, validation, asked, batch_size=batch_size, devices=devices)
                    record |= {f"validation {name}": value for name, value in found.items()}
                    watched = stop(at.watched, jnp.float32(found["loss"]))
                    best = split(trained, train=True)[1:] if watched.improved else at.best
                show(at.losses, record)
                for callback in callbacks:
                    callback(record, trained)
            at.history.append(record)
            at.epoch, at.seen, at.watched, at.best = at.epoch + 1, [], watched, best
            keep()
    keep()
    return result("stop" if at.watched.stopped else ended)


@checked
def evaluate(
    model: object,
    data: object,
    metrics: Mapping[str, Callable],
    *,
    batch_size: Size = None,
    devices: Devices | None = None,
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
        devices: on which a batch is looked at; one device without it.

    Returns:
        The mean of each metric; NaN where no example has a weight   [fit.no-mean][].

    Raises:
        ValueError: there are no examples, or arrays of unequal numbers of them; a metric that is not one number an
            example.

    Source: the mean over examples is not that of the means of batches, unless these are of one size.
    """
    if callable(data):
        given = later("evaluate", cast(Callable[[int], Iterable[Batch]], data), 0, 0, devices)
    else:
        arrays, size = examples("evaluate", data)
        cut = range(0, size, batch_size or size)
        given = (taken(arrays, np.arange(at, min(at + (batch_size or size), size)), devices) for at in cut)
    graph, weights, rest = split(model, train=False)
    measured = tuple(metrics.items())
    found = [measure(weights, rest, batch, measured, graph, devices) for batch in given]
    if not found:
        raise ValueError("evaluate: data gave no batch; there has to be an example")
    return {name: mean_of_means([of[name] for of in found]) for name in metrics}


@contextlib.contextmanager
def _kept_on_error(keep: Callable[[], None]) -> Iterator[None]:
    """Where something of the user's fails, the run is kept first."""
    try:
        yield
    except Exception:
        keep()
        raise


def _taken(given: Iterable[Any], keep: Callable[[], None]) -> Iterator[Any]:
    """The batches; where making one fails, the run is kept first."""
    source = iter(given)
    while True:
        with _kept_on_error(keep):
            batch = next(source, None)
        if batch is None:
            return
        yield batch
