"""Wrong long short-term memories; each caught by the clause that it names."""

from __future__ import annotations

import numpy as np

from nnspec_conformance import classic_faults as classic
from nnspec_conformance.mutant import ORACLE, Mutants
from nnspec_conformance.oracles.architectures import lstm as oracle
from nnspec_conformance.trees import mapped

MUTANTS = Mutants()
VALUES = ("lstm.value", "lstm.example")


def parts_of(rest):
    """State, cell and lengths of a call, None for what was left out."""
    return (*rest, None, None, None)[:3]


def renamed(weights, letters):
    """The weights with gates exchanged: each letter stands for the gate whose weights it is given."""
    return {name: weights[name[:-1] + letters.get(name[-1], name[-1])] for name in weights}


def with_bias(weights, gate, more):
    name = f"bias_{gate}"
    return weights | {name: (weights[name] + np.asarray(more, weights[name].dtype)).astype(weights[name].dtype)}


def one_step(x, weights, h, c, rule):
    """A step whose cell and state are those of a rule of the gates, in float64, and back in the dtype."""
    table = {name: w.astype(np.float64) for name, w in weights.items()}
    kernel, recurrent_kernel, bias = oracle.joined(table)
    gates = oracle.gates_of(x.astype(np.float64) @ kernel + h.astype(np.float64) @ recurrent_kernel + bias)
    return tuple(part.astype(x.dtype) for part in rule(*gates, c.astype(np.float64)))


def one_after_the_other(step, x, weights, rest):
    """All states of a wrong step, and the last carry; None where the call has lengths."""
    h, c, lengths = parts_of(rest)
    if lengths is not None:
        return None
    zero = np.zeros((len(x), weights["bias_i"].size), x.dtype)
    h, c = (zero if part is None else part for part in (h, c))
    found = []
    for t in range(x.shape[1]):
        h, c = step(x[:, t], weights, h, c)
        found.append(h)
    return (np.stack(found, 1) if found else np.zeros((*x.shape[:2], zero.shape[1]), x.dtype)), h, c


# ---- one step, and its gates


@MUTANTS.each("gates in the order f, i, g, o of other checkpoints, which have the same shapes", "lstm-step.value")
def exchanges_input_and_forget_gate(f, x, weights, h, c):
    return f(x, renamed(weights, {"i": "f", "f": "i"}), h, c)


@MUTANTS.each("i, g, f, o of Haiku and Sonnet taken for i, f, g, o", "lstm-step.value")
def exchanges_forget_gate_and_candidate(f, x, weights, h, c):
    return f(x, renamed(weights, {"f": "g", "g": "f"}), h, c)


@MUTANTS.each("a constant in the code, as in Haiku and old TensorFlow: belongs into the bias", "lstm-step.value")
def adds_one_to_the_forget_gate(f, x, weights, h, c):
    return f(x, with_bias(weights, "f", 1), h, c)


@MUTANTS.each("a slip of copy and paste: numpy-ml 42", "lstm-step.value")
def adds_the_bias_of_the_output_gate_to_all_gates(f, x, weights, h, c):
    return f(x, weights | {"bias_i": weights["bias_o"], "bias_f": weights["bias_o"]}, h, c)


@MUTANTS.each("kernels ported from a framework that keeps them as [out, in]", "lstm-step.value")
def multiplies_by_the_transposed_recurrent_kernels(f, x, weights, h, c):
    return f(x, {name: w.T if name.startswith("recurrent") else w for name, w in weights.items()}, h, c)


@MUTANTS.add("one gate for both, as in a GRU: what is written is what is forgotten", "lstm-step.value")
def forgets_what_it_writes(x, weights, h, c):
    def rule(i, f, g, o, c):
        c = (1 - i) * c + i * g
        return o * np.tanh(c), c

    return one_step(x, weights, h, c, rule)


@MUTANTS.add("the state shows the cell of the step before", "lstm-step.value")
def shows_the_old_cell(x, weights, h, c):
    return one_step(x, weights, h, c, lambda i, f, g, o, c: (o * np.tanh(c), f * c + i * g))


@MUTANTS.add("the gate was left out: every candidate is written", "lstm-step.input-gate", "lstm-step.value")
def writes_without_a_gate(x, weights, h, c):
    def rule(i, f, g, o, c):
        return o * np.tanh(f * c + g), f * c + g

    return one_step(x, weights, h, c, rule)


@MUTANTS.add("the network of 1997, which has no forget gate", "lstm-step.forget-gate", "lstm-step.value")
def never_forgets(x, weights, h, c):
    def rule(i, f, g, o, c):
        return o * np.tanh(c + i * g), c + i * g

    return one_step(x, weights, h, c, rule)


