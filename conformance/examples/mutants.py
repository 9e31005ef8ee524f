"""Wrong NumPy adapters, each with one classic fault, and the clause that must catch it.

Pairs of readings and of defaults are mutants too, without a line here.
"""

from pathlib import Path

import numpy as np

from nnspec_conformance import stepper_faults as faults
from nnspec_conformance.clauses import load_spec
from nnspec_conformance.loading import load_subject
from nnspec_conformance.mutant import Mutants
from nnspec_conformance.oracles.stepping import each_leaf

HERE = Path(__file__).parent
right = load_subject(str(HERE / "adapters" / "on_numpy.py")).adapter
MUTANTS = Mutants(right, load_spec(HERE / "spec"))

# ---- layer norm


@MUTANTS.add("the variance of n - 1", "layer-norm.value")
def estimates_the_variance(x, scale, bias, *, epsilon):
    deviation = np.sqrt(x.var(-1, ddof=1, keepdims=True) + epsilon)
    return scale * (x - x.mean(-1, keepdims=True)) / deviation + bias


@MUTANTS.add("mean and variance held constant", "layer-norm.gradient", part="_vjp")
def stops_the_gradient_at_the_statistics(x, scale, bias, cotangents, *, epsilon):
    _, dscale, dbias = right.layer_norm_vjp(x, scale, bias, cotangents, epsilon=epsilon)
    return cotangents * scale / np.sqrt(x.var(-1, keepdims=True) + epsilon), dscale, dbias


# ---- batch norm


@MUTANTS.add("one mean for each position, as if only the first axis were the batch", "batch-norm.train")
def averages_over_the_first_axis(x, *rest, **given):
    wide = [np.broadcast_to(r, x.shape[1:]).reshape(-1) for r in rest]
    y, *state = right.batch_norm(x.reshape(len(x), -1), *wide, **given)
    return (y.reshape(x.shape), *(s.reshape(x.shape[1:]).mean(0) for s in state))


@MUTANTS.add("decay is the weight of the new batch", "batch-norm.train")
def has_the_decay_the_other_way_round(*arrays, decay, **given):
    return right.batch_norm(*arrays, decay=1 - decay, **given)


@MUTANTS.add("batch statistics in evaluation", "batch-norm.eval")
def normalizes_by_the_batch_always(*arrays, train, **given):
    return (right.batch_norm(*arrays, train=True, **given)[0], *arrays[3:])


@MUTANTS.add("statistics held constant", "batch-norm.gradient", part="_vjp")
def stops_the_gradient_at_the_batch(x, scale, *rest, **given):
    dx = rest[-1][0] * scale / np.sqrt(x.var((0, 1)) + given["epsilon"])
    return (dx, *right.batch_norm_vjp(x, scale, *rest, **given)[1:])


# ---- random maps


@MUTANTS.add("the seed is taken, and never used", "dropout.repeatable")
def ignores_the_seed(x, *, seed, **given):
    return right.dropout(x, seed=0, **given)


@MUTANTS.add("the plain form of the paper, whose evaluation scales", "dropout.scale")
def keeps_without_scaling(x, *, rate, **given):
    return right.dropout(x, rate=rate, **given) * (1 - rate)


@MUTANTS.add("a fresh mask in the backward pass", "dropout.gradient", part="_vjp")
def draws_another_mask_for_the_gradient(x, cotangents, *, seed, **given):
    return right.dropout_vjp(x, cotangents, seed=seed + 1, **given)


@MUTANTS.add("the keyword is keep_prob elsewhere", "dropout.fraction")
def takes_the_rate_for_what_is_kept(x, *, rate, **given):
    return right.dropout(x, rate=1 - rate, **given)


