"""Wrong recurrent layers; each caught by the clause that it names."""

from __future__ import annotations

import numpy as np

from nnspec_conformance import classic_faults as classic
from nnspec_conformance.mutant import ORACLE, Mutants
from nnspec_conformance.oracles.architectures import recurrent as oracle

MUTANTS = Mutants()
VALUES = ("elman.value", "elman.example")


def parts_of(rest):
    """The carry and the lengths of a call, None for what was left out."""
    return (*rest, None, None)[:2]


def changed(weights, **others):
    """The weights with some of them replaced, each by what is made of it."""
    return {name: others[name](w) if name in others else w for name, w in weights.items()}


def one_after_the_other(step, x, weights, carry, given):
    """All states of a wrong step, in the dtype."""
    h = np.zeros((len(x), weights["bias"].size), x.dtype) if carry is None else carry
    found = []
    for t in range(x.shape[1]):
        h = step(x[:, t], weights, h, activation=given["activation"])
        found.append(h)
    return found[-1] if given.get("outputs") == "last" else np.stack(found, 1).astype(x.dtype)


# ---- one step


@MUTANTS.each("a framework with two biases is handed the sum for both", "elman-step.value")
def adds_the_bias_twice(f, x, weights, carry, **given):
    return f(x, changed(weights, bias=lambda b: b + b), carry, **given)


@MUTANTS.each("kernels ported from a framework that keeps them as [out, in]", "elman-step.value")
def multiplies_by_the_transposed_recurrent_kernel_in_a_step(f, x, weights, carry, **given):
    return f(x, changed(weights, recurrent_kernel=lambda u: u.T), carry, **given)


@MUTANTS.each("a cell that knows one activation: VanillaRNN of Haiku has ReLU", "elman-step.value")
def has_relu_whatever_is_asked(f, x, weights, carry, **given):
    return f(x, weights, carry, **given | {"activation": "relu"})


@MUTANTS.each("a copy of the state that is cut off from the graph", "elman-step.gradient", part="_vjp")
def hands_no_gradient_to_the_carry(f, x, weights, carry, g, **given):
    dx, table, dh = f(x, weights, carry, g, **given)
    return dx, table, 0 * dh


@MUTANTS.each("the slope taken at the sum in the place of the state", "elman-step.gradient", part="_vjp")
def takes_the_slope_at_the_pre_activation(f, x, weights, carry, g, **given):
    if given["activation"] == "relu":
        return f(x, weights, carry, g, **given)
    z = x @ weights["kernel"] + carry @ weights["recurrent_kernel"] + weights["bias"]
    h = np.tanh(z.astype(np.float32)).astype(z.dtype)
    return f(x, weights, carry, (g * (1 - z * z) / (1 - h * h)).astype(g.dtype), **given)


# ---- sequences


@MUTANTS.each("kernels ported from a framework that keeps them as [out, in]", *VALUES)
def multiplies_by_the_transposed_recurrent_kernel(f, x, weights, *rest, **given):
    return f(x, changed(weights, recurrent_kernel=lambda u: u.T), *rest, **given)


@MUTANTS.each("a dense layer for each step: the loop forgets to hand the state on", "elman.steps", "elman.value")
def forgets_the_state_between_steps(f, x, weights, *rest, **given):
    carry, _ = parts_of(rest)
    start = np.zeros((len(x), weights["bias"].size), x.dtype) if carry is None else carry
    return one_after_the_other(lambda y, w, h, **told: ORACLE.elman_step(y, w, start, **told), x, weights, start, given)


@MUTANTS.each("reshape in the place of a transpose where time comes first", "elman.value")
def mixes_batch_and_time(f, x, *rest, **given):
    return f(x.swapaxes(0, 1).reshape(x.shape), *rest, **given)