@MUTANTS.add("one activation for all four blocks", "lstm-step.candidate", "lstm-step.value")
def has_a_sigmoid_in_the_candidate(x, weights, h, c):
    def rule(i, f, g, o, c):
        z = np.arctanh(np.clip(g, -1 + 1e-16, 1 - 1e-16))
        c = f * c + i * oracle.sigmoid(z)
        return o * np.tanh(c), c

    return one_step(x, weights, h, c, rule)


@MUTANTS.add("the gate was left out: the cell is always shown", "lstm-step.output-gate", "lstm-step.value")
def shows_without_a_gate(x, weights, h, c):
    def rule(i, f, g, o, c):
        return np.tanh(f * c + i * g), f * c + i * g

    return one_step(x, weights, h, c, rule)


@MUTANTS.each("a copy of the cell that is cut off from the graph", "lstm-step.gradient", part="_vjp")
def hands_no_gradient_to_the_cell(f, x, weights, h, c, g):
    dx, table, dh, dc = f(x, weights, h, c, g)
    return dx, table, dh, 0 * dc


@MUTANTS.each("the backward pass forgets the state's way into the cell", "lstm-step.gradient", part="_vjp")
def takes_the_cotangent_of_the_cell_alone(f, x, weights, h, c, g):
    return f(x, weights, h, c, (0 * g[0], g[1]))


MUTANTS.each("a loss that was averaged twice", "lstm-step.gradient", part="_vjp")(classic.averages_the_gradients)


# ---- sequences


@MUTANTS.each("a constant in the code, as in Haiku and old TensorFlow: belongs into the bias", *VALUES)
def adds_one_to_the_forget_gate_in_the_code(f, x, weights, *rest, **given):
    return f(x, with_bias(weights, "f", 1), *rest, **given)


@MUTANTS.each("gates in another order than the layer's: the shapes fit", *VALUES)
def exchanges_the_input_and_the_output_gate(f, x, weights, *rest, **given):
    return f(x, renamed(weights, {"i": "o", "o": "i"}), *rest, **given)


@MUTANTS.each("reshape in the place of a transpose where time comes first", "lstm.value")
def mixes_batch_and_time(f, x, *rest, **given):
    return f(x.swapaxes(0, 1).reshape(x.shape), *rest, **given)


@MUTANTS.each("the loop forgets to hand the state on, and hands on the cell", "lstm.steps", "lstm.value")
def forgets_the_state_between_steps(f, x, weights, *rest, **given):
    h = parts_of(rest)[0]
    first = np.zeros((len(x), weights["bias_i"].size), x.dtype) if h is None else h
    found = one_after_the_other(lambda y, w, _, c: ORACLE.lstm_step(y, w, first, c), x, weights, rest)
    return f(x, weights, *rest, **given) if found is None or given.get("reverse") else found


@MUTANTS.each("a carry of which one half is dropped", "lstm.chunks", "lstm.value")
def hands_on_the_state_alone_between_chunks(f, x, weights, *rest, **given):
    h, c, lengths = parts_of(rest)
    return f(x, weights, h, None if c is None else 0 * c, lengths, **given)


@MUTANTS.each("Keras hands back [h, c], Flax (c, h): the carry in the other order", "lstm.carry", "lstm.value")
def hands_back_the_cell_before_the_state(f, *arrays, **given):
    y, h, c = f(*arrays, **given)
    return y, c, h


@MUTANTS.each("the state for both parts of the carry: an Elman network's habit", "lstm.carry", "lstm.value")
def hands_back_the_state_in_the_place_of_the_cell(f, *arrays, **given):
    y, h, _ = f(*arrays, **given)
    return y, h, h


@MUTANTS.each("the sequence is normalized as a whole: the future leaks into the past", "lstm.prefix", "lstm.value")
def subtracts_the_mean_over_time(f, x, *rest, **given):
    return f(x - x.mean(1, keepdims=True, dtype=x.dtype), *rest, **given)


@MUTANTS.each("a start that is learned, or a new layer's: ones", "lstm.zero-carry")
def starts_from_a_cell_of_ones(f, x, weights, *rest, **given):
    h, _, lengths = parts_of(rest)
    if h is not None:
        return f(x, weights, *rest, **given)
    zero = np.zeros((len(x), weights["bias_i"].size), x.dtype)
    return f(x, weights, zero, zero + np.ones((), x.dtype), lengths, **given)


