"""Wrong stacks and wrong bidirectional layers; each caught by the clause that it names."""

from __future__ import annotations

import numpy as np

from nnspec_conformance.mutant import ORACLE, Mutants
from nnspec_conformance.oracles.architectures import stacked_recurrent as oracle

MUTANTS = Mutants()
STACK = "stacked-recurrent"
TURNED = "the keyword that turns a layer round, without turning its answer back"


def stacked(x, weights, cell, between):
    """A stack of right layers, with what stands between two of them."""
    read, last = x, []
    for number in range(oracle.depth(weights)):
        read = oracle.layer(between(read) if number else read, oracle.of_layer(weights, number, cell), cell)
        last.append(oracle.at_the_end(read))
    return read.astype(x.dtype), np.stack(last).astype(x.dtype)


def exchanged(weights, one, other):
    """The table with the arrays of two layers or directions exchanged, by what stands in their names."""

    def partner(name):
        if one in name:
            return name.replace(one, other)
        return name.replace(other, one) if other in name else name

    return {name: weights[partner(name)] for name in weights}


def last_column(y):
    """What stands in the last row of the states."""
    return y[:, -1].copy()


# ---- layers above one another


@MUTANTS.add("a module built once and put into the list several times: [layer] * n", f"{STACK}.value")
def gives_all_layers_above_the_weights_of_the_second(x, weights, **given):
    return ORACLE.stacked_recurrent(x, {name: weights[f"{name[:-1]}1"] if name[-1] == "2" else w
                                        for name, w in weights.items()}, **given)  # fmt: skip


@MUTANTS.add("a port that counts the layers from the output", f"{STACK}.value", f"{STACK}.example")
def exchanges_the_upper_layers(x, weights, **given):
    return ORACLE.stacked_recurrent(x, exchanged(weights, "_1", "_2"), **given)


@MUTANTS.add("a residual connection that some stacks have and the published one has not", f"{STACK}.value")
def adds_what_a_layer_has_read(x, weights, *, cell):
    read = x
    for number in range(oracle.depth(weights)):
        y = oracle.layer(read, oracle.of_layer(weights, number, cell), cell)
        read = y + read if number else y
    return read.astype(x.dtype), ORACLE.stacked_recurrent(x, weights, cell=cell)[1]


@MUTANTS.add("the state of each layer starts the next one, as an encoder starts its decoder", f"{STACK}.value")
def shifts_what_the_upper_layers_read_by_a_step(x, weights, *, cell):
    return stacked(x, weights, cell, lambda y: np.roll(y, 1, 1))


@MUTANTS.add("dropout that stays on in evaluation", f"{STACK}.value")
def halves_the_states_between_the_layers(x, weights, *, cell):
    return stacked(x, weights, cell, lambda y: (y * 0.5).astype(y.dtype))


@MUTANTS.add("the list is filled from the topmost layer on", f"{STACK}.last")
def hands_out_the_last_states_from_the_topmost_on(*arrays, **given):
    states, last = ORACLE.stacked_recurrent(*arrays, **given)
    return states, last[::-1].copy()


@MUTANTS.add("the carry of the topmost layer is taken for that of all", f"{STACK}.last")
def hands_out_the_topmost_last_state_for_every_layer(*arrays, **given):
    states, last = ORACLE.stacked_recurrent(*arrays, **given)
    return states, np.broadcast_to(last[-1:], last.shape).copy()


@MUTANTS.add("a lower layer that reads in both directions, below a model that predicts", f"{STACK}.prefix",
             f"{STACK}.value")  # fmt: skip
def reads_the_mean_of_all_steps_above(x, weights, *, cell):
    return stacked(x, weights, cell, lambda y: y - y.mean(1, keepdims=True, dtype=y.dtype))


@MUTANTS.add("a detach() between the layers, left from pretraining them one by one", f"{STACK}.gradient", part="_vjp")
def hands_no_gradient_to_the_layers_below(*arrays, **given):
    dx, table = ORACLE.stacked_recurrent_vjp(*arrays, **given)
    return 0 * dx, {name: w if name.endswith("_2") else 0 * w for name, w in table.items()}


@MUTANTS.add("the last states are read out without their graph", f"{STACK}.gradient", part="_vjp")
def hands_no_gradient_through_the_last_states(x, weights, g, **given):
    return ORACLE.stacked_recurrent_vjp(x, weights, (g[0], 0 * g[1]), **given)


@MUTANTS.add("squeeze() at the end: right until a layer has one unit, or a batch one example", f"{STACK}.shape")
def drops_axes_of_length_one(*arrays, **given):
    states, last = ORACLE.stacked_recurrent(*arrays, **given)
    return np.squeeze(states), last


@MUTANTS.add("the state of the topmost layer alone, as a single layer hands it back", f"{STACK}.shape", f"{STACK}.last")
def hands_out_one_last_state(*arrays, **given):
    states, last = ORACLE.stacked_recurrent(*arrays, **given)
    return states, last[-1]


# ---- two directions


@MUTANTS.add("the last row of the answer, where a classifier wants the last state", "bidirectional.last",
             "bidirectional.example", name="takes the last row for the last state")  # fmt: skip
def takes_the_last_row(*arrays, **given):
    states, _ = ORACLE.bidirectional(*arrays, **given)
    return states, last_column(states)


