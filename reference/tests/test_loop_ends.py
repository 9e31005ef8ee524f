"""The training loop: means are over examples, the run ends when it is asked to, and wrong calls are refused."""

import contextlib
import functools
import re
from pathlib import Path
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from loops import BATCH, EPOCHS, HOW, RULE, WEIGHTS, N, X, Y, changed, losses, output, same, weighted

from nnspec.training.adam import adam
from nnspec.training.early_stopping import early_stopping, early_stopping_update
from nnspec.training.gradient_clipping import clip_by_global_norm
from nnspec.training.loop import evaluate, fit
from nnspec.training.loop_checkpoints import Checkpoints
from nnspec.training.stochastic_gradient_descent import batches

PAGE = Path(__file__).resolve().parents[2] / "spec" / "training" / "loop.md"


# ------------------------------------------------------------------ measurements
NO_RATE = optax.sgd(0.0)  # so that the training loss is that of the start, too


def means_of_batches(implementation):
    """The validation loss and the training loss of the last epoch, as a run measures them."""
    run = implementation(weighted, WEIGHTS, (X, Y), NO_RATE, validation=(X[1:], Y[1:]), **HOW)
    return run.history[-1]["validation loss"], run.history[-1]["loss"]


def averages_batches(*given, **how):
    """The mean of the batches' means."""
    return changed(("(np.where(weights > 0, means, 0) * weights).sum() / counted", "means.mean()"))(*given, **how)


def drops_the_last_of_an_evaluation(*given, **how):
    """An evaluation looks at whole batches only."""
    edit = (
        "cut = range(0, size, batch_size or size)",
        "cut = range(0, size - (batch_size or size) + 1, batch_size or size)",
    )
    return changed(edit)(*given, **how)


def counts_examples(*given, **how):
    """Examples count the same, whatever their weights."""
    return changed(("total = weights.sum()", "weights = jnp.ones_like(weights)\n    total = weights.sum()"))(
        *given, **how
    )


@pytest.mark.statement(
    "evaluate.mean", of=fit, mutants=[averages_batches, drops_the_last_of_an_evaluation, counts_examples]
)
def test_a_metric_is_the_mean_over_examples_by_weight(implementation):
    found = jax.jit(functools.partial(weighted, key=None))(WEIGHTS, X, Y)
    values, weights = (np.asarray(x, np.float64) for x in found)
    want = np.average(values[1:], weights=weights[1:]), np.average(values, weights=weights)
    np.testing.assert_allclose(means_of_batches(implementation), want, rtol=1e-6)


@pytest.mark.parametrize("batch_size", [1, 5, 12, 50, None])
def test_a_metric_does_not_depend_on_the_batch_size(batch_size):
    found = evaluate(WEIGHTS, (X, Y), {"loss": losses}, batch_size=batch_size)
    assert found["loss"] == pytest.approx(float(np.mean(losses(WEIGHTS, X, Y, key=None))), rel=1e-6)


# ------------------------------------------------------------------ the end
VALID = (X, Y[::-1])  # other labels: their loss falls, and rises again
LONG = {"epochs": 12, "batch_size": BATCH, "progress": False, "validation": VALID}
FAST = adam(0.05)
PATIENT = functools.partial(early_stopping_update, patience=2)


def stops_one_later(*given, **how):
    """One more epoch is made."""
    start = ("ended, pending =", "over, ended, pending = False,")
    later = ("and not at.watched.stopped:", "and not over:\n            over = bool(at.watched.stopped)")
    return changed(start, later)(*given, **how)


def looks_at_the_training_loss(*given, **how):
    """Early stopping gets the loss that is trained on."""
    return changed(('jnp.float32(found["loss"])', 'jnp.float32(record["loss"])'))(*given, **how)


def never_stops(*given, **how):
    """The rule is asked, and not obeyed."""
    return changed(("and not at.watched.stopped:", "and at.watched.stopped is not None:"))(*given, **how)


