"""The training loop where nothing counts: a mean of nothing is NaN, and no improvement."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from loops import EPOCHS, RULE, WEIGHTS, X, Y, changed, losses, same
from test_loop_logs import curves, table

from nnspec.training.early_stopping import early_stopping_update
from nnspec.training.loop import evaluate, fit
from nnspec.training.loop_logs import csv_log, event_log
from nnspec.training.loop_precision import MixedPrecision


def bad(weights, x, y, *, key):
    """A loss that is infinite where a batch is marked by a first label of infinity."""
    return losses(weights, x, jnp.nan_to_num(y, posinf=0), key=key) + jnp.where(jnp.isinf(y[0, 0]), jnp.inf, 0)


def given(epoch):
    """Two batches an epoch, both marked in epoch 1."""
    y = Y.copy()
    y[[0, 4], 0] = np.inf if epoch == 1 else 0
    return [(X[:4], y[:4]), (X[4:8], y[4:8])]


def without_weight(weights, x, y, *, key):
    """In training each example counts, in an evaluation none."""
    found = losses(weights, x, y, key=key)
    return found, jnp.full(len(x), 0.0 if key is None else 1.0)


def counted(weights, x, y, counts, *, key):
    """The loss of each example, and what it counts."""
    return losses(weights, x, y, key=key), counts


NO_MEAN = 'float("nan")'


def calls_it_zero(*given, **how):
    """The mean of nothing is 0, less than any loss."""
    return changed((NO_MEAN, "0.0"))(*given, **how)


def calls_it_infinite(*given, **how):
    """The mean of nothing is a number larger than any loss."""
    return changed((NO_MEAN, 'float("inf")'))(*given, **how)


def calls_a_step_zero(*given, **how):
    """The loss of a step in which no example counts is 0."""
    return changed(("jnp.where(weight == 0, jnp.nan, value)", "value"))(*given, **how)


def repeats_the_last(*given, **how):
    """An epoch in which nothing counts has the mean of the one before."""
    later = "m if (m := mean_of_means(at.seen)) == m or not at.history else at.history[-1]['loss']}"
    return changed(("mean_of_means(at.seen)}", later))(*given, **how)


def takes_it_for_the_best(*given, **how):
    """A validation loss that is NaN is an improvement."""
    return changed(('jnp.float32(found["loss"])', 'jnp.nan_to_num(jnp.float32(found["loss"]))'))(*given, **how)


@pytest.mark.statement(
    "fit.no-mean",
    of=fit,
    mutants=[calls_it_zero, calls_it_infinite, calls_a_step_zero, repeats_the_last, takes_it_for_the_best],
)
def test_a_mean_of_nothing_is_no_number_and_no_improvement(implementation, tmp_path, capsys):
    logs = [csv_log(tmp_path / "run.csv"), event_log(tmp_path / "events")]
    run = implementation(bad, WEIGHTS, given, RULE, epochs=EPOCHS, nonfinite="skip", callbacks=logs)
    for told in (run.history, table(tmp_path / "run.csv")):
        assert [np.isnan(record["loss"]) for record in told] == [False, True, False]
    assert [np.isnan(value) for _, value in curves(tmp_path / "events")["loss"]] == [False, True, False]
    shown = [line.partition("loss ")[2].partition(",")[0] for line in capsys.readouterr().err.splitlines()]
    assert [value == "nan" for value in shown] == [False, True, False]

    patient = functools.partial(early_stopping_update, patience=2)
    how = {"epochs": EPOCHS, "validation": (X, Y), "stop": patient, "progress": False, "returned": "best"}
    run = implementation(without_weight, WEIGHTS, lambda epoch: given(0), RULE, **how)
    assert [np.isnan(record["validation loss"]) for record in run.history] == [True, True]
    assert int(run.watched.best_at) == -1
    assert not same(run.model, WEIGHTS)  # there is no best model, so that the last one comes back

    batches = [(X[at : at + 4], Y[at : at + 4], np.full(4, at, np.float32)) for at in (0, 4)]
    for how in ({}, {"pieces": 2}, {"precision": MixedPrecision("bfloat16", loss_scale=4.0)}):
        run = implementation(counted, WEIGHTS, lambda epoch: batches, RULE, epochs=1, progress=False, **how)
        assert np.isnan(run.losses).tolist() == [True, False]
        assert run.history[0]["loss"] == run.losses[1]


def test_without_a_rule_no_validation_loss_ends_a_run():
    """Not even where none of them is a number."""
    run = fit(without_weight, WEIGHTS, lambda epoch: given(0), RULE, epochs=2, validation=(X, Y), progress=False)
    assert (run.ended, bool(run.watched.stopped)) == ("epochs", False)


def test_a_metric_of_examples_without_weight_is_no_number():
    assert np.isnan(evaluate(WEIGHTS, (X, Y), {"loss": without_weight}, batch_size=4)["loss"])


def test_a_step_that_is_left_out_has_a_key_of_its_own():
    """So that those behind it have the keys that they would have."""
    loss = lambda w, x, *, key: w * x * jax.random.uniform(key)  # noqa: E731
    given = [(np.float32([x]),) for x in (1, np.inf, 1)]
    run = fit(loss, jnp.float32(0), lambda epoch: given, optax.sgd(1.0), epochs=1, progress=False, nonfinite="skip")
    drawn = [jax.random.uniform(jax.random.fold_in(jax.random.key(0), number)) for number in (0, 2)]
    assert float(run.model) == pytest.approx(-float(sum(drawn)), rel=1e-6)
