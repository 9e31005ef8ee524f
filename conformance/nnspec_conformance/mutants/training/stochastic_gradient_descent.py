"""Wrong samplers, and wrong steps on single examples, each met in the wild and caught by the clause that it names."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nnspec_conformance.mutant import ORACLE as right
from nnspec_conformance.mutant import Mutants
from nnspec_conformance.oracles.stepping import each_leaf
from nnspec_conformance.oracles.training.stochastic_gradient_descent import cut

MUTANTS = Mutants()

EPOCH, ORDER, SHORT, DROPPED = (f"batches.{name}" for name in ("epoch", "order", "short-last", "dropped"))
PLACES, NEXT, RELATIVE, RISES = (f"batches.{name}" for name in ("positions", "neighbours", "relative-order", "rises"))
ANEW, LEFT, AGAIN, SEEDS = (f"batches.{name}" for name in ("reshuffled", "left-out", "repeatable", "seeds"))


def permutation(examples, seed, epoch):
    """A right order of an epoch; its seed has two words, which are not added."""
    return np.random.default_rng([seed, epoch]).permutation(examples)


def ordered(order: Callable) -> Callable:
    """A sampler from the order of one epoch, ``order(examples, seed, epoch, batch_size)``."""

    def batches(*, examples, batch_size, epochs, seed, shuffle=True, last="kept", too_large="refused"):
        sizes = {"examples": examples, "batch_size": batch_size, "epochs": 1}
        right.batches(**sizes, seed=seed, last=last, too_large=too_large)  # refuses the same
        if not shuffle:
            return cut(np.tile(np.arange(examples), (epochs, 1)), batch_size, last)
        return cut(np.array([order(examples, seed, e, batch_size) for e in range(epochs)]), batch_size, last)

    batches.__name__ = order.__name__
    return batches


# ---- what an epoch holds


@MUTANTS.add("a random example for each place: some come twice, some never", EPOCH, DROPPED)
@ordered
def draws_with_replacement(examples, seed, epoch, batch_size):
    return np.random.default_rng([seed, epoch]).integers(examples, size=examples)


@MUTANTS.add("examples are counted from 1, and the last one is read past the end", EPOCH, ORDER)
def counts_from_one(**given):
    found = right.batches(**given)
    return np.where(found < 0, found, found + 1)


@MUTANTS.add("the short batch is lost where it should be kept: examples // batch_size batches", EPOCH, SHORT, ORDER)
def always_drops_the_short_batch(*, last="kept", **given):
    return right.batches(last="dropped", **given)


@MUTANTS.add("the short batch is filled up with the first examples, as a distributed sampler does", EPOCH, SHORT, ORDER)
def repeats_the_first_examples(**given):
    found = right.batches(**given)
    flat = found.reshape(len(found), -1)
    short = flat.shape[1] - (flat >= 0).sum(1).min()
    if short:
        flat[:, -short:] = flat[:, :short]
    return flat.reshape(found.shape)


@MUTANTS.add("the batches are shuffled after they were cut, and the short one comes anywhere", SHORT)
def lets_the_short_batch_come_first(**given):
    return right.batches(**given)[:, ::-1]


@MUTANTS.add("with sizes as equal as possible no batch is whole: array_split", SHORT)
def makes_the_batches_even(*, examples, batch_size, last="kept", **given):
    found = right.batches(examples=examples, batch_size=batch_size, last=last, **given)
    if last == "dropped" or examples % batch_size == 0:
        return found
    count = found.shape[1]
    rows = [np.array_split(row[row >= 0], count) for row in found.reshape(len(found), -1)]
    return np.array([[np.pad(b, (0, batch_size - len(b)), constant_values=-1) for b in row] for row in rows])


@MUTANTS.add("batches are columns: every third example is together", ORDER)
def deals_the_examples_out(*, shuffle=True, **given):
    found = right.batches(shuffle=shuffle, **given)
    return found if shuffle else np.sort(np.swapaxes(found, 1, 2).reshape(found.shape), axis=2)[..., ::-1]


@MUTANTS.add("the flag is taken and never asked", ORDER)
def shuffles_always(*, shuffle=True, **given):
    return right.batches(shuffle=True, **given)


@MUTANTS.add("the option is taken and the short batch stays", DROPPED)
def never_drops(*, last="kept", **given):
    return right.batches(last="kept", **given)


@MUTANTS.add("the last batch is dropped, whether it is short or not", DROPPED, ORDER)
def drops_a_whole_batch_too(*, last="kept", **given):
    found = right.batches(last=last, **given)
    return found[:, :-1] if last == "dropped" else found


# ---- how the examples are shuffled


@MUTANTS.add("a small shuffle buffer of a streaming data set: sorted data stays sorted", PLACES, NEXT, RELATIVE)
@ordered
def shuffles_in_a_buffer_of_two(examples, seed, epoch, batch_size):
    random, waiting, found = np.random.default_rng([seed, epoch]), [0], []
    for example in range(1, examples):
        waiting.append(example)
        found.append(waiting.pop(int(random.integers(2))))
    return np.array(found + waiting)


@MUTANTS.add("whole batches are shuffled, as `shuffle='batch'` for files does", NEXT, PLACES, RELATIVE, RISES)
@ordered
def shuffles_whole_batches(examples, seed, epoch, batch_size):
    count = -(-examples // batch_size)
    parts = [np.arange(examples)[k * batch_size : (k + 1) * batch_size] for k in range(count)]
    return np.concatenate([parts[k] for k in np.random.default_rng([seed, epoch]).permutation(count)])


@MUTANTS.add("batches are shuffled inside, and always hold the same examples", PLACES, NEXT, LEFT)
@ordered
def shuffles_inside_of_batches(examples, seed, epoch, batch_size):
    random, parts = np.random.default_rng([seed, epoch]), range(0, examples, batch_size)
    return np.concatenate([random.permutation(np.arange(examples)[k : k + batch_size]) for k in parts])


@MUTANTS.add(
    "the data set begins at a random place and goes round: every place is uniform, no order is", NEXT, RELATIVE
)
@ordered
def starts_at_a_random_place(examples, seed, epoch, batch_size):
    return np.roll(np.arange(examples), np.random.default_rng([seed, epoch]).integers(examples))


@MUTANTS.add("random numbers of few digits are sorted, and ties keep their order", RISES)
@ordered
def sorts_rounded_numbers(examples, seed, epoch, batch_size):
    return np.argsort(np.random.default_rng([seed, epoch]).integers(8, size=examples), kind="stable")


@MUTANTS.add("shuffled once, and every epoch has that order", ANEW, SEEDS)
@ordered
def shuffles_once(examples, seed, epoch, batch_size):
    return permutation(examples, seed, 0)


@MUTANTS.add("the generator is opened with the seed again in every second epoch", ANEW)
@ordered
def has_each_order_twice(examples, seed, epoch, batch_size):
    return permutation(examples, seed, epoch // 2)


@MUTANTS.add("each epoch shuffles a copy of the last one by one swap with a neighbour", ANEW)
@ordered
def swaps_a_few_in_the_last_order(examples, seed, epoch, batch_size):
    found = permutation(examples, seed, epoch // 64)
    random = np.random.default_rng([seed, epoch, 1])
    for _ in range(epoch % 64):
        k = int(random.integers(examples - 1))
        found[[k, k + 1]] = found[[k + 1, k]]
    return found


@MUTANTS.add("every second epoch goes back the way it came", ANEW)
@ordered
def turns_the_last_order_round(examples, seed, epoch, batch_size):
    found = permutation(examples, seed, epoch // 2)
    return found[::-1] if epoch % 2 else found


@MUTANTS.add("a swap that may not stay, j < i for j <= i: every example moves (Sattolo)", ANEW)
@ordered
def never_leaves_an_example_in_its_place(examples, seed, epoch, batch_size):
    random = np.random.default_rng([seed, epoch // 2])
    found = random.permutation(examples)
    if epoch % 2:
        for i in range(examples - 1, 0, -1):
            j = int(random.integers(i))
            found[[i, j]] = found[[j, i]]
    return found


@MUTANTS.add("the data set is cut to whole batches first: the last examples are never seen", LEFT)
def cuts_the_data_set_before_it_shuffles(*, examples, batch_size, last="kept", **given):
    whole = examples // batch_size * batch_size if last == "dropped" and examples >= batch_size else examples
    return right.batches(examples=whole, batch_size=batch_size, last=last, **given)


# ---- seeds


STATE = [0]


@MUTANTS.add("the generator is that of the whole process, and goes on from call to call", AGAIN, "batches.more-epochs")
@ordered
def goes_on_with_one_generator_for_all(examples, seed, epoch, batch_size):
    STATE[0] += 1
    return permutation(examples, 0, STATE[0])


@MUTANTS.add("an `or` takes the seed 0 for none, and draws one", AGAIN)
def takes_the_seed_0_for_none(*, seed, **given):
    STATE[0] += 1
    return right.batches(seed=seed or 10**6 + STATE[0], **given)


@MUTANTS.add("the seed is taken and never used", SEEDS)
@ordered
def ignores_the_seed(examples, seed, epoch, batch_size):
    return permutation(examples, 0, epoch)


@MUTANTS.add("the seed of an epoch is the sum, as in a distributed sampler: seed 3 ahead is seed 4", SEEDS)
@ordered
def adds_the_epoch_to_the_seed(examples, seed, epoch, batch_size):
    return np.random.default_rng(seed + epoch).permutation(examples)


@MUTANTS.add("the seed of an epoch is a product, and the seed 0 has one order for all", SEEDS)
@ordered
def multiplies_the_seed_by_the_epoch(examples, seed, epoch, batch_size):
    return np.random.default_rng(seed * (epoch + 1)).permutation(examples)


@MUTANTS.add("all epochs are drawn at once, and another number of them is another draw", "batches.more-epochs")
def draws_all_epochs_at_once(*, epochs, seed, **given):
    return right.batches(epochs=epochs, seed=1000 * seed + epochs, **given)


# ---- refusals


@MUTANTS.add("a size below 1 is taken for 1", "batches.batch-size")
def makes_batches_of_at_least_one(*, batch_size, **given):
    return right.batches(batch_size=max(batch_size, 1), **given)


@MUTANTS.add("the size is brought down to the number of examples", "batches.too-large")
def makes_the_batch_smaller(*, batch_size, examples, **given):
    return right.batches(batch_size=min(batch_size, max(examples, 1)), examples=examples, **given)


@MUTANTS.add("an epoch without a batch, and the training loop ends without a word", "batches.no-batch")
def has_an_epoch_without_a_batch(*, examples, batch_size, epochs, last="kept", **given):
    if batch_size > examples and last == "dropped":
        return np.zeros((epochs, 0, batch_size), np.int64)
    return right.batches(examples=examples, batch_size=batch_size, epochs=epochs, last=last, **given)


@MUTANTS.add("an empty folder of data is an empty epoch", "batches.no-examples")
def takes_no_examples(*, examples, batch_size, epochs, **given):
    if examples == 0:
        return np.zeros((epochs, 0, batch_size), np.int64)
    return right.batches(examples=examples, batch_size=batch_size, epochs=epochs, **given)


# ---- gradient descent on single examples

VARIANCE = "gradient-descent.stationary-variance"
AGREED, MEAN = "gradient-descent.zero-noise", "gradient-descent.running-mean"


@MUTANTS.add("a momentum of 0.9 is left on: the noise is averaged, and amplified", VARIANCE, AGREED, MEAN)
@each_leaf
def has_momentum(p, g, v, *, learning_rate, weight_decay=0.0, decayed="all"):
    v = 0.9 * v + g
    return p - learning_rate * v, v


@MUTANTS.add("the loss is half of what it is said to be, and so is every step", VARIANCE, AGREED, MEAN)
@each_leaf
def makes_half_a_step(p, g, *, learning_rate, weight_decay=0.0, decayed="all"):
    return p - 0.5 * learning_rate * g


@MUTANTS.add("gradients are clipped to 1: the noise is cut, and far away so is the way", VARIANCE, AGREED)
@each_leaf
def clips_the_gradient(p, g, *, learning_rate, weight_decay=0.0, decayed="all"):
    return p - learning_rate * np.clip(g, -1, 1)


@MUTANTS.add("the step is divided by the root of the squares so far, as in Adagrad", VARIANCE, AGREED, MEAN)
@each_leaf
def adapts_the_rate(p, g, total, *, learning_rate, weight_decay=0.0, decayed="all"):
    total = total + g**2
    return p - learning_rate * g / np.sqrt(total + 1e-8), total


@MUTANTS.add("the gradient is that of the step before", VARIANCE, AGREED, MEAN)
@each_leaf
def is_a_step_late(p, g, before, *, learning_rate, weight_decay=0.0, decayed="all"):
    return p - learning_rate * before, g


@MUTANTS.add("the rate of a step is used at the next one: the first examples weigh double", MEAN)
@each_leaf
def takes_the_rate_of_the_last_step(p, g, kept, *, t, learning_rate, weight_decay=0.0, decayed="all"):
    rate = learning_rate if t == 1 else kept.flat[0]
    return p - rate * g, np.full_like(kept, learning_rate)


@MUTANTS.add("the rate has a floor of 1/8, below which it never falls", MEAN)
@each_leaf
def has_a_floor_of_the_rate(p, g, *, learning_rate, weight_decay=0.0, decayed="all"):
    return p - max(learning_rate, 0.125) * g


@MUTANTS.add("a step smaller than a thousandth is not worth making", AGREED)
@each_leaf
def stops_where_steps_are_small(p, g, *, learning_rate, weight_decay=0.0, decayed="all"):
    return np.where(np.abs(g) < 1e-3, p, p - learning_rate * g)


@MUTANTS.add("noise is added to the step, as in Langevin dynamics", AGREED)
@each_leaf
def adds_noise_of_its_own(p, g, *, t, learning_rate, weight_decay=0.0, decayed="all"):
    return p - learning_rate * g + 1e-3 * np.random.default_rng(t).standard_normal(p.shape)