def calls_it_the_last_epoch(*given, **how):
    """The run says that all epochs are over."""
    return changed(('result("stop" if at.watched.stopped else ended)', "result(ended)"))(*given, **how)


@pytest.mark.statement(
    "fit.stop",
    of=fit,
    mutants=[stops_one_later, looks_at_the_training_loss, never_stops, calls_it_the_last_epoch],
)
def test_a_run_ends_when_early_stopping_says(implementation):
    whole = fit(losses, WEIGHTS, (X, Y), FAST, **LONG)
    assert len(whole.history) == 12
    series = jnp.array([record["validation loss"] for record in whole.history])
    stopped = int(early_stopping(series, patience=2)["stopped"])
    assert 2 <= stopped < 11
    run = implementation(losses, WEIGHTS, (X, Y), FAST, stop=PATIENT, **LONG)
    assert (len(run.history), run.ended, whole.ended) == (stopped + 1, "stop", "epochs")
    assert run.watched.best == series.min()


def returns_the_last(*given, **how):
    """The weights of the last epoch come back, whatever is asked."""
    return fit(*given, **how | {"returned": "last"})


def keeps_the_first(*given, **how):
    """The first weights that were an improvement are kept."""
    return changed(("[1:] if watched.improved else at.best", "[1:] if at.best is None else at.best"))(*given, **how)


def keeps_the_next(*given, **how):
    """Kept are the weights of the epoch before."""
    before = ("trained = merged", "late, trained = trained if at.history else model, merged")
    return changed(before, ("best = split(trained,", "best = split(late,"))(*given, **how)


def keeps_the_one_that_stops(*given, **how):
    """The weights of the epoch after which the run stops are kept."""
    edit = ("[1:] if watched.improved else at.best", "[1:] if watched.improved | watched.stopped else at.best")
    return changed(edit)(*given, **how)


@pytest.mark.statement(
    "fit.returned", of=fit, mutants=[returns_the_last, keeps_the_first, keeps_the_next, keeps_the_one_that_stops]
)
def test_the_best_or_the_last_model_comes_back(implementation):
    found = {
        returned: implementation(losses, WEIGHTS, (X, Y), FAST, returned=returned, stop=PATIENT, **LONG)
        for returned in ("best", "last")
    }
    told = np.array([record["validation loss"] for record in found["best"].history])
    measured = {
        name: evaluate(run.model, VALID, {"loss": losses}, batch_size=BATCH)["loss"] for name, run in found.items()
    }
    assert 0 < told.argmin() < len(told) - 1
    assert measured == {"best": told.min(), "last": told[-1]}


# ------------------------------------------------------------------ what else can be handed over
def test_the_program_of_the_page_learns_whether_two_signs_agree(capsys):
    text = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[0]
    names: dict = {}
    exec(compile(text, str(PAGE), "exec"), names)  # the text of our own page
    run = names["run"]
    assert min(record["validation loss"] for record in run.history) < 0.2
    assert "validation loss" in capsys.readouterr().out


@pytest.mark.parametrize("pieces", [1, 2])
def test_gradients_are_clipped_before_the_optimizer_gets_them(pieces):
    """The gradient of the batch: those of its pieces are not clipped, so that their mean is as long as asked."""
    clip, how = functools.partial(clip_by_global_norm, limit=1e-3), {"epochs": 1, "progress": False}
    run = fit(losses, WEIGHTS, (X[:8], Y[:8]), optax.sgd(1.0), gradient=clip, pieces=pieces, **how)
    moved = [np.square(np.asarray(run.model[name]) - np.asarray(x)).sum() for name, x in WEIGHTS.items()]
    assert sum(moved) ** 0.5 == pytest.approx(1e-3, rel=1e-3)


def test_a_function_gives_the_batches_of_an_epoch():
    orders = np.asarray(batches(examples=N, batch_size=BATCH, epochs=EPOCHS, seed=0))
    given = lambda epoch: ((X[rows[rows >= 0]], Y[rows[rows >= 0]]) for rows in orders[epoch])  # noqa: E731
    run = fit(losses, WEIGHTS, given, RULE, epochs=EPOCHS, progress=False)
    assert same(run.model, fit(losses, WEIGHTS, (X, Y), RULE, **HOW).model)


