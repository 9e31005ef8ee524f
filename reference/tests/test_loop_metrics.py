"""Metrics of the training batches: means by step and by epoch, in the one compiled step."""

import functools
import re
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from loops import (
    BATCH,
    EPOCHS,
    HOW,
    WEIGHTS,
    N,
    Network,
    X,
    Y,
    arrays,
    changed,
    equal,
    losses,
    of_a_module,
    output,
    same,
    weighted,
)

from nnspec.training.dropout import dropout
from nnspec.training.loop import fit
from nnspec.training.loop_checkpoints import Checkpoints
from nnspec.training.loop_failures import NonFiniteError
from nnspec.training.loop_precision import MixedPrecision
from nnspec.training.stochastic_gradient_descent import batches


def noisy(weights, x, y, *, key):
    """A loss with dropout in training."""
    return losses(weights, x if key is None else dropout(x, key, rate=0.5), y, key=key)


def shared(weights, x, y, *, key):
    """The same, where each example has a weight between 0 and 3."""
    return noisy(weights, x, y, key=key), weighted(weights, x, y, key=key)[1]


def apart(weights, x, y, *, key):
    """The largest distance of each example, with dropout, and its weight."""
    x = x if key is None else dropout(x, key, rate=0.5)
    return jnp.abs(output(weights, x) - y).max(-1), weighted(weights, x, y, key=key)[1]


def over(weights, x, y, *, key):
    """Whether the largest distance of each example is over a half, with the masks of the loss."""
    return apart(weights, x, y, key=key)[0] > 0.5


SGD = optax.sgd(0.1)
ASKED = {"apart": apart, "over": over}
HALF = MixedPrecision("bfloat16")


@functools.cache
def by_hand():
    """Metrics of each step, and their weights, by a step of one's own."""

    @jax.jit
    def step(weights, state, x, y, key):
        (far, share), wide = apart(weights, x, y, key=key), over(weights, x, y, key=key)
        g = jax.grad(lambda w: noisy(w, x, y, key=key).mean())(weights)
        updates, state = SGD.update(g, state, weights)
        mean = (far * share).sum() / share.sum()
        return optax.apply_updates(weights, updates), state, (mean, share.sum(), wide.mean(), wide.size)

    weights, state, found = WEIGHTS, SGD.init(WEIGHTS), []
    for rows in np.asarray(batches(examples=N, batch_size=BATCH, epochs=EPOCHS, seed=0)).reshape(-1, BATCH):
        rows, key = rows[rows >= 0], jax.random.fold_in(jax.random.key(0), len(found))
        weights, state, told = step(weights, state, X[rows], Y[rows], key)
        found.append(told)
    far, share, wide, size = np.array(found, np.float64).T
    return {"apart": (far, share), "over": (wide, size)}


def measures_as_an_evaluation(*given, **how):
    """A metric has no key, so that dropout is off."""
    return changed(("rest), *rounded, key=key)", "rest), *rounded, key=None)"))(*given, **how)


def counts_examples(*given, **how):
    """The weights of a metric's examples are left out."""
    edit = ("mean_of(found, batch, f", "mean_of(found[0] if isinstance(found, tuple) else found, batch, f")
    return changed((f'measured[name] = {edit[0]}"fit', f'measured[name] = {edit[1]}"fit'))(*given, **how)


def averages_the_steps(*given, **how):
    """The mean of an epoch is that of its steps' means."""
    edit = ("mean_of_means(m[-len(at.seen) :])", "float(np.mean([x for x, _ in m[-len(at.seen) :]]))")
    return changed(edit)(*given, **how)


def goes_on_from_the_first_epoch(*given, **how):
    """The mean of an epoch is that of all steps so far."""
    return changed(("m[-len(at.seen) :]", "m"))(*given, **how)


def measures_after_the_step(*given, **how):
    """A metric of a step is that of the next one."""
    edit = ("np.array([mean for mean, _ in jax.device_get(steps)])", "np.roll([float(mean) for mean, _ in steps], -1)")
    return changed(edit)(*given, **how)


def keeps_the_last_piece(*given, **how):
    """The mean of a batch is that of its last piece."""
    return changed(("(measured[name][0] + v * m, measured[name][1] + v)", "(v * m, v)"))(*given, **how)


