"""Wrong gated recurrent units; each caught by the clause that it names."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnspec_conformance import classic_faults as classic
from nnspec_conformance.mutant import ORACLE, Mutants
from nnspec_conformance.oracles.architectures import gru as oracle

MUTANTS = Mutants()
VALUE = ("gru-step.value", "gru-step.example")


def parts_of(rest):
    """The carry and the lengths of a call, None for what was left out."""
    return (*rest, None, None)[:2]


def behind(x, lengths):
    """Which steps lie behind the end of their sequence."""
    return np.arange(x.shape[1]) >= lengths[:, None]


def one_after_the_other(step, x, weights, carry, given):
    """All states of a wrong step, in the dtype."""
    h, found = np.zeros((len(x), weights["bias_n"].size), x.dtype) if carry is None else carry, []
    for t in range(x.shape[1]):
        h = step(x[:, t], weights, h)
        found.append(h)
    return found[-1] if given.get("outputs") == "last" else np.stack(found, 1).astype(x.dtype)


def parts(x, weights, h, reset):
    """Gates and candidate of the right step, in float64."""
    table = {name: w.astype(np.float64) for name, w in weights.items()}
    return oracle.gates(x.astype(np.float64), oracle.packed(table, reset), h.astype(np.float64), reset=reset)


# ---- one step


@MUTANTS.each("h' = (1 - z) h + z n, as in Chung et al. 2014", "gru-step.update-gate", "gru-step.value")
def lets_the_update_gate_keep_the_candidate(f, x, weights, carry, **given):
    return f(x, {name: -w if name.endswith("_z") else w for name, w in weights.items()}, carry, **given)


@MUTANTS.each("the other half of the frameworks, with the same weights", "gru.reset")
def resets_on_the_other_side_of_the_product(f, x, weights, *rest, **given):
    reset = given.get("reset", "before")
    if reset == "before":
        return f(x, weights, *rest, **given | {"reset": "after-one-bias"})
    second = weights.get("recurrent_bias_n", np.zeros_like(weights["bias_n"]))
    joined = {name: w for name, w in weights.items() if name != "recurrent_bias_n"}
    return f(x, joined | {"bias_n": weights["bias_n"] + second}, *rest, **given | {"reset": "before"})


@MUTANTS.each("the two biases of the candidate added, as those of the gates may be", "gru.reset")
def adds_the_recurrent_bias_outside_the_reset(f, x, weights, *rest, **given):
    second = weights.get("recurrent_bias_n")
    if second is None:
        return f(x, weights, *rest, **given)
    moved = weights | {"bias_n": weights["bias_n"] + second, "recurrent_bias_n": 0 * second}
    return f(x, moved, *rest, **given)


@MUTANTS.add("z, r, n taken for r, z, n: Keras for PyTorch, keras 15915", *VALUE)
def swaps_reset_and_update_gate(x, weights, carry, **given):
    swap = {"r": "z", "z": "r"}
    swapped = {name[:-1] + swap.get(name[-1], name[-1]): w for name, w in weights.items()}
    return ORACLE.gru_step(x, swapped, carry, **given)


@MUTANTS.add("kernels ported from a framework that keeps them as [out, in]", *VALUE[:1])
def multiplies_by_the_transposed_recurrent_kernels(x, weights, carry, **given):
    turned = {name: w.T if name.startswith("recurrent_kernel") else w for name, w in weights.items()}
    return ORACLE.gru_step(x, turned, carry, **given)


@MUTANTS.add("hard_sigmoid, the gate of old Keras", "gru-step.value")
def has_gates_of_straight_lines(x, weights, carry, *, reset="before"):
    found = parts(x, weights, carry, reset)
    kept = np.clip(0.2 * np.split(found["sums"], 2, -1)[1] + 0.5, 0, 1)
    return ((1 - kept) * found["n"] + kept * carry).astype(x.dtype)


@MUTANTS.add("the candidate without tanh: the cell of an LSTM is not squashed either", "gru-step.value")
def has_no_activation_of_the_candidate(x, weights, carry, *, reset="before"):
    found = parts(x, weights, carry, reset)
    return (found["new"] * np.arctanh(found["n"]) + found["kept"] * carry).astype(x.dtype)


@MUTANTS.add("the reset gate is computed and not used: a minimal gated unit", "gru-step.reset-gate", "gru-step.value")
def never_resets(x, weights, carry, **given):
    open_gate = {"kernel_r": 0, "recurrent_kernel_r": 0}
    opened = {name: open_gate[name] * w if name in open_gate else w for name, w in weights.items()}
    return ORACLE.gru_step(x, opened | {"bias_r": np.full_like(weights["bias_r"], 1000)}, carry, **given)


@MUTANTS.add("a clipped logit, so that no gate is ever quite open", "gru-step.reset-gate")
def never_shuts_the_reset_gate(x, weights, carry, **given):
    return ORACLE.gru_step(x, weights | {"bias_r": np.clip(weights["bias_r"], -2, 2)}, carry, **given)


@MUTANTS.add("a gate of 1 is never reached: logits are clipped", "gru-step.update-gate")
def never_opens_the_update_gate(x, weights, carry, **given):
    return ORACLE.gru_step(x, weights | {"bias_z": np.clip(weights["bias_z"], -2, 2)}, carry, **given)


@MUTANTS.add("the sign of the kernels turned and the bias forgotten, when a table is converted", "gru-step.update-sign")
def turns_no_bias_of_the_update_gate(x, weights, carry, **given):
    return ORACLE.gru_step(x, weights | {"bias_z": np.abs(weights["bias_z"])}, carry, **given)


# ---- its gradient


@MUTANTS.add("the gates are constants in the backward pass", "gru-step.gradient", part="_vjp")
def hands_no_gradient_through_the_update_gate(x, weights, carry, g, **given):
    dx, table, dh = ORACLE.gru_step_vjp(x, weights, carry, g, **given)
    return dx, {name: 0 * w if name.endswith("_z") else w for name, w in table.items()}, dh


@MUTANTS.add("the old state is a copy that is cut off from the graph", "gru-step.gradient", part="_vjp")
def loses_the_way_past_the_gates(x, weights, carry, g, **given):
    dx, table, dh = ORACLE.gru_step_vjp(x, weights, carry, g, **given)
    kept = parts(x, weights, carry, given.get("reset", "before"))["kept"]
    return dx, table, (dh - g * kept).astype(dh.dtype)


@MUTANTS.add("the slope of the sigmoid taken for that of tanh", "gru-step.gradient", part="_vjp")
def takes_the_slope_of_tanh_for_that_of_the_reset_gate(x, weights, carry, g, **given):
    dx, table, dh = ORACLE.gru_step_vjp(x, weights, carry, g, **given)
    r = parts(x, weights, carry, given.get("reset", "before"))["r"]
    factor = (1 + r.mean()) / r.mean()
    return dx, {name: (factor * w).astype(w.dtype) if name.endswith("_r") else w for name, w in table.items()}, dh


# ---- what the gates make of a state


@MUTANTS.each("the candidate is added, not mixed in", "gru.bounded", "gru.value")
def adds_the_whole_candidate(f, x, weights, *rest, **given):
    carry, lengths = parts_of(rest)
    if lengths is not None or given.get("reverse") or not x.shape[1]:
        return f(x, weights, *rest, **given)
    reset = given.get("reset", "before")

    def step(y, table, h):
        found = parts(y, table, h, reset)
        return (found["n"] + found["kept"] * h).astype(x.dtype)

    return one_after_the_other(step, x, weights, carry, given)


@MUTANTS.each("a little of the state is lost at each step, a weight decay of the carry", "gru.held-state")
def lets_the_state_fade(f, x, weights, *rest, **given):
    y = f(x, weights, *rest, **given)
    return (y * 0.999).astype(y.dtype) if given.get("outputs") == "last" else y


@MUTANTS.each("the gradient is cut between steps: truncated, and nobody said so", "gru.held-state", part="_vjp")
def hands_no_gradient_to_the_carry(f, *arrays, **given):
    dx, table, *carry = f(*arrays, **given)
    return (dx, table, *(0 * dh for dh in carry))


# ---- sequences


@MUTANTS.each("kernels ported from a framework that keeps them as [out, in]", "gru.value")
def multiplies_by_the_transposed_recurrent_kernels_in_a_sequence(f, x, weights, *rest, **given):
    turned = {name: w.T if name.startswith("recurrent_kernel") else w for name, w in weights.items()}
    return f(x, turned, *rest, **given)


@MUTANTS.each("a layer for each step: the loop forgets to hand the state on", "gru.steps", "gru.value")
def forgets_the_state_between_steps(f, x, weights, *rest, **given):
    carry, lengths = parts_of(rest)
    if lengths is not None or given.get("reverse") or not x.shape[1]:
        return f(x, weights, *rest, **given)
    start = np.zeros((len(x), weights["bias_n"].size), x.dtype) if carry is None else carry
    told = {"reset": given.get("reset", "before")}
    return one_after_the_other(lambda y, w, h: ORACLE.gru_step(y, w, start, **told), x, weights, start, given)


@MUTANTS.each("reshape in the place of a transpose where time comes first", "gru.value")
def mixes_batch_and_time(f, x, *rest, **given):
    return f(x.swapaxes(0, 1).reshape(x.shape), *rest, **given)


@MUTANTS.each("always from zero: what a stateless layer does in a loop over chunks", "gru.chunks", "gru.value")
def starts_from_zero_whatever_the_carry(f, x, weights, *rest, **given):
    carry, lengths = parts_of(rest)
    return f(x, weights, None if carry is None else 0 * carry, lengths, **given)


@MUTANTS.each("the state is handed back before the last step has moved it", "gru.chunks", "gru.value")
def hands_back_the_state_before_the_last_step(f, x, weights, *rest, **given):
    if given.get("outputs") != "last" or x.shape[1] < 2:
        return f(x, weights, *rest, **given)
    carry, lengths = parts_of(rest)
    return f(x[:, :-1], weights, carry, None if lengths is None else np.minimum(lengths, x.shape[1] - 1), **given)


@MUTANTS.each("the sequence is normalized as a whole: the future leaks into the past", "gru.prefix", "gru.value")
def subtracts_the_mean_over_time(f, x, *rest, **given):
    return f(x - x.mean(1, keepdims=True, dtype=x.dtype), *rest, **given)


@MUTANTS.each("without a carry the first step has no recurrent half, and no bias of it: mlx 3249", "gru.zero-carry")
def leaves_biases_out_of_the_first_step(f, x, weights, *rest, **given):
    if rest or given.get("reverse"):
        return f(x, weights, *rest, **given)
    left_out = "recurrent_bias_n" if "recurrent_bias_n" in weights else "bias_z"
    told, unbiased = {"reset": given.get("reset", "before")}, weights | {left_out: 0 * weights[left_out]}
    start = np.zeros((len(x), weights["bias_n"].size), x.dtype)
    first = ORACLE.gru_step(x[:, 0], unbiased, start, **told)
    later = f(x[:, 1:], weights, first, **given)
    return later if given.get("outputs") == "last" else np.concatenate([first[:, None], later], 1)


@MUTANTS.each("squeeze() at the end: right until a layer has one unit, or a batch one example", "gru.shape")
def drops_axes_of_length_one(f, *arrays, **given):
    return np.squeeze(f(*arrays, **given))


@MUTANTS.each("the default of Keras", "gru.default-outputs")
def hands_out_the_last_state_where_nothing_is_said(f, *arrays, **given):
    return f(*arrays, **{"outputs": "last"} | given)


# ---- lengths


@MUTANTS.each("the last column is taken for the last step of every sequence", "gru.lengths")
def reads_on_behind_the_end(f, x, weights, *rest, **given):
    return f(x, weights, *rest[:1], **given) if given.get("outputs") == "last" else f(x, weights, *rest, **given)


@MUTANTS.each("the index of the last step taken for the number of steps", "gru.lengths")
def stops_one_step_before_the_end(f, x, weights, *rest, **given):
    carry, lengths = parts_of(rest)
    return f(x, weights, carry, None if lengths is None else np.maximum(lengths - 1, 0), **given)


@MUTANTS.each("lengths that are all alike are taken for none", "gru.lengths", "gru.padded-outputs")
def takes_equal_lengths_for_none(f, x, weights, *rest, **given):
    carry, lengths = parts_of(rest)
    alike = lengths is not None and len(lengths) > 1 and len({*lengths.tolist()}) == 1
    return f(x, weights, carry, None if alike else lengths, **given)


@MUTANTS.each("a loop that is not entered has no gradient", "gru.empty-sequence", part="_vjp")
def has_no_gradient_for_a_sequence_of_length_zero(f, x, weights, *rest, **given):
    dx, table, *carry = f(x, weights, *rest, **given)
    lengths = parts_of(rest[:-1])[1]
    if lengths is None:
        return dx, table, *carry
    some = (lengths > 0)[:, None]
    return dx, table, *(np.where(some, part, np.zeros_like(part)) for part in carry)


@MUTANTS.each("m * new + (1 - m) * old: zero times NaN is NaN", "gru.padding")
def multiplies_by_the_mask(f, x, weights, *rest, **given):
    y, lengths = f(x, weights, *rest, **given), parts_of(rest)[1]
    if lengths is None or lengths.dtype.kind != "i" or not x.shape[1]:
        return y
    spoilt = (np.where(behind(x, lengths)[..., None], x, 0) * 0).sum((1, 2))
    return (y + spoilt.reshape(-1, *[1] * (y.ndim - 1))).astype(y.dtype)


@MUTANTS.each("one where on the state, and none on the input", "gru.padding-gradient", part="_vjp")
def masks_the_state_alone(f, x, weights, *rest, **given):
    gradients, lengths = f(x, weights, *rest, **given), rest[1] if len(rest) > 2 else None
    if lengths is None:
        return gradients
    spoilt = (np.where(behind(x, lengths)[..., None], x, 0) * 0).sum((0, 1))
    dx, table, *carry = gradients
    return (dx, table | {"kernel_n": (table["kernel_n"] + spoilt[:, None]).astype(x.dtype)}, *carry)


@MUTANTS.each("the backward pass knows no lengths", "gru.lengths-gradient", part="_vjp")
def goes_back_through_the_padding(f, x, weights, *rest, **given):
    return f(x, weights, rest[0], rest[-1], **given) if len(rest) > 1 else f(x, weights, *rest, **given)


@MUTANTS.each("the backward pass turns the array round as a whole", "gru.lengths-gradient", part="_vjp")
def goes_back_through_the_padding_where_it_reads_backwards(f, x, weights, *rest, **given):
    if not given.get("reverse") or len(rest) < 2:
        return f(x, weights, *rest, **given)
    return f(x, weights, rest[0], rest[-1], **given)


@MUTANTS.each(
    "the outputs are zeroed after the layer, whose backward pass goes on", "gru.padded-outputs-gradient", part="_vjp"
)
def counts_what_comes_back_for_the_padding(f, x, weights, *rest, **given):
    other = "repeated" if given.get("padded_outputs", "zero") == "zero" else "zero"
    return f(x, weights, *rest, **given | ({"padded_outputs": other} if len(rest) > 2 else {}))


@MUTANTS.each("step -1 of an empty sequence is the last one of the array: Flax", "gru.empty-sequence")
def takes_the_last_step_of_an_empty_sequence(f, x, weights, *rest, **given):
    carry, lengths = parts_of(rest)
    return f(x, weights, carry, None if lengths is None else np.where(lengths == 0, x.shape[1], lengths), **given)


@MUTANTS.each("a loop whose body runs before its condition", "gru.no-steps")
def makes_a_step_where_there_is_none(f, x, *rest, **given):
    none = not x.shape[1] and given.get("outputs") == "last"
    return f(np.zeros((len(x), 1, x.shape[2]), x.dtype), *rest, **given) if none else f(x, *rest, **given)


# ---- the other direction


@MUTANTS.each("the keyword is taken and not handed on", "gru.reverse")
def goes_forwards_whatever_is_asked(f, *arrays, **given):
    return f(*arrays, **given | {"reverse": False})


@MUTANTS.each("the array is turned round as a whole: keras 7244", "gru.reverse-start")
def starts_backwards_in_the_padding(f, x, weights, *rest, **given):
    carry, lengths = parts_of(rest)
    if lengths is None or not given.get("reverse") or given.get("outputs") != "last":
        return f(x, weights, *rest, **given)
    return f(x, weights, carry, **given)


# ---- gradients through time


@MUTANTS.each("the graph is cut between steps: truncated, and nobody said so", "gru.gradient", part="_vjp")
def goes_back_through_four_steps_alone(f, x, weights, *rest, **given):
    carry, *middle, g = rest if len(rest) > 1 else (None, *rest)
    if middle or given.get("reverse") or x.shape[1] <= 4:
        return f(x, weights, *rest, **given)
    shown: dict[str, Any] = given | {"outputs": "last"}
    start = oracle.gru(x[:, :-4], weights, carry, **shown)
    cut = g if given.get("outputs") == "last" else g[:, -4:]
    dx, table, dh = f(x[:, -4:], weights, start.astype(x.dtype), cut, **given)
    return (np.concatenate([0 * x[:, :-4], dx], 1), table) + (() if carry is None else (0 * dh,))


@MUTANTS.each("the mean over the steps in the place of the sum", "gru.gradient", part="_vjp")
def averages_the_gradients_over_the_steps(f, x, *rest, **given):
    dx, table, *carry = f(x, *rest, **given)
    return (dx, {name: (g / max(x.shape[1], 1)).astype(g.dtype) for name, g in table.items()}, *carry)


MUTANTS.each("a loss that was averaged twice", "gru.gradient", part="_vjp")(
    classic.averages_the_gradients_of_the_biases
)


# ---- refusals: what lets a wrong call through


@MUTANTS.each("lengths are clipped to what there is", "gru.lengths-range")
def clips_the_lengths(f, x, weights, *rest, **given):
    carry, lengths = parts_of(rest)
    return f(x, weights, carry, None if lengths is None else np.clip(lengths, 0, x.shape[1]), **given)


@MUTANTS.each("lengths are cast to integers", "gru.lengths-integer")
def rounds_the_lengths(f, x, weights, *rest, **given):
    carry, lengths = parts_of(rest)
    return f(x, weights, carry, None if lengths is None else lengths.astype(np.int64), **given)
