"""Runs that are broken off by what is not theirs, data, callbacks, damage, and go on: no step is lost."""

import functools
import json
import warnings

import jax.numpy as jnp
import numpy as np
import pytest
from loops import EPOCHS, HOW, RULE, WEIGHTS, N, X, Y, changed, equal, losses, names

from nnspec.training._loop_files import SAME, Place
from nnspec.training.early_stopping import early_stopping_start
from nnspec.training.loop import fit
from nnspec.training.loop_checkpoints import Checkpoints
from nnspec.training.stochastic_gradient_descent import batches

ORDERS = np.asarray(batches(examples=N, batch_size=4, epochs=EPOCHS, seed=0)).reshape(-1, 4)
ROWS = [rows[rows >= 0] for rows in ORDERS]
BY_FUNCTION = {"epochs": EPOCHS, "progress": False}


# ------------------------------------------------------------------ data and callbacks that fail
def failing(step):
    """Batches until one that cannot be read."""

    def data(epoch):
        for number in range(3 * epoch, 3 * epoch + 3):
            if number == step:
                raise OSError("shard 7 is gone")
            yield X[ROWS[number]], Y[ROWS[number]]

    return data


def failing_validation(call):
    """Three batches of validation data; in a call the last one cannot be read."""
    calls = []

    def data(epoch):
        calls.append(epoch)
        yield from ((X[:4], Y[:4]), (X[4:8], Y[4:8]))
        if len(calls) == call:
            raise OSError("shard 7 is gone")
        yield X[8:], Y[8:]

    return data


def says_no_more(*given, **how):
    """The error comes as it is."""
    return changed(("error.add_note(", "str("))(*given, **how)


def loses_the_steps(*given, **how):
    """The run is not kept where data fail."""
    edit = ("with _kept_on_error(keep):\n            batch", "with contextlib.nullcontext():\n            batch")
    return changed(edit)(*given, **how)


def loses_the_epoch(*given, **how):
    """The run is not kept where the epoch is over, and what is done behind it fails."""
    edit = (
        "with _kept_on_error(keep):\n                trained",
        "with contextlib.suppress():\n                trained",
    )
    return changed(edit)(*given, **how)


def counts_an_epoch_twice(*given, **how):
    """Early stopping has counted an epoch that will be measured again."""
    return changed(("watched = stop(at.watched,", "at.watched = watched = stop(at.watched,"))(*given, **how)


@functools.cache
def whole(validation=False):
    looked = failing_validation(0) if validation else None
    return fit(losses, WEIGHTS, failing(-1), RULE, validation=looked, **BY_FUNCTION)


def broken_off(implementation, folder, data, **how):
    """The error by which a run was broken off."""
    with pytest.raises(OSError, match="shard 7 is gone") as caught:
        implementation(losses, WEIGHTS, data, RULE, checkpoints=Checkpoints(folder), **BY_FUNCTION | how)
    return caught.value


@pytest.mark.statement(
    "fit.data-error", of=fit, mutants=[says_no_more, loses_the_steps, loses_the_epoch, counts_an_epoch_twice]
)
def test_data_that_fail_say_where_and_the_run_goes_on_later(implementation, tmp_path):
    error = broken_off(implementation, tmp_path / "data", failing(5))
    assert getattr(error, "__notes__", []) == ["fit: data raised this for batch 2 of epoch 1, counted from 0"]
    assert (tmp_path / "data" / "epochs-000001-steps-0000000005").is_dir()
    made = []

    def data(epoch):
        for batch in failing(-1)(epoch):
            made.append(epoch)
            yield batch

    run = fit(losses, WEIGHTS, data, RULE, checkpoints=Checkpoints(tmp_path / "data"), **BY_FUNCTION)
    assert equal(run, whole())
    assert json.dumps(made) == json.dumps([1, 1, 1, 2, 2, 2])

    error = broken_off(implementation, tmp_path / "looked", failing(-1), validation=failing_validation(2))
    assert getattr(error, "__notes__", []) == ["evaluate: data raised this for batch 2, counted from 0"]
    assert names(tmp_path / "looked")[-1] == "epochs-000001-steps-0000000006"
    how = BY_FUNCTION | {"validation": failing_validation(0)}
    kept = Checkpoints(tmp_path / "looked")
    assert equal(fit(losses, WEIGHTS, failing(-1), RULE, checkpoints=kept, **how), whole(validation=True))

    told = []

    def callback(record, model):  # the epoch is not over before it, so that a table misses no row
        told.append(record["epoch"])
        if told == [0, 1]:
            raise OSError("shard 7 is gone")

    how |= {"callbacks": [callback]}
    broken_off(implementation, tmp_path / "told", failing(-1), **how)
    assert names(tmp_path / "told")[-1] == "epochs-000001-steps-0000000006"
    kept = Checkpoints(tmp_path / "told")
    assert equal(fit(losses, WEIGHTS, failing(-1), RULE, checkpoints=kept, **how), whole(validation=True))
    assert told == [0, 1, 1, 2]