@MUTANTS.each("cell_clip of TensorFlow, left on: a cell that counts to three", "lstm.cell-unbounded")
def clips_the_cell(f, x, weights, *rest, **given):
    def step(y, w, h, c):
        return ORACLE.lstm_step(y, w, h, np.clip(c, -3, 3))

    found = one_after_the_other(step, x, weights, rest)
    if found is None or given.get("reverse"):
        return f(x, weights, *rest, **given)
    y, h, c = found
    return y, h, np.clip(c, -3, 3)


@MUTANTS.each("h = o * c, the tanh of the output left out", "lstm.state-bounded", "lstm.value")
def shows_the_cell_without_its_tanh(f, x, weights, *rest, **given):
    def rule(i, f, g, o, c):
        return o * (f * c + i * g), f * c + i * g

    found = one_after_the_other(lambda y, w, h, c: one_step(y, w, h, c, rule), x, weights, rest)
    return f(x, weights, *rest, **given) if found is None or given.get("reverse") else found


@MUTANTS.each("squeeze() at the end: right until a layer has one unit, or a batch one example", "lstm.shape")
def drops_axes_of_length_one(f, *arrays, **given):
    return mapped(np.squeeze, f(*arrays, **given))


@MUTANTS.add("all biases start at zero, as in Flax", "lstm-forget-bias.start")
def starts_with_half_open_forget_gates(*, forget_bias=0.0, **sizes):
    return ORACLE.lstm_forget_bias(forget_bias=forget_bias, **sizes)


# ---- lengths


def without_lengths(f, x, weights, rest, given):
    h, c, _ = parts_of(rest)
    return f(x, weights, *(() if h is None else (h, c)), **given)


@MUTANTS.each("the last column is taken for the last step of every sequence", "lstm.lengths")
def reads_on_behind_the_end(f, x, weights, *rest, **given):
    y, *_ = f(x, weights, *rest, **given)
    return y, *without_lengths(f, x, weights, rest, given)[1:]


@MUTANTS.each("the index of the last step taken for the number of steps", "lstm.lengths")
def stops_one_step_before_the_end(f, x, weights, *rest, **given):
    h, c, lengths = parts_of(rest)
    return f(x, weights, h, c, None if lengths is None else np.maximum(lengths - 1, 0), **given)


@MUTANTS.each("the mask is put to the state and not to the cell", "lstm.lengths")
def freezes_the_state_alone(f, x, weights, *rest, **given):
    y, h, _ = f(x, weights, *rest, **given)
    return y, h, without_lengths(f, x, weights, rest, given)[2]


@MUTANTS.each("m * new + (1 - m) * old: zero times NaN is NaN", "lstm.padding")
def multiplies_by_the_mask(f, x, weights, *rest, **given):
    y, h, c = f(x, weights, *rest, **given)
    lengths = parts_of(rest)[2]
    if lengths is None or lengths.dtype.kind != "i" or not x.shape[1]:
        return y, h, c
    behind = np.arange(x.shape[1]) >= lengths[:, None]
    spoilt = (np.where(behind[..., None], x, 0) * 0).sum((1, 2))[:, None]
    return y, (h + spoilt).astype(y.dtype), (c + spoilt).astype(y.dtype)


@MUTANTS.each("one where on the state, and none on the input", "lstm.padding-gradient", part="_vjp")
def masks_the_state_alone(f, x, weights, *rest, **given):
    gradients = f(x, weights, *rest, **given)
    lengths = rest[2] if len(rest) > 3 else None
    if lengths is None:
        return gradients
    behind = np.arange(x.shape[1]) >= lengths[:, None]
    spoilt = (np.where(behind[..., None], x, 0) * 0).sum((0, 1))
    dx, table, *carry = gradients
    return dx, table | {"kernel_f": (table["kernel_f"] + spoilt[:, None]).astype(x.dtype)}, *carry


@MUTANTS.each("the backward pass knows no lengths", "lstm.lengths-gradient", part="_vjp")
def goes_back_through_the_padding(f, x, weights, *rest, **given):
    *carry, g = rest
    return f(x, weights, *carry[:2], g, **given)


@MUTANTS.each(
    "the outputs are zeroed after the layer, whose backward pass goes on", "lstm.padded-outputs-gradient", part="_vjp"
)  # fmt: skip
def counts_what_comes_back_for_the_padding(f, x, weights, *rest, **given):
    other = "repeated" if given.get("padded_outputs", "zero") == "zero" else "zero"
    return f(x, weights, *rest, **given | ({"padded_outputs": other} if len(rest) > 3 else {}))