@MUTANTS.add("one number drawn for two elements", "dropout.independence")
def drops_whole_pairs(x, **given):
    mask = right.dropout(np.ones(-(-x.size // 2), x.dtype), **given)
    return x * np.repeat(mask, 2)[: x.size].reshape(x.shape)


@MUTANTS.add("the last bit of the seed is lost", "dropout.independence")
def drops_the_same_at_the_next_seed(x, *, seed, **given):
    return right.dropout(x, seed=seed // 2, **given)


@MUTANTS.add("nobody told it that training is over", "dropout.eval")
def drops_in_evaluation(x, *, train, **given):
    return right.dropout(x, train=True, **given)


@MUTANTS.add("[out, in], as another framework keeps its kernels", "he-normal.shape")
def turns_the_shape_round(shape, *, seed):
    return right.he_normal(shape[::-1], seed=seed)


@MUTANTS.add("fan-out where fan-in is asked", "he-normal.moments")
def divides_by_the_outputs(shape, *, seed):
    return right.he_normal((*shape[:-2], shape[-1], shape[-2]), seed=seed).swapaxes(-1, -2)


@MUTANTS.add("cut off at two deviations without widening", "he-normal.moments")
def truncates(shape, *, seed):
    return 0.8796 * right.he_normal(shape, seed=seed)


# ---- steppers: what goes wrong in any optimizer; each is made of the right one

MUTANTS.each("one number becomes an array of one", "stepper.form")(faults.gives_every_array_an_axis)
MUTANTS.each("all gradients are clipped by their common norm", "stepper.leaves")(faults.clips_by_the_common_norm)
MUTANTS.each("a gradient is broadcast, and a missing one taken for zero", "stepper.gradients-of-others")(
    faults.makes_the_gradients_fit
)
MUTANTS.each("an `or` takes the rate 0 for none", "stepper.rate-zero")(faults.takes_a_rate_of_0_for_none)
MUTANTS.each("a schedule is handed over and not followed", "stepper.rate")(faults.never_changes_the_rate)
MUTANTS.each("the rate of a step is forgotten after it", "stepper.rate")(faults.falls_back_to_the_first_rate)
MUTANTS.each("rate and states are of the class, not of the instance", "stepper.instances")(faults.shares_its_state)
MUTANTS.each("a checkpoint of the parameters alone", "stepper.state")(faults.saves_nothing)
MUTANTS.each("what is saved is the state itself, which goes on changing", "stepper.state")(faults.saves_no_copy)


# ---- steppers: wrong rules


@MUTANTS.add("the gradient is dampened by 1 - momentum, as in a moving average", "momentum.trajectory")
@each_leaf
def dampens_the_gradient(p, g, v, *, learning_rate, momentum, rate_position):
    v = momentum * v + (1 - momentum) * g
    return p - learning_rate * v, v


@MUTANTS.add("it looks ahead with the old velocity", "momentum.nesterov")
@each_leaf
def looks_ahead_too_early(p, g, v, *, learning_rate, momentum, rate_position, nesterov):
    ahead, v = g + momentum * v, momentum * v + g
    return p - learning_rate * ahead, v


@MUTANTS.add("a sign typed wrong is mended in silence, and climbs back", "momentum.negative")
def takes_the_magnitude_of_the_momentum(params, *, momentum, **given):
    return right.momentum(params, momentum=abs(momentum), **given)


@MUTANTS.add("averages that start at zero are taken as they are", "adam.trajectory")
@each_leaf
def has_no_bias_correction(p, g, m, v, *, learning_rate, b1, b2, eps):
    m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g
    return p - learning_rate * m / (np.sqrt(v) + eps), m, v


# ---- series


@MUTANTS.add("the last step is counted as the one before", "cosine-decay.value")
def ends_a_step_early(steps, *, decay_steps, **given):
    return right.cosine_decay(steps, decay_steps=decay_steps - 1, **given)


@MUTANTS.add("more than the patience is waited for, where as much is enough", "early-stopping.patience")
def stops_one_epoch_late(metrics, *, patience, **given):
    return right.early_stopping(metrics, patience=patience + 1, **given)


@MUTANTS.add("an improvement equal to the least one counts", "early-stopping.min-delta")
def counts_an_equal_improvement(metrics, *, min_delta, **given):
    return right.early_stopping(metrics, min_delta=min_delta - 1e-3, **given)


# ---- a recurrent layer


@MUTANTS.add("weights packed i, f, o, g are read as i, f, g, o", "lstm.value")
def swaps_candidate_and_output_gate(x, h0, c0, gates):
    swap = {"g": "o", "o": "g"}
    return right.lstm(x, h0, c0, {f"{n[:-1]}{swap.get(n[-1], n[-1])}": w for n, w in gates.items()})


@MUTANTS.add("go_backwards was left on", "lstm.causal")
def reads_the_sequence_backwards(x, h0, c0, gates):
    ys, h, c = right.lstm(x[:, ::-1], h0, c0, gates)
    return ys[:, ::-1], h, c


@MUTANTS.add("the recurrent kernels are frozen", "lstm.gradient", part="_vjp")
def has_no_gradient_of_the_recurrent_kernels(*arguments):
    *rest, gates = right.lstm_vjp(*arguments)
    return (*rest, {n: 0 * g if n.startswith("recurrent") else g for n, g in gates.items()})