def test_records_hold_metrics_and_the_rate():
    told = []
    rule = optax.inject_hyperparams(optax.sgd)(learning_rate=lambda count: 1 / (1 + count))

    def error(weights, x, y, *, key):
        return jnp.abs(output(weights, x) - y).max(-1), 1 + jnp.abs(x[:, 0])

    run = fit(
        weighted, WEIGHTS, (X, Y), rule, validation=VALID, metrics={"error": error},
        callbacks=[lambda record, model: told.append((record["epoch"], model))], **HOW,
    )  # fmt: skip
    assert [(record["epoch"], record["step"]) for record in run.history] == [(0, 3), (1, 6), (2, 9)]
    assert [record["rate"] for record in run.history] == pytest.approx([1 / 3, 1 / 6, 1 / 9])  # of the last step
    numbers, weights = jax.jit(functools.partial(error, key=None))(run.model, *VALID)
    want = np.average(numbers, weights=weights)
    assert run.history[-1]["validation error"] == pytest.approx(want, rel=1e-6)
    assert [epoch for epoch, _ in told] == [0, 1, 2]
    assert same(told[-1][1], run.model)


def test_a_batch_without_weight_moves_nothing():
    nothing = lambda weights, x, y, *, key: (losses(weights, x, y, key=key), jnp.zeros(len(x)))  # noqa: E731
    for pieces in (1, 2):
        assert same(fit(nothing, WEIGHTS, (X, Y), optax.sgd(1.0), pieces=pieces, **HOW).model, WEIGHTS)


def test_lines_where_there_is_no_terminal(capsys):
    fit(losses, WEIGHTS, (X, Y), RULE, validation=VALID, **HOW | {"progress": True})
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in lines] == [f"epoch {n} of 3" for n in (1, 2, 3)]
    assert all("validation loss" in line and "seconds" in line for line in lines)


def test_a_bar_in_a_terminal(capsys):
    terminal = mock.patch("nnspec.training._shown.Console", functools.partial(loop_console, force_terminal=True))
    with contextlib.ExitStack() as stack:
        stack.enter_context(terminal)
        fit(losses, WEIGHTS, (X, Y), RULE, **HOW | {"progress": True})
    assert "epoch 3 of 3" in capsys.readouterr().err