@MUTANTS.each("always from zero: what a stateless layer does in a loop over chunks", "elman.chunks", "elman.value")
def starts_from_zero_whatever_the_carry(f, x, weights, *rest, **given):
    carry, lengths = parts_of(rest)
    zero = None if carry is None else 0 * carry
    return f(x, weights, zero, lengths, **given)


@MUTANTS.each("the state is handed back before the last step has moved it", "elman.chunks", "elman.value")
def hands_back_the_state_before_the_last_step(f, x, weights, *rest, **given):
    if given.get("outputs") != "last" or x.shape[1] < 2:
        return f(x, weights, *rest, **given)
    carry, lengths = parts_of(rest)
    return f(x[:, :-1], weights, carry, None if lengths is None else np.minimum(lengths, x.shape[1] - 1), **given)


@MUTANTS.each("a bag of words: the inputs are added before they are looked at", "elman.order", "elman.value")
def sums_the_inputs(f, x, *rest, **given):
    return f(np.broadcast_to(x.mean(1, keepdims=True, dtype=x.dtype), x.shape), *rest, **given)


@MUTANTS.each("the sequence is normalized as a whole: the future leaks into the past", "elman.prefix", "elman.value")
def subtracts_the_mean_over_time(f, x, *rest, **given):
    return f(x - x.mean(1, keepdims=True, dtype=x.dtype), *rest, **given)


@MUTANTS.each(
    "without a carry the recurrent half of the first step is skipped with its bias: mlx 3249", "elman.zero-carry"
)
def leaves_the_bias_out_of_the_first_step(f, x, weights, *rest, **given):
    if rest or given.get("reverse"):
        return f(x, weights, *rest, **given)
    start, unbiased = np.zeros_like(x[:, 0, :1] * weights["bias"]), changed(weights, bias=lambda b: 0 * b)
    first = ORACLE.elman_step(x[:, 0], unbiased, start, activation=given["activation"])
    later = f(x[:, 1:], weights, first, **given)
    return later if given.get("outputs") == "last" else np.concatenate([first[:, None], later], 1)


@MUTANTS.each("squeeze() at the end: right until a layer has one unit, or a batch one example", "elman.shape")
def drops_axes_of_length_one(f, *arrays, **given):
    return np.squeeze(f(*arrays, **given))


@MUTANTS.each("the default of Keras", "elman.default-outputs")
def hands_out_the_last_state_where_nothing_is_said(f, *arrays, **given):
    return f(*arrays, **{"outputs": "last"} | given)


# ---- lengths


@MUTANTS.each("the last column is taken for the last step of every sequence", "elman.lengths")
def reads_on_behind_the_end(f, x, weights, *rest, **given):
    return f(x, weights, *rest[:1], **given) if given.get("outputs") == "last" else f(x, weights, *rest, **given)


@MUTANTS.each("the index of the last step taken for the number of steps", "elman.lengths")
def stops_one_step_before_the_end(f, x, weights, *rest, **given):
    carry, lengths = parts_of(rest)
    return f(x, weights, carry, None if lengths is None else np.maximum(lengths - 1, 0), **given)


@MUTANTS.each("lengths that are all alike are taken for none", "elman.lengths", "elman.padded-outputs")
def takes_equal_lengths_for_none(f, x, weights, *rest, **given):
    carry, lengths = parts_of(rest)
    alike = lengths is not None and len(lengths) > 1 and len({*lengths.tolist()}) == 1
    return f(x, weights, carry, None if alike else lengths, **given)


@MUTANTS.each("a loop that is not entered has no gradient", "elman.empty-sequence", part="_vjp")
def has_no_gradient_for_a_sequence_of_length_zero(f, x, weights, *rest, **given):
    dx, table, *carry = f(x, weights, *rest, **given)
    lengths = parts_of(rest[:-1])[1]
    if lengths is None:
        return dx, table, *carry
    some = (lengths > 0)[:, None]
    return dx, table, *(np.where(some, part, np.zeros_like(part)) for part in carry)


