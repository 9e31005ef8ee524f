"""Bad runs: numbers that are none, somebody who wants the run to end, data that fail."""

import functools
import signal
import threading
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from loops import (
    EPOCHS,
    HOW,
    RULE,
    WEIGHTS,
    N,
    Network,
    X,
    Y,
    arrays,
    changed,
    losses,
    names,
    of_a_module,
    same,
)

from nnspec.training import loop
from nnspec.training.gradient_clipping import clip_by_global_norm
from nnspec.training.loop import fit
from nnspec.training.loop_checkpoints import Checkpoints
from nnspec.training.loop_failures import NonFiniteError
from nnspec.training.stochastic_gradient_descent import batches

ORDERS = np.asarray(batches(examples=N, batch_size=4, epochs=EPOCHS, seed=0)).reshape(-1, 4)
ROWS = list(ORDERS)
MARK = 100.0  # of an example whose loss, or gradient, is none


@jax.custom_vjp
def bad_slope(x, bad):
    """The numbers themselves; the derivative by the first one is NaN if it is said to be bad."""
    return x


def back(bad, g):
    return g.at[(0,) * g.ndim].multiply(jnp.where(bad, jnp.nan, 1)), None


bad_slope.defvjp(lambda x, bad: (x, bad), back)


@functools.cache
def bad_loss_at(value, kernel="kernel_0"):
    """A loss that is infinite for batches with a marked example, or whose gradient is NaN."""

    def loss(weights, x, y, *, key):
        marked = (x == MARK).any()
        if value == "loss":
            return losses(weights, x * (x != MARK), y, key=key) + jnp.where(marked, jnp.inf, 0)
        bad = weights | {kernel: bad_slope(weights[kernel], marked)}
        return losses(bad, x * (x != MARK), y, key=key)

    return loss


def marked(step):
    """Batches of the run, with a mark in the one of a step."""

    def data(epoch):
        for number in range(3 * epoch, 3 * epoch + 3):
            x = X[ROWS[number]].copy()
            x[0, 0] = MARK if number == step else x[0, 0]
            yield x, Y[ROWS[number]]

    return data


@functools.partial(jax.jit, static_argnums=4)
def step_by_hand(weights, state, x, y, rule):
    g = jax.grad(lambda w: losses(w, x, y, key=None).mean())(weights)
    updates, state = rule.update(g, state, weights)
    return optax.apply_updates(weights, updates), state


def by_hand(steps, rule=RULE):
    """The weights after some of the run's steps."""
    weights, state = WEIGHTS, rule.init(WEIGHTS)
    for number in steps:
        weights, state = step_by_hand(weights, state, X[ROWS[number]], Y[ROWS[number]], rule)
    return weights


def near(one, other):
    return all(
        np.allclose(a, b, rtol=1e-5, atol=1e-6) for a, b in zip(*map(jax.tree.leaves, (one, other)), strict=True)
    )


# ------------------------------------------------------------------ NaN
def updates_anyway(*given, **how):
    """The weights after the step are kept."""
    edit = ("jax.lax.cond(taken, move", "jax.lax.cond(True, move")
    return changed(edit)(*given, **how)


def looks_at_the_loss_alone(*given, **how):
    """NaN in a gradient is not noticed."""
    return changed(("for x in (value, *jax.tree.leaves(g))", "for x in (value, *([value] * len(jax.tree.leaves(g))))"))(
        *given, **how
    )


def asks_for_one_finite_number(*given, **how):
    """A gradient is good if one of its numbers is finite."""
    return changed((".astype(jnp.uint8).min(initial=1)", ".astype(jnp.uint8).max(initial=0)"))(*given, **how)


def names_the_step_after(*given, **how):
    """The number of the step is that of the next one."""
    return changed(("wrong.run = result", "wrong.step += 1; wrong.run = result"))(*given, **how)


def lets_the_next_step_go_on(*given, **how):
    """The step that was begun meanwhile moves the weights."""
    return changed(('"pass")) & ~carry.halted', '"pass"))'))(*given, **how)