@MUTANTS.each("step -1 of an empty sequence is the last one of the array: Flax", "lstm.empty-sequence")
def takes_the_last_step_of_an_empty_sequence(f, x, weights, *rest, **given):
    h, c, lengths = parts_of(rest)
    return f(x, weights, h, c, None if lengths is None else np.where(lengths == 0, x.shape[1], lengths), **given)


@MUTANTS.each("a loop whose body runs before its condition", "lstm.no-steps")
def makes_a_step_where_there_is_none(f, x, weights, *rest, **given):
    y, *carry = f(x, weights, *rest, **given)
    return (y, *carry) if x.shape[1] else (y, *ORACLE.lstm_step(np.zeros_like(x, shape=x.shape[::2]), weights, *carry))


# ---- the other direction


@MUTANTS.each("the keyword is taken and not handed on", "lstm.reverse")
def goes_forwards_whatever_is_asked(f, *arrays, **given):
    return f(*arrays, **given | {"reverse": False})


@MUTANTS.each("the array is turned round as a whole: keras 7244", "lstm.reverse-start")
def starts_backwards_in_the_padding(f, x, weights, *rest, **given):
    lengths = parts_of(rest)[2]
    if lengths is None or not given.get("reverse"):
        return f(x, weights, *rest, **given)
    return without_lengths(f, x, weights, rest, given)


@MUTANTS.each("states are put back into the order of the array, not of the sequence", "lstm.reverse-start")
def turns_states_back_with_the_padding(f, x, weights, *rest, **given):
    y, *carry = f(x, weights, *rest, **given)
    lengths = parts_of(rest)[2]
    if lengths is None or not given.get("reverse"):
        return y, *carry
    steps = np.arange(x.shape[1])[None]
    own = np.where(steps < lengths[:, None], lengths[:, None] - 1 - steps, steps)
    return np.take_along_axis(y, own[..., None], 1)[:, ::-1], *carry


# ---- gradients through time


@MUTANTS.each("the graph is cut between steps: truncated, and nobody said so", "lstm.gradient", part="_vjp")
def goes_back_through_four_steps_alone(f, x, weights, *rest, **given):
    *carry, g = rest
    if len(carry) > 2 or given.get("reverse") or x.shape[1] <= 4:
        return f(x, weights, *rest, **given)
    start = tuple(part.astype(x.dtype) for part in oracle.lstm(x[:, :-4], weights, *carry, **given)[1:])
    dx, table, *first = f(x[:, -4:], weights, *start, (g[0][:, -4:], *g[1:]), **given)
    return np.concatenate([0 * x[:, :-4], dx], 1), table, *(0 * part for part in first[: len(carry)])


@MUTANTS.each("the mean over the steps in the place of the sum", "lstm.gradient", part="_vjp")
def averages_the_gradients_over_the_steps(f, x, *rest, **given):
    dx, table, *carry = f(x, *rest, **given)
    return dx, {name: (g / max(x.shape[1], 1)).astype(g.dtype) for name, g in table.items()}, *carry


@MUTANTS.each("the cotangent of the last cell is nowhere asked for in training, and dropped", "lstm.gradient",
              part="_vjp")  # fmt: skip
def drops_the_cotangent_of_the_last_cell(f, x, weights, *rest, **given):
    *others, (every, last, cell) = rest
    return f(x, weights, *others, (every, last, 0 * cell), **given)


@MUTANTS.each("the cell is detached between steps: only the gates carry a gradient", "lstm.carousel", "lstm.gradient",
              part="_vjp")  # fmt: skip
def cuts_the_carousel(f, x, weights, *rest, **given):
    dx, table, *carry = f(x, weights, *rest, **given)
    return dx, table, *(part * (0 if n else 1) for n, part in enumerate(carry))


@MUTANTS.each("the truncated gradient of 1997, in which the cell alone goes back", "lstm.gradient", part="_vjp")
def cuts_the_way_through_the_recurrent_kernels(f, x, weights, *rest, **given):
    dx, table, *carry = f(x, weights, *rest, **given)
    return dx, table, *(part * (1 if n else 0) for n, part in enumerate(carry))


# ---- refusals: what lets a wrong call through


@MUTANTS.each("lengths are clipped to what there is", "lstm.lengths-range")
def clips_the_lengths(f, x, weights, *rest, **given):
    h, c, lengths = parts_of(rest)
    return f(x, weights, h, c, None if lengths is None else np.clip(lengths, 0, x.shape[1]), **given)


@MUTANTS.each("lengths are cast to integers", "lstm.lengths-integer")
def rounds_the_lengths(f, x, weights, *rest, **given):
    h, c, lengths = parts_of(rest)
    return f(x, weights, h, c, None if lengths is None else lengths.astype(np.int64), **given)
