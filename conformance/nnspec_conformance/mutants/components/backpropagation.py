"""Wrong backward passes through a network, each caught by the clause it names."""

from __future__ import annotations

import numpy as np

from nnspec_conformance import classic_faults as classic
from nnspec_conformance.adapters.numpy_oracle.rounding import in_dtype
from nnspec_conformance.mutant import ORACLE as right
from nnspec_conformance.mutant import Mutants
from nnspec_conformance.oracles.components import backpropagation as oracle
from nnspec_conformance.oracles.components.layers import dense, dense_vjp, depth

MUTANTS = Mutants()
VALUES = ("backpropagation.gradient", "backpropagation.depth")


def recursion(
    start=lambda a, t, loss: oracle._at_the_output(a, t, loss)[0],
    passed=lambda g, kernel, slope, z: slope * (g @ kernel.T),
    inputs=lambda a, x: a,
):
    """Backpropagation with one of its rules replaced."""

    @in_dtype
    def wrong(x, labels, weights, *, activation, loss):
        phi, slope = oracle.ACTIVATIONS[activation]
        a, entered, sums, bent = x, [], [], []
        for i in range(depth(weights)):
            entered.append(a)
            z = dense(a, weights[f"kernel_{i}"], weights[f"bias_{i}"])
            a = phi(z) if i < depth(weights) - 1 else z
            sums.append(z)
            bent.append(slope(z, a))
        g, found = start(a, labels, loss), {}
        for i in range(len(sums) - 1, -1, -1):
            if i < len(sums) - 1:
                g = passed(g, weights[f"kernel_{i + 1}"], bent[i], sums[i])
            _, found[f"kernel_{i}"], found[f"bias_{i}"] = dense_vjp(inputs(entered[i], x), weights[f"kernel_{i}"],
                                                                    weights[f"bias_{i}"], g)  # fmt: skip
        return {name: found[name] for name in weights}

    return wrong


def add(story, *catches, name, **rules):
    MUTANTS.add(story, *catches, name=name)(recursion(**rules))


# ---- the rules of the recursion


add(
    "the backward pass treats the activation as the identity",
    *VALUES,
    name="forgets the slope of the activation",
    passed=lambda g, kernel, slope, z: g @ kernel.T,
)
add(
    "the slope is taken at the value before the activation where it is a formula of the value after it",
    *VALUES,
    name="takes the slope of tanh from z",
    passed=lambda g, kernel, slope, z: (1 - z * z) * (g @ kernel.T),
)
add(
    "the slope is multiplied before the kernel, which a square kernel lets pass",
    "backpropagation.depth",
    name="multiplies by a square kernel from the wrong side",
    passed=lambda g, kernel, slope, z: slope * (g @ (kernel if kernel.shape[0] == kernel.shape[1] else kernel.T)),
)
add(
    "a rule for ReLU that looks at the sign of the gradient in place of that of the sum",
    "backpropagation.gradient",
    "backpropagation.depth",
    name="keeps positive gradients only",
    passed=lambda g, kernel, slope, z: slope * np.maximum(g @ kernel.T, 0),
)
add(
    "the derivative of the whole squared error, without its half",
    *VALUES,
    "backpropagation.example",
    "backpropagation.descent",
    name="has no half in the squared error",
    start=lambda a, t, loss: (2 if loss == "half_squared_error" else 1) * oracle._at_the_output(a, t, loss)[0],
)
add(
    "the label minus the output: the step then goes uphill",
    *VALUES,
    "backpropagation.example",
    "backpropagation.descent",
    name="turns the error round",
    start=lambda a, t, loss: -oracle._at_the_output(a, t, loss)[0],
)
add(
    "softmax is taken for a sigmoid of each logit",
    "backpropagation.gradient",
    "backpropagation.descent",
    name="puts a sigmoid in front of the cross entropy",
    start=lambda a, t, loss: a - t if loss == "half_squared_error" else (1 + np.tanh(a / 2)) / 2 - t,
)
add(
    "the derivative of the softmax is applied a second time, as with a loss that expects probabilities",
    "backpropagation.gradient",
    name="goes through softmax twice",
    start=lambda a, t, loss: a - t if loss == "half_squared_error" else twice(a, t),
)