@pytest.mark.statement(
    "fit.nonfinite",
    of=fit,
    mutants=[
        updates_anyway,
        looks_at_the_loss_alone,
        asks_for_one_finite_number,
        names_the_step_after,
        lets_the_next_step_go_on,
    ],
)
def test_a_nan_ends_the_run_and_says_where(implementation):
    for what, step in (("loss", 4), ("gradient", 4), ("gradient", 0)):
        told = None
        try:
            implementation(bad_loss_at(what), WEIGHTS, marked(step), RULE, epochs=EPOCHS, progress=False)
        except NonFiniteError as error:
            told = error
        assert told is not None, what
        assert (told.step, told.epoch, told.batch) == (step, step // 3, step % 3)
        assert (told.leaves == ["['kernel_0']"]) == (what == "gradient")
        assert ("infinite loss" in str(told)) == (what == "loss")
        assert told.examples[0][0, 0] == MARK
        assert near(told.run.model, by_hand(range(step)))
        assert len(told.run.losses) == step + 1
        assert told.run.ended == "nonfinite"
        assert "\n" not in str(told)


def test_the_rows_of_arrays_are_told_and_the_step_can_be_made_again():
    x = np.where(np.arange(N)[:, None] == 7, MARK, X).astype(np.float32)
    loss = bad_loss_at("gradient", "bias_1")
    with pytest.raises(
        NonFiniteError, match=r"gradient of \['bias_1'\]; error.run holds .* error.rows the exa"
    ) as caught:  # that of the others is finite before it is clipped
        fit(loss, WEIGHTS, (x, Y), RULE, gradient=functools.partial(clip_by_global_norm, limit=1.0), **HOW)
    error = caught.value
    assert 7 in error.rows
    assert np.array_equal(error.rows, ROWS[error.step])
    key = jax.random.fold_in(jax.random.key(0), error.step)
    g = jax.jit(jax.grad(lambda w: loss(w, *error.examples, key=key).mean()))(error.run.model)
    assert np.isnan(g["bias_1"]).any()


BY_NORM = optax.chain(optax.clip_by_global_norm(0.5), optax.sgd(0.1, momentum=0.9))  # takes sums


def moves_before_it_skips(*given, **how):
    """Only the optimizer's state is left as it was."""
    edit = ("lambda before, g: before", "lambda before, g: before._replace(weights=move(before, g).weights)")
    return changed(edit)(*given, **how)


def moves_where_sums_are_taken(*given, **how):
    """A step is never left out where the optimizer takes sums."""
    return changed(("jax.lax.cond(taken, lambda new, old: new", "jax.lax.cond(True, lambda new, old: new"))(
        *given, **how
    )


def keeps_its_statistics(*given, **how):
    """What a bad step left in the model's other arrays stays there."""
    return changed(("lambda before, g: before", "lambda before, g: before._replace(rest=rest)"))(*given, **how)


def counts_what_it_skips(*given, **how):
    """A step that is left out counts in the mean of the epoch."""
    edit = ("jnp.where(taken, weight, 0)", "weight")
    weighed = ("np.where(weights > 0, means, 0)", "np.nan_to_num(means, posinf=0)")
    return changed(edit, weighed)(*given, **how)


def stops_for_good(*given, **how):
    """After one such step none is made."""
    return changed(('~fine & (rule.nonfinite == "stop")', "~fine"))(*given, **how)


@pytest.mark.statement(
    "fit.skip",
    of=fit,
    mutants=[
        moves_before_it_skips,
        moves_where_sums_are_taken,
        keeps_its_statistics,
        counts_what_it_skips,
        stops_for_good,
    ],
)
def test_a_step_can_be_left_out(implementation):
    how = {"epochs": EPOCHS, "progress": False, "nonfinite": "skip"}
    for what, rule in (("loss", RULE), ("gradient", BY_NORM)):
        run = implementation(bad_loss_at(what), WEIGHTS, marked(4), rule, **how)
        assert near(run.model, by_hand([0, 1, 2, 3, 5, 6, 7, 8], rule=rule))
        others = run.losses[[3, 5]].mean()
        assert run.history[1]["loss"] == pytest.approx(others, rel=1e-6)
    good = [(X[rows], Y[rows]) for rows in ROWS[:2]]
    bad = good[0][0], np.full_like(good[0][1], np.inf)
    runs = [
        implementation(of_a_module, Network(), lambda epoch, given=given: given, RULE, **how | {"epochs": 1})
        for given in ([good[0], bad, good[1]], good)
    ]
    assert same(*(arrays(run.model) for run in runs))


def test_no_checkpoint_is_kept_of_a_bad_step(tmp_path):
    """The fifth step is bad; there would be a checkpoint of it, and the run could not go on."""
    how = {"epochs": EPOCHS, "progress": False, "checkpoints": Checkpoints(tmp_path, every=5)}
    with pytest.raises(NonFiniteError):
        fit(bad_loss_at("loss"), WEIGHTS, marked(4), RULE, **how)
    assert names(tmp_path) == ["epochs-000001-steps-0000000003"]
    run = fit(bad_loss_at("loss"), WEIGHTS, marked(-1), RULE, **how)
    assert near(run.model, by_hand(range(9)))


def test_numbers_pass_where_that_is_asked():
    run = fit(bad_loss_at("gradient"), WEIGHTS, marked(4), RULE, epochs=EPOCHS, progress=False, nonfinite="pass")
    assert np.isnan(run.model["kernel_0"]).all()
    assert len(run.losses) == 9


@pytest.mark.parametrize(("nonfinite", "asked"), [("stop", True), ("skip", True), ("pass", False)])
def test_where_numbers_pass_no_step_asks_whether_they_are_finite(nonfinite, asked):
    rule = loop.Rule(losses, None, RULE, None, 1, nonfinite, None, None, None)
    carry = loop.Carry(WEIGHTS, (), RULE.init(WEIGHTS), jnp.array(False))
    text = loop.step.lower(carry, (X[:4], Y[:4]), np.int64(0), np.uint32(0), rule).as_text()
    assert ("is_finite" in text) == asked


# ------------------------------------------------------------------ somebody wants it to end
CALLS = {"at": 0, "made": 0, "signal": signal.SIGINT}


def called(weights, x, y, *, key):
    """The loss; at a call that is set the process gets a signal."""
    jax.debug.callback(call, ordered=True)
    return losses(weights, x, y, key=key)


def call():
    CALLS["made"] += 1
    if CALLS["made"] == CALLS["at"]:
        signal.raise_signal(CALLS["signal"])


@pytest.fixture
def interruptible():
    """Python's own answer to ctrl-C; a process that a shell has put into the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def keeps_nothing(*given, **how):
    """What was done since the last checkpoint is lost."""
    return changed(('    keep()\n    return result("stop"', '    return result("stop"'))(*given, **how)


def ends_with_the_epoch(*given, **how):
    """The steps of the epoch are made first."""
    return changed(("if signals:\n                    break\n                if", "if"))(*given, **how)


def calls_it_the_end(*given, **how):
    """The run says that all epochs are over."""
    return changed(('ended = "signal"', 'ended = "epochs"'))(*given, **how)


@pytest.mark.statement("fit.signal", of=fit, mutants=[keeps_nothing, ends_with_the_epoch, calls_it_the_end])
def test_a_signal_ends_the_run_with_what_there_is(implementation, interruptible, tmp_path):
    for number, nonfinite in ((signal.SIGINT, "stop"), (signal.SIGTERM, "skip")):
        before = signal.getsignal(number)
        CALLS.update(at=4, made=0, signal=number)
        kept = Checkpoints(tmp_path / number.name)
        run = implementation(called, WEIGHTS, (X, Y), RULE, checkpoints=kept, nonfinite=nonfinite, **HOW)
        jax.effects_barrier()
        steps = len(run.losses)
        assert run.ended == "signal"
        assert 4 <= steps < 6
        assert near(run.model, by_hand(range(steps)))
        assert [record["epoch"] for record in run.history] == [0]
        assert (tmp_path / number.name / f"epochs-000001-steps-{steps:010}").is_dir()
        assert signal.getsignal(number) == before


@pytest.mark.parametrize("nonfinite", ["stop", "skip", "pass"])
def test_no_more_than_two_steps_are_begun(nonfinite):
    """When a batch is asked for, all steps but the last one are over, however long they take."""
    begun, over, step = [], [], loop.step

    def slow(weights, x, y, *, key):
        last = jax.lax.fori_loop(0, 3_000, lambda _, z: jnp.sin(z), x.sum())
        return losses(weights, x, y, key=key) + 0 * last

    def noted(*given):
        begun.append(step(*given))
        return begun[-1]

    def data(epoch):
        for rows in ROWS[:3] * 2:
            over.append(all(mean.is_ready() for _, mean, *_ in begun[:-1]))
            yield X[rows], Y[rows]

    with mock.patch.object(loop, "step", noted):
        fit(slow, WEIGHTS, data, RULE, epochs=1, progress=False, nonfinite=nonfinite)
    assert over == [True] * 6


def test_a_second_signal_is_obeyed_at_once(interruptible):
    CALLS.update(at=2, made=0, signal=signal.SIGINT)

    def data(epoch):
        for rows in ROWS[:3]:
            yield X[rows], Y[rows]
            jax.effects_barrier()
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        fit(losses, WEIGHTS, data, RULE, epochs=1, progress=False)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_signal_that_is_ignored_stays_so(interruptible):
    """A shell ignores ctrl-C for what runs in the background."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    CALLS.update(at=2, made=0, signal=signal.SIGINT)
    assert fit(called, WEIGHTS, (X, Y), RULE, **HOW).ended == "epochs"
    jax.effects_barrier()
    assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN


def test_another_thread_can_train():
    found = []
    thread = threading.Thread(target=lambda: found.append(fit(losses, WEIGHTS, (X, Y), RULE, **HOW)))
    thread.start()
    thread.join()
    assert same(found[0].model, fit(losses, WEIGHTS, (X, Y), RULE, **HOW).model)