def loop_console(**how):
    from rich.console import Console

    return Console(**how, width=120)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"data": (X[:0], Y[:0])}, r"^fit: data has no examples"),
        ({"data": (X, Y[:3])}, r"^fit: the arrays of data hold \[12, 3\] examples"),
        ({"data": ()}, r"^fit: data must be a tuple of arrays"),
        ({"data": (X, np.float32(1))}, r"^fit: data must be a tuple of arrays"),
        ({"data": X}, r"^fit: data must be a tuple of arrays"),
        ({"data": lambda epoch: []}, r"^fit: data is a function, which makes its own batches"),
        ({"data": lambda epoch: [], "batch_size": None}, r"^fit: data gave no batch for epoch 0"),
        ({"batch_size": 0}, r"^fit: batch_size must be 1 or more, got 0"),
        ({"batch_size": 13}, r"^fit: batch_size=13, but data has 12 examples; use 12 or less$"),
        ({"epochs": 0}, r"^fit: epochs must be 1 or more, got 0"),
        ({"pieces": 3}, r"^fit: pieces=3 do not divide batch_size=4"),
        ({"seed": -1}, r"^fit: seed must be 0 or more, got -1"),
        ({"seed": -1, "data": lambda epoch: [(X, Y)], "batch_size": None}, r"^fit: seed must be 0 or more, got -1"),
        ({"loss": lambda *given, key: losses(*given, key=key).mean()}, r"^fit: the loss has the shape \(\) for 4 exam"),
        ({"loss": lambda *given, key: losses(*given, key=key)[:2]}, r"^fit: the loss has the shape \(2,\) for 4 exam"),
        ({"loss": lambda *given, key: (losses(*given, key=key), jnp.ones(2))}, r"and weights \(2,\) for 4 examples"),
        ({"loss": lambda *given, key: None}, r"^fit: the loss is NoneType; return one number for each example"),
        ({"loss": lambda *given, key: (losses(*given, key=key),) * 3}, r"^fit: the loss is 3 things; return one num"),
        ({"loss": lambda *given, key: losses(*given, key=key) > 0}, r"^fit: the loss has the dtype bool, which has no"),
        ({"metrics": {"f": lambda *given, key: 1.0}, "validation": VALID}, r"^evaluate: the metric f has the sh"),
        ({"metrics": {"f": lambda *given, key: jnp.ones(2)}, "validation": VALID}, r"^evaluate: the metric f has th"),
        ({"metrics": {"f": lambda *given, key: "good"}, "validation": VALID}, r"^evaluate: the metric f is str; "),
        ({"metrics": {"loss": losses}, "validation": VALID}, r"^fit: a metric is called 'loss' as the loss itself"),
        ({"training_metrics": {"loss": losses}}, r"^fit: a metric is called 'loss' as the loss itself is; use another"),
        ({"training_metrics": {"f": lambda *given, key: 1.0}}, r"^fit: the metric f has the shape \(\) for 4 examples"),
        ({"validation": (X, Y[:3])}, r"^evaluate: the arrays of data hold \[12, 3\] examples"),
        ({"validation": lambda epoch: []}, r"^evaluate: data gave no batch"),
        ({"stop": PATIENT}, r"^fit: stop, metrics and the best model need validation data"),
        ({"returned": "best"}, r"^fit: stop, metrics and the best model need validation data"),
        ({"returned": "worst"}, r"^fit: returned .*'worst'"),
        ({"model": {}}, r"^fit: the tree of parameters is empty"),
    ],
)  # fmt: skip
def test_wrong_calls_are_refused_in_one_line(change, message):
    given = {"loss": losses, "model": WEIGHTS, "data": (X, Y), "optimizer": RULE} | HOW | change
    with pytest.raises(ValueError, match=message) as caught:
        fit(**given)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("batch", "came"),
    [
        (X, "ndarray"),
        ((), "[]"),
        ((X, Y[:3]), "[(12, 3), (3, 2)]"),
        ((X[:0], Y[:0]), "[(0, 3), (0, 2)]"),
        ((X, np.float32(1)), "[(12, 3), ()]"),
    ],
)
def test_what_is_no_batch_is_refused_in_one_line(batch, came):
    wrong = f"must be a tuple of arrays with as many examples each, got {came}"
    how = {"epochs": 1, "progress": False}
    with pytest.raises(ValueError, match=f"^fit: batch 1 of epoch 0 {re.escape(wrong)}$"):
        fit(losses, WEIGHTS, lambda epoch: [(X, Y), batch], RULE, **how)
    with pytest.raises(ValueError, match=f"^evaluate: batch 1 {re.escape(wrong)}$"):
        evaluate(WEIGHTS, lambda epoch: [(X, Y), batch], {"loss": losses})


def test_an_evaluation_of_no_examples_at_a_time_is_refused():
    with pytest.raises(ValueError, match=r"^evaluate: batch_size must be 1 or more, got 0"):
        evaluate(WEIGHTS, (X, Y), {"loss": losses}, batch_size=0)


def test_integers_are_no_parameters():
    with pytest.raises(TypeError, match=r"^fit: parameters of dtype int32, expected a float dtype$"):
        fit(losses, {"kernel": jnp.arange(3)}, (X, Y), RULE, **HOW)


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(ValueError, match=r"^fit: .*file is a file; checkpoints need a folder$"):
        fit(losses, WEIGHTS, (X, Y), RULE, checkpoints=Checkpoints(tmp_path / "file"), **HOW)