def twice(a, t):
    p = np.exp(oracle._log_softmax(a))
    g = p - t
    return p * (g - (p * g).sum(-1, keepdims=True))


# ---- which layer gets which gradient


@MUTANTS.add("the loop over the layers ends one early", *VALUES, "backpropagation.example")
def forgets_the_first_layer(x, labels, weights, **given):
    g = right.backpropagation(x, labels, weights, **given)
    return {name: np.zeros_like(v) if name.endswith("_0") and len(g) > 2 else v for name, v in g.items()}


MUTANTS.each("names sorted as text: kernel_10 comes before kernel_2", "backpropagation.depth")(
    lambda f, x, labels, weights, **given: classic.sorts_the_names_as_text(
        lambda x, table, **rest: f(x, labels, table, **rest), x, weights, **given
    )
)


@MUTANTS.add("a mean over the batch where the sum is asked", *VALUES, "backpropagation.descent")
def averages_over_the_batch(x, labels, weights, **given):
    g = right.backpropagation(x, labels, weights, **given)
    return {name: (v / np.asarray(x[..., 0].size, v.dtype)).astype(v.dtype) for name, v in g.items()}


@MUTANTS.add("a mean over the batch, which a single example does not show", "backpropagation.per-example")
def averages_and_so_depends_on_the_batch(x, labels, weights, **given):
    return averages_over_the_batch(x, labels, weights, **given)


@MUTANTS.add("the gradient of the bias is that of one example", *VALUES, "backpropagation.per-example")
def takes_the_bias_gradient_of_the_first_example(x, labels, weights, **given):
    g = right.backpropagation(x, labels, weights, **given)
    one = right.backpropagation(x[:1], labels[:1], weights, **given)
    return {name: one[name] if name.startswith("bias") else v for name, v in g.items()}


@MUTANTS.add("the gradient is divided by its norm where that exceeds 1", "backpropagation.descent", *VALUES)
def clips_by_the_norm(x, labels, weights, **given):
    g = right.backpropagation(x, labels, weights, **given)
    norm = np.sqrt(sum(float((v.astype(np.float64) ** 2).sum()) for v in g.values()))
    return {name: (v / max(norm, 1.0)).astype(v.dtype) for name, v in g.items()}


@MUTANTS.add(
    "an early return: weight decay is added to the gradient", *VALUES, "backpropagation.descent",
    "backpropagation.dead-unit",
)  # fmt: skip
def adds_weight_decay(x, labels, weights, **given):
    g = right.backpropagation(x, labels, weights, **given)
    return {name: (v + 0.01 * weights[name].astype(np.float32)).astype(v.dtype) for name, v in g.items()}


@MUTANTS.add("a fast path rounds the gradient to bfloat16", "backpropagation.gradient", "backpropagation.descent")
def rounds_to_bfloat16(x, labels, weights, **given):
    g = right.backpropagation(x, labels, weights, **given)
    return {name: v.astype("bfloat16").astype(v.dtype) for name, v in g.items()}


# ---- extremes


@MUTANTS.add("softmax without the shift by its maximum: infinity over infinity", "backpropagation.large-logits")
@in_dtype
def computes_softmax_without_the_shift(x, labels, weights, *, activation, loss):
    if loss == "half_squared_error" or depth(weights) > 1:
        return right.backpropagation(x, labels, weights, activation=activation, loss=loss)
    e = np.exp(dense(x, weights["kernel_0"], weights["bias_0"]))
    _, kernel, bias = dense_vjp(x, weights["kernel_0"], weights["bias_0"], e / e.sum(-1, keepdims=True) - labels)
    return {"kernel_0": kernel, "bias_0": bias}