def test_a_run_does_not_go_on_with_fewer_batches_than_it_has_seen(tmp_path):
    broken_off(fit, tmp_path, failing(5))
    wrong = "data gave 1 batches of epoch 1, and the run has made steps with 2 of them; hand over the data that it beg"
    with pytest.raises(ValueError, match=f"^fit: {wrong}") as caught:
        fit(losses, WEIGHTS, lambda epoch: [(X, Y)], RULE, checkpoints=Checkpoints(tmp_path), **BY_FUNCTION)
    assert "\n" not in str(caught.value)


# ------------------------------------------------------------------ the same run, and another one
def test_fewer_epochs_than_there_are_is_refused_in_one_line(tmp_path):
    """The run that is there has seen more than is asked for; it is not the one that would come back."""
    broken_off(fit, tmp_path, failing(4))
    with pytest.raises(ValueError, match=r"^fit: .* has 1 epochs and 1 steps behind it, more than epochs=1; ask") as e:
        fit(losses, WEIGHTS, failing(-1), RULE, checkpoints=Checkpoints(tmp_path), **BY_FUNCTION | {"epochs": 1})
    assert "\n" not in str(e.value)


def test_two_runs_in_one_folder_are_told(tmp_path):
    """A checkpoint that another run has written meanwhile is not taken for one's own."""
    given = losses, WEIGHTS, (X, Y), RULE
    kept = {"checkpoints": Checkpoints(tmp_path)}
    other = lambda record, model: record["epoch"] or fit(*given, seed=1, **kept, **HOW)  # noqa: E731
    told = r"^fit: .*epochs-00000[123]-steps-000000000[369] is there already, and not of this run: another one"
    with pytest.warns(RuntimeWarning, match=told) as said:
        fit(*given, callbacks=[other], **kept, **HOW)
    assert len(said) == 4  # three epochs, and the end


def test_counts_may_be_numbers_of_numpy(tmp_path):
    counts = {"batch_size": np.int64(4), "seed": np.int64(0), "epochs": np.int64(1), "pieces": np.int64(1)}
    run = fit(losses, WEIGHTS, (X, Y), RULE, checkpoints=Checkpoints(tmp_path), progress=False, **counts)
    kept = Checkpoints(tmp_path)
    assert equal(fit(losses, WEIGHTS, (X, Y), RULE, checkpoints=kept, **HOW | {"epochs": 1}), run)


def test_a_record_that_cannot_be_written_costs_a_warning(tmp_path):
    """A callback has put something into it that JSON does not know."""
    puts = lambda record, model: record.update(mine=jnp.float32(1))  # noqa: E731
    with pytest.warns(
        RuntimeWarning, match=r"^fit: epochs-000001-\S+ could not be written \(Object of type .*not JSON"
    ):
        run = fit(
            losses, WEIGHTS, (X, Y), RULE, checkpoints=Checkpoints(tmp_path), callbacks=[puts], **HOW | {"epochs": 1}
        )
    assert run.history[0]["mine"] == 1


def test_a_checkpoint_may_be_damaged_twice(tmp_path):
    """What was put aside the first time makes room."""
    kept = Checkpoints(tmp_path)
    for _ in range(3):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            run = fit(losses, WEIGHTS, (X, Y), RULE, checkpoints=kept, **HOW | {"epochs": 2})
        (tmp_path / "epochs-000002-steps-0000000006" / "record" / "metadata").unlink()
    assert names(tmp_path)[-1] == "epochs-000002-steps-0000000006.damaged"
    assert run.losses.shape == (6,)


def test_losses_of_float64_come_back_as_they_were(tmp_path):
    """They have more digits than those of float32."""
    told = dict.fromkeys(SAME) | {"epochs": 1}
    third, weight = np.float64(1) / 3, np.float32(2)
    empty = lambda: Place(jnp.float32(1), 0, [], [], [], early_stopping_start(), measured={"again": []})  # noqa: E731
    place = empty()
    place.losses, place.seen, place.measured = [third], [(third, weight)], {"again": [(third, weight)]}
    place.save(Checkpoints(tmp_path), told)
    again = empty().restored(Checkpoints(tmp_path), told)
    assert (again.losses, again.seen, again.measured["again"][0][0]) == ([third], [(third, weight)], third)