@MUTANTS.each("m * new + (1 - m) * old: zero times NaN is NaN", "elman.padding")
def multiplies_by_the_mask(f, x, weights, *rest, **given):
    y = f(x, weights, *rest, **given)
    lengths = parts_of(rest)[1]
    if lengths is None or lengths.dtype.kind != "i" or not x.shape[1]:
        return y
    behind = np.arange(x.shape[1]) >= lengths[:, None]
    spoilt = (np.where(behind[..., None], x, 0) * 0).sum((1, 2))
    return (y + spoilt.reshape(-1, *[1] * (y.ndim - 1))).astype(y.dtype)


@MUTANTS.each("one where on the state, and none on the input", "elman.padding-gradient", part="_vjp")
def masks_the_state_alone(f, x, weights, *rest, **given):
    gradients = f(x, weights, *rest, **given)
    lengths = rest[1] if len(rest) > 2 else None
    if lengths is None:
        return gradients
    behind = np.arange(x.shape[1]) >= lengths[:, None]
    spoilt = (np.where(behind[..., None], x, 0) * 0).sum((0, 1))
    dx, table, *carry = gradients
    return (dx, table | {"kernel": (table["kernel"] + spoilt[:, None]).astype(x.dtype)}, *carry)


@MUTANTS.each("the backward pass knows no lengths", "elman.lengths-gradient", part="_vjp")
def goes_back_through_the_padding(f, x, weights, *rest, **given):
    carry, *_, g = (*rest[:1], *rest[1:]) if len(rest) > 1 else (None, *rest)
    return f(x, weights, g, **given) if carry is None else f(x, weights, carry, g, **given)


@MUTANTS.each(
    "the outputs are zeroed after the layer, whose backward pass goes on",
    "elman.padded-outputs-gradient",
    part="_vjp",
)
def counts_what_comes_back_for_the_padding(f, x, weights, *rest, **given):
    other = "repeated" if given.get("padded_outputs", "zero") == "zero" else "zero"
    return f(x, weights, *rest, **given | ({"padded_outputs": other} if len(rest) > 2 else {}))


@MUTANTS.each("the backward pass turns the array round as a whole", "elman.lengths-gradient", part="_vjp")
def goes_back_through_the_padding_where_it_reads_backwards(f, x, weights, *rest, **given):
    carry, *_, g = (*rest[:1], *rest[1:]) if len(rest) > 1 else (None, *rest)
    if not given.get("reverse") or carry is None:
        return f(x, weights, *rest, **given)
    return f(x, weights, carry, g, **given)


@MUTANTS.each("step -1 of an empty sequence is the last one of the array: Flax", "elman.empty-sequence")
def takes_the_last_step_of_an_empty_sequence(f, x, weights, *rest, **given):
    carry, lengths = parts_of(rest)
    return f(x, weights, carry, None if lengths is None else np.where(lengths == 0, x.shape[1], lengths), **given)


@MUTANTS.each("a loop whose body runs before its condition", "elman.no-steps")
def makes_a_step_where_there_is_none(f, x, *rest, **given):
    none = not x.shape[1] and given.get("outputs") == "last"
    return f(np.zeros((len(x), 1, x.shape[2]), x.dtype), *rest, **given) if none else f(x, *rest, **given)


# ---- the other direction


@MUTANTS.each("the keyword is taken and not handed on", "elman.reverse")
def goes_forwards_whatever_is_asked(f, *arrays, **given):
    return f(*arrays, **given | {"reverse": False})


@MUTANTS.each("the array is turned round as a whole: keras 7244", "elman.reverse-start")
def starts_backwards_in_the_padding(f, x, weights, *rest, **given):
    carry, lengths = parts_of(rest)
    if lengths is None or not given.get("reverse") or given.get("outputs") != "last":
        return f(x, weights, *rest, **given)
    return f(x, weights, carry, **given)


