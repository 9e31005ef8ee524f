"""The training loop: its steps are those that are written by hand, with batches, keys and modules as they should be."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx
from loops import (
    ADAM,
    BATCH,
    EPOCHS,
    HOW,
    RULE,
    SHORT,
    WEIGHTS,
    Network,
    X,
    Y,
    arrays,
    changed,
    losses,
    of_a_module,
    same,
    weighted,
)

from nnspec.components.layers import mlp
from nnspec.training.dropout import dropout
from nnspec.training.loop import fit
from nnspec.training.stochastic_gradient_descent import batches
from nnspec_conformance.inputs import network

# ------------------------------------------------------------------ steps
SGD = optax.sgd(0.1)
BY_NORM = optax.chain(optax.clip_by_global_norm(0.5), optax.sgd(0.1, momentum=0.9))
ODD = X[:SHORT], Y[:SHORT]
WIDE_X, WIDE = network((64, 128, 2), leading=(SHORT,), seed=5)
GIVEN = {ADAM: (WEIGHTS, ODD), BY_NORM: (WIDE, (WIDE_X, ODD[1]))}


def by_layers(weights, x, y, *, key):
    """The loss of a network of layers; where XLA adds up in another order, depends on the program."""
    return jnp.square(mlp(x, weights, activation="tanh") - y).sum(-1) / 2


@functools.cache
def by_hand(rule):
    """The same run without the loop: weights, the optimizer's state, losses."""
    weights, (inputs, outputs) = GIVEN[rule]

    @jax.jit
    def step(weights, state, x, y):
        value, g = jax.value_and_grad(lambda w: by_layers(w, x, y, key=None).mean())(weights)
        updates, state = rule.update(g, state, weights)
        return optax.apply_updates(weights, updates), state, value

    found, state = [], rule.init(weights)
    for rows in np.asarray(batches(examples=SHORT, batch_size=BATCH, epochs=EPOCHS, seed=0)).reshape(-1, BATCH):
        weights, state, value = step(weights, state, inputs[rows[rows >= 0]], outputs[rows[rows >= 0]])
        found.append(value)
    return weights, state, np.array(found)


def fills_the_last_batch(*given, **how):
    """The short batch is filled with its first example."""
    edit = ("rows = rows[rows >= 0]", "rows = np.where(rows >= 0, rows, rows[0])")
    return changed(edit)(*given, **how)


def starts_the_optimizer_anew(*given, **how):
    """Each epoch begins with a fresh state of the optimizer."""
    edit = (
        "start = time",
        "at.carry = at.carry._replace(state=optimizer.init(at.carry.weights))\n            start = time",
    )
    return changed(edit)(*given, **how)


def takes_the_sum(*given, **how):
    """The step goes along the sum over the batch."""
    return changed(("return numbers.mean(), jnp", "return numbers.sum(), jnp"))(*given, **how)


def adds_up_in_a_branch(loss, weights, data, rule, **how):
    """The norm of the gradient is taken in a branch, where XLA adds up in another order."""
    run = changed(("if _adds_up(jax.make_jaxpr(move)(carry, g).jaxpr):", "if carry is None:"))(
        loss, weights, data, rule, **how
    )
    if rule is not ADAM and same(run.model, fit(loss, weights, data, rule, **how).model):
        pytest.skip("this XLA adds up in the same order in a branch: that of JAX 0.9 does")
    return run


@pytest.mark.statement(
    "fit.steps",
    of=fit,
    mutants=[fills_the_last_batch, starts_the_optimizer_anew, takes_the_sum, adds_up_in_a_branch],
)
def test_a_run_is_the_hand_written_sequence_of_steps(implementation):
    for rule, given in GIVEN.items():
        run = implementation(by_layers, *given, rule, **HOW)
        weights, state, found = by_hand(rule)
        assert same(run.model, weights)
        assert same(run.optimizer_state, state)
        assert np.array_equal(run.losses, found)


def averages_the_pieces(*given, **how):
    """Each piece counts the same, whatever its weight."""
    edits = (
        ("s + (w * x)", "s + (jnp.sign(w) * x)"),
        ("value + w * mean, weight + w", "value + mean, weight + jnp.sign(w)"),
    )
    return changed(*edits)(*given, **how)