def counts_the_pieces(*given, **how):
    """Each piece counts the same."""
    return changed(("+ v * m, measured[name][1] + v)", "+ m, measured[name][1] + 1)"))(*given, **how)


def forgets_what_was_measured(*given, **how):
    """A run that goes on knows nothing of the steps before."""
    edit = (
        '{name: list(steps) for name, steps in tree["measured"].items()}',
        '{name: [np.zeros(2)] * len(steps) for name, steps in tree["measured"].items()}',
    )
    return changed(edit)(*given, **how)


def counts_what_was_left_out(*given, **how):
    """A step that is left out counts in the epoch's mean."""
    return changed(("(m, jnp.where(taken, w, 0))", "(jnp.nan_to_num(m), w)"))(*given, **how)


def calls_nothing_zero(*given, **how):
    """The mean of examples without weight is 0."""
    return changed(("jnp.where(w == 0, jnp.nan, m)", "m"))(*given, **how)


def measures_in_full(*given, **how):
    """A metric gets weights and examples in float32."""
    return changed(("jax.lax.stop_gradient(low), rest), *rounded", "weights, rest), *batch"))(*given, **how)


@pytest.mark.statement(
    "fit.metrics",
    of=fit,
    mutants=[
        measures_as_an_evaluation,
        counts_examples,
        averages_the_steps,
        goes_on_from_the_first_epoch,
        measures_after_the_step,
        keeps_the_last_piece,
        counts_the_pieces,
        forgets_what_was_measured,
        counts_what_was_left_out,
        calls_nothing_zero,
        measures_in_full,
    ],
)
def test_training_metrics_are_means_by_step_and_epoch(implementation, broken, tmp_path):
    run = implementation(bad, WEIGHTS, three_batches, SGD, **MARKED)
    assert run.metrics["steps"].tolist()[1:] == [2, 3, 1, 2, 3]
    assert np.isnan(run.metrics["steps"][0])
    # The first step has no weight, the second is left out; in epoch 1 the last one has half of the weight.
    assert [record["training steps"] for record in run.history] == [3, (1 + 2 + 3 / 2) / (5 / 2)]

    half = {"precision": HALF, "pieces": 2, "epochs": 1, "batch_size": 8, "progress": False}
    run = implementation(shared, WEIGHTS, (X[:8], Y[:8]), SGD, training_metrics={"again": shared}, **half)
    np.testing.assert_allclose(run.metrics["again"], run.losses, rtol=1e-6)

    run = implementation(noisy, WEIGHTS, (X, Y), SGD, training_metrics=ASKED, **HOW)
    for name, (means, weights) in by_hand().items():
        np.testing.assert_allclose(run.metrics[name], means, rtol=1e-6)
        epochs = [np.average(m, weights=w) for m, w in zip(means.reshape(3, 3), weights.reshape(3, 3), strict=True)]
        np.testing.assert_allclose([record[f"training {name}"] for record in run.history], epochs, rtol=1e-6)

    shutil.copytree(broken, tmp_path / "kept")
    again = implementation(bad, WEIGHTS, three_batches, SGD, checkpoints=Checkpoints(tmp_path / "kept"), **MARKED)
    assert equal(again, whole())


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    """The folder of a run that ended in the middle of its last epoch."""
    folder = tmp_path_factory.mktemp("broken")
    with pytest.raises(Broken):
        fit(bad, WEIGHTS, until_a_break, SGD, checkpoints=Checkpoints(folder, every=2), **MARKED)
    return folder


@functools.cache
def whole():
    return fit(bad, WEIGHTS, three_batches, SGD, **MARKED)


class Broken(Exception):
    """The data end in the middle of an epoch."""


def three_batches(epoch):
    """Batches with the numbers 1, 2, 3; in epoch 0 the first has no weight, and the second an infinite loss."""
    for number in (1, 2, 3):
        state = 0 if epoch else {1: 1, 2: 2, 3: 0}[number]
        yield X[:4], Y[:4], np.full(4, number, np.float32), np.full(4, state, np.float32)


def until_a_break(epoch):
    for batch in three_batches(epoch):
        if epoch and batch[2][0] == 2:
            raise Broken
        yield batch


