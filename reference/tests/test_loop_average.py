"""The average of the weights: what is measured, what comes back, and what the steps go on from."""

import jax
import numpy as np
import pytest
from half_runs import CALM, HALF, ORDERS, RULE, STEPS, TAKEN, WEIGHTS, by_hand, losses, near, run_of
from loops import EPOCHS, HOW, X, Y, changed, equal

from nnspec.components.optimization import exponential_average
from nnspec.training.loop import evaluate, fit
from nnspec.training.loop_checkpoints import Checkpoints

MEAN = exponential_average(0.75)


def averaged_by_hand(after):
    state, update = MEAN.init(WEIGHTS), jax.jit(MEAN.update)
    for weights in after:
        average, state = update(weights, state)
    return average


def looks_at_the_weights(*given, **how):
    """Measured, and handed to callbacks, are the weights themselves."""
    return changed(("*copied(current())", "*copied(at.carry[:2])"))(*given, **how)


def returns_the_weights(*given, **how):
    """The last weights come back."""
    return changed(("chosen = current()", "chosen = at.carry[:2]"))(*given, **how)


def goes_on_from_the_average(*given, **how):
    """The next step begins at the average."""
    edit = ("_replace(weights=weights, rest", "_replace(weights=average[0] if average else weights, rest")
    return changed(edit)(*given, **how)


def averages_the_weights_before(*given, **how):
    """The average is that of the weights before each step."""
    return changed(("rule.average.update(cast(Any, weights)", "rule.average.update(before.weights"))(*given, **how)


def averages_what_was_left_out(*given, **how):
    """A step that was left out counts in the average."""
    edit = ("lambda before, g: before", "lambda before, g: before._replace(average=move(before, g).average)")
    return changed(edit)(*given, **how)


@pytest.mark.statement(
    "fit.average",
    of=fit,
    mutants=[
        looks_at_the_weights,
        returns_the_weights,
        goes_on_from_the_average,
        averages_the_weights_before,
        averages_what_was_left_out,
    ],
)
def test_an_average_is_measured_and_returned(implementation):
    run, _ = run_of(implementation, [(x,) for x in STEPS], average=MEAN)
    after = 1 - np.cumsum([x[0] * t for x, t in zip(STEPS, TAKEN, strict=True)])[TAKEN] * 2.0**-20
    shares = 0.25 * 0.75 ** np.arange(len(after))[::-1]
    assert float(run.model) == pytest.approx(shares @ after / shares.sum(), abs=1e-6)
    told = []
    plain = fit(losses, WEIGHTS, (X, Y), RULE, precision=HALF, **HOW)
    for returned in ("last", "best"):
        run = implementation(
            losses, WEIGHTS, (X, Y), RULE, precision=HALF, average=MEAN, validation=(X, Y), returned=returned,
            callbacks=[lambda record, model: told.append(model)], **HOW,
        )  # fmt: skip
        want = averaged_by_hand(by_hand()[0])
        np.testing.assert_array_equal(run.losses, plain.losses)
        for found in (run.model, told[-1]):  # the loss falls from epoch to epoch: the last one is the best
            assert near(found, want)
        measured = evaluate(run.model, (X, Y), {"loss": losses}, batch_size=4)["loss"]
        assert run.history[-1]["validation loss"] == measured


def test_a_run_with_an_average_goes_on_as_the_unbroken_one(tmp_path):
    def until(end):
        def data(epoch):
            for number in range(3 * epoch, 3 * epoch + 3):
                if number == end:
                    raise OSError
                rows = ORDERS[number][ORDERS[number] >= 0]
                yield X[rows], Y[rows]

        return data

    how = {"epochs": EPOCHS, "progress": False, "average": MEAN, "validation": (X, Y), "returned": "best"}
    with pytest.raises(OSError):
        fit(losses, WEIGHTS, until(4), RULE, checkpoints=Checkpoints(tmp_path), **how)
    run = fit(losses, WEIGHTS, until(-1), RULE, checkpoints=Checkpoints(tmp_path), **how)
    assert equal(run, fit(losses, WEIGHTS, until(-1), RULE, **how))


def test_the_run_of_an_error_holds_the_weights_themselves():
    given = [(CALM,), (CALM,), (CALM * np.inf,)]
    error, _ = run_of(fit, given, average=MEAN)
    assert float(error.run.model) == 1 - 2 * 2.0**-20