def drops_the_last_piece(*given, **how):
    """A piece that is shorter than the others is left out."""
    return changed(("if size > whole * length:", "if size > size * length:"))(*given, **how)


def keeps_the_last_piece(*given, **how):
    """The step goes along the gradient of the last piece alone."""
    return changed(("s + (w * x)", "(w * x)"))(*given, **how)


@pytest.mark.statement("fit.pieces", of=fit, mutants=[averages_the_pieces, drops_the_last_piece, keeps_the_last_piece])
def test_a_step_in_pieces_is_that_of_the_whole_batch(implementation):
    for loss in (losses, weighted):
        want = fit(loss, WEIGHTS, ODD, SGD, **HOW)
        for pieces in (2, 4) if loss is weighted else (2,):
            run = implementation(loss, WEIGHTS, ODD, SGD, pieces=pieces, **HOW)
            for got, right in zip(jax.tree.leaves(run.model), jax.tree.leaves(want.model), strict=True):
                np.testing.assert_allclose(got, right, rtol=2e-6, atol=2e-6)
            np.testing.assert_allclose(run.losses, want.losses, rtol=2e-6)


def test_four_tokens_and_one_count_as_five():
    """The example of the page: 6/5, and not the mean 1.5 of two means."""
    tokens = np.float32([[1, 1, 1, 1], [2, 0, 0, 0]])
    mask = np.float32([[1, 1, 1, 1], [1, 0, 0, 0]])
    for pieces in (1, 2):
        run = fit(
            lambda w, losses, mask, *, key: (w * losses, mask), jnp.float32(1), (tokens, mask), optax.sgd(1.0),
            epochs=1, batch_size=2, pieces=pieces, progress=False,
        )  # fmt: skip
        assert run.losses.tolist() == pytest.approx([1.2])
        assert float(run.model) == pytest.approx(1 - 1.2)


def test_tokens_without_weights_count_one_each():
    """The same from two batches, of four tokens and of one, in the mean of an epoch and in an evaluation."""
    given = lambda epoch: [(np.ones((1, 4), np.float32),), (np.full((1, 1), 2, np.float32),)]  # noqa: E731
    loss = lambda w, losses, *, key: w * losses  # noqa: E731
    run = fit(loss, jnp.float32(1), given, optax.sgd(0.0), epochs=1, validation=given, progress=False)
    record = run.history[0]
    assert [record["loss"], record["validation loss"]] == pytest.approx([1.2, 1.2])


SEEN: list = []  # what programs have told, which implementations may share


def visited(weights, x, numbers, *, key):
    """A loss that tells the numbers of its examples."""
    jax.debug.callback(lambda n: SEEN.append(n.tolist()), numbers, ordered=True)
    return weights * x[:, 0]


def visits(implementation, seed=0):
    """The examples of each epoch, in their order."""
    SEEN.clear()
    run = implementation(visited, jnp.float32(1), (ODD[0], np.arange(SHORT)), SGD, seed=seed, **HOW)
    jax.effects_barrier()
    steps = len(run.losses) // EPOCHS
    parts = (SEEN[at : at + steps] for at in range(0, len(run.losses), steps))
    return [[number for batch in part for number in batch] for part in parts]


def draws_with_repetition(*given, **how):
    """Each batch is drawn from all examples."""
    drawn = "rows = np.random.default_rng(abs(rows)).integers(0, size, (rows >= 0).sum())"
    return changed(("rows = rows[rows >= 0]", drawn))(*given, **how)


def drops_the_last_batch(*given, **how):
    """The examples of a short batch are never seen."""
    return changed(("epochs=epochs, seed=seed)", 'epochs=epochs, seed=seed, last="dropped")'))(*given, **how)


def has_one_order(*given, **how):
    """All epochs have the order of the first one."""
    return changed(("np.asarray(orders)[epoch,", "np.asarray(orders)[0,"))(*given, **how)


def has_the_orders_of_one_seed(*given, **how):
    """The seed decides the keys alone."""
    return changed(("epochs=epochs, seed=seed)", "epochs=epochs, seed=0)"))(*given, **how)