def bad(weights, x, y, numbers, state, *, key):
    return losses(weights, x, y, key=key) + jnp.where(state == 2, jnp.inf, 0)


def marked(weights, x, y, numbers, state, *, key):
    return numbers, (state != 1) * jnp.where((state == 0) & (numbers == 3), 0.5, 1.0)


MARKED = {"epochs": 2, "progress": False, "training_metrics": {"steps": marked}, "nonfinite": "skip"}


def test_the_run_before_a_bad_step_has_metrics_of_as_many_steps():
    with pytest.raises(NonFiniteError) as caught:
        fit(bad, WEIGHTS, three_batches, SGD, epochs=1, training_metrics={"steps": marked}, progress=False)
    run = caught.value.run
    assert len(run.losses) == len(run.metrics["steps"]) == 2


# ------------------------------------------------------------------ what they cost
def test_a_run_with_metrics_is_the_one_without():
    """Of a module: what a metric draws, and the statistics that it moves, are left behind."""
    far = lambda model, x, y, *, key: jnp.abs(model(x) - y).max(-1)  # noqa: E731
    runs = [fit(of_a_module, Network(), (X, Y), SGD, training_metrics=m, **HOW) for m in (None, {"far": far})]
    assert same(*(arrays(run.model) for run in runs))
    assert np.array_equal(runs[0].losses, runs[1].losses)
    assert runs[0].metrics == {}


def dense(weights, x):
    return jnp.tanh(x @ weights["a"]) @ weights["b"]


def recurrent(weights, x):
    return jax.lax.scan(lambda h, _: (jnp.tanh(h @ weights["a"]), None), x, length=9)[0]


@functools.cache
def pair_of(network):
    """A loss and a metric of one network."""
    loss = lambda weights, x, *, key: jnp.square(network(weights, x) - x).sum(-1)  # noqa: E731
    metric = lambda weights, x, *, key: jnp.abs(network(weights, x) - x).max(-1)  # noqa: E731
    return loss, metric


def products(*edits, network=dense, measured=True, pieces=1, precision=HALF):
    """The matrix products in the text of a compiled step; what is in a loop is there once."""
    loop, weights = changed(*edits, of=None), {"a": jnp.ones((7, 7)), "b": jnp.ones((7, 7))}
    loss, metric = pair_of(network)
    carry = loop["Carry"](weights, (), SGD.init(weights), jnp.array(False))
    metrics = (("metric", metric),) if measured else ()
    rule = loop["Rule"](loss, None, SGD, None, pieces, "stop", precision, None, None, metrics)
    given = carry, (jnp.ones((4, 7)),), np.int64(0), np.uint32(0)
    return len(re.findall(r" dot\(", loop["step"].lower(*given, rule).compile().as_text()))


def looks_again(**how):
    """A metric is computed from other arrays than the loss."""
    return products(("jax.lax.stop_gradient(low), rest), *rounded", "weights, rest), *batch"), **how)


def looks_twice(**how):
    """A metric is computed once for its numbers, and once for their weights."""
    once = "metric(join(rule.graph, jax.lax.stop_gradient(low), rest), *rounded, key=key)"
    return products((f"found = {once}", f"found = {once}; found = found, 1 + 0 * {once}"), **how)


FORWARD = {dense: 2, recurrent: 1}  # products
SHARED = [(dense, 1, None), (dense, 1, HALF), (dense, 2, None)]
SECOND = [(recurrent, 1, None), (recurrent, 1, HALF), (dense, 2, HALF)]  # XLA does not see that they are the same


ASKED_OF = [SECOND[0], *SHARED[::-1], *SECOND[1:]]  # a wrong step is told by the first ones


@pytest.mark.statement("fit.metrics-cost", of=products, mutants=[looks_again, looks_twice])
def test_a_metric_shares_the_products_of_the_loss(implementation):
    for network, pieces, precision in ASKED_OF:
        how = {"network": network, "pieces": pieces, "precision": precision}
        alone, more = without(**how), FORWARD[network] * ((network, pieces, precision) in SECOND)
        assert alone == (5 if network is dense else 3)
        assert implementation(**how) == alone + more


@functools.cache
def without(**how):
    return products(measured=False, **how)