@MUTANTS.add(TURNED, "bidirectional.aligned", "bidirectional.example",
             name="leaves the backward states in the order of their computation")  # fmt: skip
def leaves_the_backward_states_turned(*arrays, **given):
    states, last = ORACLE.bidirectional(*arrays, **given)
    front, back = np.split(states, 2, -1)
    return np.concatenate([front, back[:, ::-1]], -1), last


@MUTANTS.add("one layer object handed over for both directions", "bidirectional.value", "bidirectional.example")
def reads_backwards_with_the_forward_weights(x, weights, *lengths, **given):
    shared = {name: weights[name.replace("backward", "forward")] for name in weights}
    return ORACLE.bidirectional(x, shared, *lengths, **given)


@MUTANTS.add("the halves joined in the other order", "bidirectional.value", "bidirectional.example")
def puts_the_backward_half_first(*arrays, **given):
    states, last = ORACLE.bidirectional(*arrays, **given)
    return tuple(np.roll(part, part.shape[-1] // 2, -1) for part in (states, last))


@MUTANTS.add("the sum of both halves beside itself: another way to merge", "bidirectional.value")
def adds_the_halves(*arrays, **given):
    states, last = ORACLE.bidirectional(*arrays, **given)
    total = np.add(*np.split(states, 2, -1))
    return np.concatenate([total, total], -1), last


@MUTANTS.add("the keyword of the second layer is taken and not handed on", "bidirectional.turned",
             "bidirectional.value")  # fmt: skip
def reads_forwards_twice(x, weights, lengths=None, *, cell):
    states, last = ORACLE.bidirectional(x, exchanged(weights, "forward", "backward"), lengths, cell=cell)
    right = ORACLE.bidirectional(x, weights, lengths, cell=cell)
    units = states.shape[-1] // 2
    return tuple(
        np.concatenate([ours[..., :units], theirs[..., :units]], -1)
        for ours, theirs in zip(right, (states, last), strict=True)
    )


@MUTANTS.add("a detach() before the halves are joined", "bidirectional.gradient", part="_vjp")
def hands_no_gradient_to_the_backward_half(x, weights, *rest, **given):
    *lengths, (states, last) = rest
    units = last.shape[-1] // 2
    kept = tuple(np.concatenate([g[..., :units], 0 * g[..., units:]], -1) for g in (states, last))
    return ORACLE.bidirectional_vjp(x, weights, *lengths, kept, **given)


@MUTANTS.add("the backward pass forgets to turn the cotangents round", "bidirectional.gradient", part="_vjp")
def leaves_the_cotangents_of_the_backward_half_in_order(x, weights, *rest, **given):
    *lengths, (states, last) = rest
    units = last.shape[-1] // 2
    turned = np.concatenate([states[..., :units], states[:, ::-1, units:]], -1)
    return ORACLE.bidirectional_vjp(x, weights, *lengths, (turned, last), **given)


@MUTANTS.add("squeeze() at the end: right until a layer has one unit, or a batch one example", "bidirectional.shape",
             name="drops axes of length one")  # fmt: skip
def drops_axes(*arrays, **given):
    states, last = ORACLE.bidirectional(*arrays, **given)
    return np.squeeze(states), last


# ---- lengths


@MUTANTS.add("the array is turned round as a whole, and reading begins in the padding: keras 7244",
             "bidirectional.lengths", "bidirectional.padding")  # fmt: skip
def starts_backwards_in_the_padding(x, weights, lengths=None, **given):
    states, last = ORACLE.bidirectional(x, weights, lengths, **given)
    if lengths is None:
        return states, last
    whole, end = ORACLE.bidirectional(x, weights, **given)
    units = last.shape[-1] // 2
    return tuple(
        np.concatenate([ours[..., :units], theirs[..., units:]], -1) for ours, theirs in ((states, whole), (last, end))
    )


@MUTANTS.add("states are put back into the order of the array, not of the sequence", "bidirectional.lengths")
def turns_backward_states_with_the_padding(x, weights, lengths=None, **given):
    states, last = ORACLE.bidirectional(x, weights, lengths, **given)
    if lengths is None:
        return states, last
    steps, units = np.arange(x.shape[1])[None], last.shape[-1] // 2
    own = np.where(steps < lengths[:, None], lengths[:, None] - 1 - steps, steps)
    turned = np.take_along_axis(states, own[..., None], 1)[:, ::-1]
    return np.concatenate([states[..., :units], turned[..., units:]], -1), last


@MUTANTS.add("the padding is set to zero where it is a number: zero times NaN is NaN", "bidirectional.padding")
def multiplies_by_the_mask(x, weights, lengths=None, **given):
    states, last = ORACLE.bidirectional(x, weights, lengths, **given)
    if lengths is None:
        return states, last
    behind = (np.arange(x.shape[1]) >= lengths[:, None])[..., None]
    spoilt = (np.where(behind, x, 0) * 0).sum((1, 2))
    return (states + spoilt[:, None, None]).astype(x.dtype), (last + spoilt[:, None]).astype(x.dtype)


@MUTANTS.add("the backward pass knows no lengths", "bidirectional.lengths-gradient", part="_vjp")
def goes_back_through_the_padding(x, weights, *rest, **given):
    return ORACLE.bidirectional_vjp(x, weights, rest[-1], **given)