@pytest.mark.statement(
    "fit.epoch",
    of=fit,
    mutants=[draws_with_repetition, drops_the_last_batch, has_one_order, has_the_orders_of_one_seed],
)
def test_each_epoch_shows_every_example_once(implementation):
    epochs = [*visits(implementation), *visits(implementation, seed=5)]
    assert [sorted(epoch) for epoch in epochs] == [list(range(SHORT))] * 2 * EPOCHS
    assert len({tuple(epoch) for epoch in epochs}) == 2 * EPOCHS


def noisy(weights, x, y, *, key):
    """A loss with dropout in training."""
    x = x if key is None else dropout(x, key, rate=0.5)
    return losses(weights, x, y, key=key)


def keyed(weights, x, y, *, key):
    """The loss, which tells its key."""
    told = () if key is None else jax.random.key_data(key)
    jax.debug.callback(lambda k: SEEN.append(tuple(np.ravel(k).tolist())), told, ordered=True)
    return losses(weights, x, y, key=key)


def keys_of(implementation, seed):
    """The keys of all steps, and of all batches that were measured."""
    SEEN.clear()
    implementation(keyed, WEIGHTS, (X, Y), RULE, validation=(X, Y), seed=seed, **HOW)
    jax.effects_barrier()
    epochs = [SEEN[at : at + 6] for at in range(0, len(SEEN), 6)]  # three steps, then three batches that are measured
    return [k for epoch in epochs for k in epoch[:3]], [k for epoch in epochs for k in epoch[3:]]


def has_one_key(*given, **how):
    """All steps have the same key."""
    return changed(("np.uint32(number)", "np.uint32(0)"))(*given, **how)


def has_a_key_by_epoch(*given, **how):
    """The steps of an epoch share a key."""
    return changed(("np.uint32(number)", "np.uint32(at.epoch)"))(*given, **how)


def draws_in_evaluations(*given, **how):
    """An evaluation has a key, so that dropout stays on."""
    return changed(("rest), *batch, key=None)", "rest), *batch, key=jax.random.key(0))"))(*given, **how)


def has_the_keys_of_one_seed(*given, **how):
    """The seed decides the orders alone."""
    return changed(("batch, np.int64(seed)", "batch, np.int64(0)"))(*given, **how)


def gives_pieces_one_key(*given, **how):
    """All pieces of a batch draw the same numbers."""
    return changed(("own = jax.random.fold_in(key, number)", "own = key"))(*given, **how)


def begins_again_in_a_short_piece(*given, **how):
    """A piece that is shorter than the others draws the numbers of the first one."""
    return changed(("(jnp.asarray(whole), jax.tree", "(jnp.asarray(0), jax.tree"))(*given, **how)


def drawn(weights, numbers, *, key):
    """A loss by which each example moves a weight of its own, by a number that the key draws."""
    return weights[numbers] * jax.random.uniform(key, numbers.shape)


@pytest.mark.statement(
    "fit.key",
    of=fit,
    mutants=[
        has_one_key,
        has_a_key_by_epoch,
        draws_in_evaluations,
        has_the_keys_of_one_seed,
        gives_pieces_one_key,
        begins_again_in_a_short_piece,
    ],
)
def test_each_step_has_a_key_of_its_own_and_an_evaluation_none(implementation):
    five = lambda epoch: [(np.arange(5),)]  # noqa: E731 - pieces of two, two and one
    moved = implementation(drawn, jnp.zeros(5), five, SGD, epochs=1, pieces=3, progress=False).model
    assert len(set(moved.tolist())) == 5
    for seed in (0, 2**40 + 5):
        steps, measured = keys_of(implementation, seed)
        told = [jax.random.fold_in(jax.random.key(seed), number) for number in range(9)]  # three epochs of three
        assert steps == [tuple(jax.random.key_data(key).tolist()) for key in told]
        assert len(set(steps)) == 9
        assert measured == [()] * 9


def forgets_the_seed(*given, **how):
    """The orders and keys are those of the seed 0."""
    return fit(*given, **how | {"seed": 0})


def asks_the_clock(*given, **how):
    """The seed is another one in each run."""
    asks_the_clock.count += 1
    return fit(*given, **how | {"seed": asks_the_clock.count})


asks_the_clock.count = 0