@MUTANTS.add("probabilities are kept away from 0 and 1 by a clip, whose slope is 0", "backpropagation.large-logits")
@in_dtype
def clips_the_probabilities(x, labels, weights, *, activation, loss):
    if loss == "half_squared_error" or depth(weights) > 1:
        return right.backpropagation(x, labels, weights, activation=activation, loss=loss)
    p = np.exp(oracle._log_softmax(dense(x, weights["kernel_0"], weights["bias_0"])))
    inside = (p > 1e-7) & (p < 1 - 1e-7)
    g = np.where(inside, -labels / np.clip(p, 1e-7, 1), 0)
    g = p * (g - (p * g).sum(-1, keepdims=True))
    _, kernel, bias = dense_vjp(x, weights["kernel_0"], weights["bias_0"], g)
    return {"kernel_0": kernel, "bias_0": bias}


@MUTANTS.add("ReLU with a small slope below 0, against dead units", "backpropagation.dead-unit")
def leaks_below_zero(x, labels, weights, *, activation, loss):
    if activation != "relu":
        return right.backpropagation(x, labels, weights, activation=activation, loss=loss)
    leaky = recursion(passed=lambda g, kernel, slope, z: np.where(z > 0, 1, 0.01).astype(z.dtype) * (g @ kernel.T))
    return leaky(x, labels, weights, activation=activation, loss=loss)


@MUTANTS.add("ReLU counts 0 to its right side: x >= 0", "backpropagation.dead-unit")
def has_the_slope_one_at_zero(x, labels, weights, *, activation, loss):
    if activation != "relu":
        return right.backpropagation(x, labels, weights, activation=activation, loss=loss)
    closed = recursion(passed=lambda g, kernel, slope, z: (z >= 0).astype(z.dtype) * (g @ kernel.T))
    return closed(x, labels, weights, activation=activation, loss=loss)


# ---- second order


SECOND = "backpropagation.second-order"


@MUTANTS.add("the slopes are stored as numbers, and do not move with the weights", SECOND, part="_vjp")
def takes_the_slopes_for_constants(x, labels, weights, cotangents, *, activation, loss):
    """What is left is the part in which the slope does not bend: differences of two curvatures."""
    kept = oracle.ACTIVATIONS[activation]
    sums, a = [], x
    for i in range(depth(weights)):
        z = dense(a, weights[f"kernel_{i}"], weights[f"bias_{i}"])
        a = kept[0](z) if i < depth(weights) - 1 else z
        sums.append(kept[1](z, a))
    order = iter(sums[:-1])
    oracle.ACTIVATIONS[activation] = (kept[0], lambda z, a: next(order).astype(z.dtype))
    try:
        return right.backpropagation_vjp(x, labels, weights, cotangents, activation=activation, loss=loss)
    finally:
        oracle.ACTIVATIONS[activation] = kept


@MUTANTS.add("the gradients handed out are cut off from the weights: a copy", SECOND, part="_vjp")
def hands_out_copies(x, labels, weights, cotangents, **given):
    zeros = {name: np.zeros_like(w) for name, w in weights.items()}
    return np.zeros_like(x), np.zeros_like(labels), zeros


@MUTANTS.add(
    "the Gauss-Newton product, which leaves out the second derivative of the activation for the data",
    SECOND,
    part="_vjp",
)
def leaves_out_the_gradient_for_the_data(x, labels, weights, cotangents, **given):
    dx, dlabels, dweights = right.backpropagation_vjp(x, labels, weights, cotangents, **given)
    return np.zeros_like(dx), dlabels, dweights


# ---- refusals


MUTANTS.each("an unknown name falls back to the squared error", "backpropagation.unknown-loss")(
    classic.falls_back_to("half_squared_error", "loss")
)