@MUTANTS.each("states are put back into the order of the array, not of the sequence", "elman.reverse-start")
def turns_states_back_with_the_padding(f, x, weights, *rest, **given):
    y = f(x, weights, *rest, **given)
    lengths = parts_of(rest)[1]
    if lengths is None or not given.get("reverse") or given.get("outputs") == "last":
        return y
    steps = np.arange(x.shape[1])[None]
    own = np.where(steps < lengths[:, None], lengths[:, None] - 1 - steps, steps)
    return np.take_along_axis(y, own[..., None], 1)[:, ::-1]


# ---- gradients through time


@MUTANTS.each("the graph is cut between steps: truncated, and nobody said so", "elman.gradient", part="_vjp")
def goes_back_through_four_steps_alone(f, x, weights, *rest, **given):
    carry, *middle, g = rest if len(rest) > 1 else (None, *rest)
    if middle or given.get("reverse") or x.shape[1] <= 4:
        return f(x, weights, *rest, **given)
    told = {**given, "outputs": "last"}
    start = oracle.elman(x[:, :-4], weights, carry, **told)
    cut = g if given.get("outputs") == "last" else g[:, -4:]
    dx, table, dh = f(x[:, -4:], weights, start.astype(x.dtype), cut, **given)
    return (np.concatenate([0 * x[:, :-4], dx], 1), table) + (() if carry is None else (0 * dh,))


@MUTANTS.each("the mean over the steps in the place of the sum", "elman.gradient", part="_vjp")
def averages_the_gradients_over_the_steps(f, x, *rest, **given):
    dx, table, *carry = f(x, *rest, **given)
    return (dx, {name: (g / max(x.shape[1], 1)).astype(g.dtype) for name, g in table.items()}, *carry)


MUTANTS.each("a loss that was averaged twice", "elman.gradient", part="_vjp")(
    classic.averages_the_gradients_of_the_biases
)


@MUTANTS.each("the kernel of the forward pass in the backward pass: right while it is symmetric", "elman.jacobian",
              "elman.gradient", part="_vjp")  # fmt: skip
def forgets_to_transpose_on_the_way_back(f, x, weights, *rest, **given):
    if len(rest) != 2 or given.get("reverse"):
        return f(x, weights, *rest, **given)
    carry, g = (part.astype(np.float64) for part in rest)
    table = {name: w.astype(np.float64) for name, w in weights.items()}
    states = [carry]
    for t in range(x.shape[1]):
        states.append(oracle.elman_step(x[:, t].astype(np.float64), table, states[-1], activation=given["activation"]))
    last = given.get("outputs") == "last"
    total = g if last else np.zeros_like(carry)
    for t in range(x.shape[1] - 1, -1, -1):
        total = total + (0 if last else g[:, t])
        total = (total * oracle.slope(states[t + 1], given["activation"])) @ table["recurrent_kernel"]
    dx, gradients, _ = f(x, weights, *rest, **given)
    return dx, gradients, total.astype(x.dtype)


@MUTANTS.each("a residual connection in the backward pass alone", "elman.jacobian-bound", part="_vjp")
def adds_the_cotangent_of_the_state_to_that_of_the_carry(f, x, weights, *rest, **given):
    dx, table, *carry = f(x, weights, *rest, **given)
    g = rest[-1] if given.get("outputs") == "last" else rest[-1].sum(1, dtype=x.dtype)
    return (dx, table, *(dh + g for dh in carry))


# ---- refusals: what lets a wrong call through


@MUTANTS.each("lengths are clipped to what there is", "elman.lengths-range")
def clips_the_lengths(f, x, weights, *rest, **given):
    carry, lengths = parts_of(rest)
    return f(x, weights, carry, None if lengths is None else np.clip(lengths, 0, x.shape[1]), **given)


@MUTANTS.each("lengths are cast to integers", "elman.lengths-integer")
def rounds_the_lengths(f, x, weights, *rest, **given):
    carry, lengths = parts_of(rest)
    return f(x, weights, carry, None if lengths is None else lengths.astype(np.int64), **given)