@pytest.mark.statement("fit.repeatable", of=fit, mutants=[forgets_the_seed, asks_the_clock])
def test_a_seed_is_a_run(implementation):
    one, again, other = (implementation(noisy, WEIGHTS, (X, Y), RULE, seed=seed, **HOW) for seed in (3, 3, 4))
    assert same(one.model, again.model)
    assert np.array_equal(one.losses, again.losses)
    assert not same(one.model, other.model)


# ------------------------------------------------------------------ modules
def trains_what_it_is_handed(loss, model, *given, **how):
    """The module itself is trained."""
    run = fit(loss, model, *given, **how)
    nnx.update(model, nnx.state(run.model))
    return run


def switches_the_model(loss, model, *given, **how):
    """The module is left in evaluation mode."""
    run = fit(loss, model, *given, **how)
    model.eval()
    return run


@pytest.mark.statement("fit.unchanged", of=fit, mutants=[trains_what_it_is_handed, switches_the_model])
def test_the_model_stays_as_it_is(implementation):
    model = Network()
    before = arrays(model)
    run = implementation(of_a_module, model, (X, Y), RULE, validation=(X, Y), **HOW)
    assert same(arrays(model), before)
    assert not model.use_running_average
    assert not model.dropout.deterministic
    assert not same(arrays(run.model), before)


def test_a_module_is_trained_with_its_statistics_and_keys():
    """The run of a module is the hand-written one: three epochs in which masks and the mean go on."""
    run = fit(of_a_module, Network(), (X, Y), ADAM, **HOW)
    model = Network()
    graph, weights, rest = nnx.split(model, nnx.Param, ...)
    state = ADAM.init(weights)

    @jax.jit
    def step(weights, rest, state, x, y):
        def mean(weights):
            model = nnx.merge(graph, weights, jax.tree.map(lambda x: x, rest))  # variables of this program
            return of_a_module(model, x, y, key=None).mean(), nnx.split(model, nnx.Param, ...)[2]

        (value, rest), g = jax.value_and_grad(mean, has_aux=True)(weights)
        updates, state = ADAM.update(g, state, weights)
        return optax.apply_updates(weights, updates), rest, state, value

    found = []
    for rows in np.asarray(batches(examples=len(X), batch_size=BATCH, epochs=EPOCHS, seed=0)).reshape(-1, BATCH):
        weights, rest, state, value = step(weights, rest, state, X[rows[rows >= 0]], Y[rows[rows >= 0]])
        found.append(value)
    assert same(arrays(run.model), arrays(nnx.merge(graph, weights, rest)))
    assert run.losses.tolist() == np.array(found).tolist()


def stays_in_training_mode(*given, **how):
    """An evaluation drops units and uses the batch's statistics."""
    return changed(("copy.train() if train else copy.eval()", "copy.train()"))(*given, **how)


def keeps_what_an_evaluation_changed(*given, **how):
    """The keys that an evaluation drew are missing in the run."""
    later = "jax.tree.map(lambda x: x + 1 if x.dtype == jnp.uint32 and x.ndim == 0 else x, at.carry.rest)"
    best = "best = split(trained, train=True)[1:] if watched.improved else at.best"
    return changed((best, f"at.carry = at.carry._replace(rest={later})"))(*given, **how)


@pytest.mark.statement("evaluate.state", of=fit, mutants=[stays_in_training_mode, keeps_what_an_evaluation_changed])
def test_an_evaluation_changes_nothing(implementation):
    seen = implementation(of_a_module, Network(), (X, Y), RULE, validation=(X, Y), **HOW)
    blind = fit(of_a_module, Network(), (X, Y), RULE, **HOW)
    assert same(arrays(seen.model), arrays(blind.model))
    model = seen.model
    model.eval()
    want = float(of_a_module(model, X, Y, key=None).mean())
    assert seen.history[-1]["validation loss"] == pytest.approx(want, rel=1e-6)


def test_statistics_go_on_from_piece_to_piece():
    run = fit(of_a_module, Network(), (X[:4], Y[:4]), RULE, epochs=1, batch_size=4, pieces=2, progress=False)
    order = np.asarray(batches(examples=4, batch_size=2, epochs=1, seed=0))[0]
    first, second = (X[rows].mean(0) for rows in order)
    np.testing.assert_allclose(run.model.mean[...], 0.9 * 0.1 * first + 0.1 * second, rtol=1e-5)
