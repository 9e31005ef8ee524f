"""Wrong neurons and perceptrons, each met in the wild, each caught by the clause that it names."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nnspec_conformance.mutation import ORACLE as right
from nnspec_conformance.mutation import Mutant
from nnspec_conformance.oracles.components import neurons as oracle

MUTANTS: list[Mutant] = []


def catches(*clauses: str, story: str, part: str = "") -> Callable[[Callable], Callable]:
    """Add the decorated function as a mutant of the operation that its clauses are named after."""

    def add(wrong: Callable) -> Callable:
        operation = clauses[0].split(".")[0] + part
        MUTANTS.append(Mutant(wrong.__name__.replace("_", " "), story, clauses, {operation: wrong}))
        return wrong

    return add


# ---- the neuron


@catches("neuron.shape", story="a dense layer of one unit, its unit axis left on")
def keeps_the_unit_axis(x, weights, bias, *, activation):
    return right.neuron(x, weights, bias, activation=activation)[..., None]


@catches("neuron.shape", story="a single example comes back as a batch of one")
def always_has_a_batch_axis(x, weights, bias, *, activation):
    return np.atleast_1d(right.neuron(x, weights, bias, activation=activation))


@catches("neuron.dtype", story="a float32 constant promotes half precision")
def promotes_half_precision(x, weights, bias, *, activation):
    y = right.neuron(x, weights, bias, activation=activation)
    return y.astype(np.float32) if x.dtype.itemsize == 2 else y


@catches("neuron.value", "neuron.half-plane", story="the bias is registered, and never added")
def forgets_the_bias(x, weights, bias, *, activation):
    return right.neuron(x, weights, 0 * bias, activation=activation)


@catches("neuron.value", "neuron.half-plane", story="a threshold is subtracted where a bias is added")
def subtracts_the_bias_as_a_threshold(x, weights, bias, *, activation):
    return right.neuron(x, weights, -bias, activation=activation)


@catches("neuron.value", "neuron.half-plane", story="the sum is divided by the number of inputs")
def averages_its_inputs(x, weights, bias, *, activation):
    return right.neuron(x, weights / weights.dtype.type(len(weights)), bias, activation=activation)


@catches("neuron.half-plane", story="the weights are scaled to length one, and the bias is not")
def normalizes_the_weights(x, weights, bias, *, activation):
    length = np.linalg.norm(weights.astype(np.float64))
    return right.neuron(x, (weights / length).astype(weights.dtype), bias, activation=activation)


@catches("neuron.activation", story="the bias is added after the activation")
def activates_before_the_bias(x, weights, bias, *, activation):
    return right.neuron(x, weights, 0 * bias, activation=activation) + bias


@catches("neuron.activation", story="every neuron is a step function, as in 1943")
def fires_or_not(x, weights, bias, *, activation):
    return np.asarray(oracle.score(x, weights, bias) > 0).astype(x.dtype)


@catches("neuron.activation", story="the name is taken, and never looked at")
def is_always_linear(x, weights, bias, *, activation):
    return right.neuron(x, weights, bias, activation="identity")


@catches("neuron.gradient", part="_vjp", story="the gradient of the bias is a mean, that of the weights a sum")
def averages_the_gradient_of_the_bias(x, weights, bias, g, *, activation):
    dx, dw, db = right.neuron_vjp(x, weights, bias, g, activation=activation)
    return dx, dw, (db / max(g.size, 1)).astype(db.dtype)


@catches("neuron.gradient", part="_vjp", story="the delta rule without its slope")
def leaves_out_the_slope(x, weights, bias, g, *, activation):
    return right.neuron_vjp(x, weights, bias, g, activation="identity")


@catches("neuron.gradient", part="_vjp", story="the slope is taken at the result, not at the sum")
def takes_the_slope_at_the_result(x, weights, bias, g, *, activation):
    z = oracle.score(x, weights, bias)
    slope = oracle.activations.tanh_derivative(np.tanh(z))
    return right.neuron_vjp(x, weights, bias, (g * slope).astype(g.dtype), activation="identity")


@catches("neuron.feature-count", story="what does not fit is cut off or repeated until it does")
def makes_the_features_fit(x, weights, bias, *, activation):
    return right.neuron(np.resize(x, (*x.shape[:-1], len(weights))), weights, bias, activation=activation)


@catches("neuron.feature-count", story="an elementwise product broadcasts one feature to all weights")
def broadcasts_one_feature(x, weights, bias, *, activation):
    if x.shape[-1] == 1:
        x = np.broadcast_to(x, (*x.shape[:-1], len(weights)))
    return right.neuron(x, weights, bias, activation=activation)


@catches("neuron.unknown-activation", story="an unknown name falls back to none")
def falls_back_to_identity(x, weights, bias, *, activation):
    known = activation if activation in oracle.ACTIVATIONS else "identity"
    return right.neuron(x, weights, bias, activation=known)


# ---- the perceptron


def perceptron(*clauses: str, story: str) -> Callable[[Callable], Callable]:
    """A mutant whose rule is the decorated function: new weights and bias of old ones, example, label and count."""

    def add(rule: Callable) -> Callable:
        def start(params):
            weights, bias, count = params["weights"], params["bias"], 0

            def step(example):
                nonlocal weights, bias, count
                count += 1
                weights, bias = rule(weights, np.asarray(bias), example["x"], example["label"], count)
                return {"weights": np.asarray(weights, np.float32), "bias": np.asarray(bias, np.float32)}

            return step

        MUTANTS.append(Mutant(rule.__name__.replace("_", " "), story, clauses, {"perceptron": start}))
        return rule

    return add


def wrong(weights, bias, x, y):
    return y * oracle.score(x, weights, bias) <= 0


@perceptron(
    "perceptron.update",
    "perceptron.correct-example",
    "perceptron.mistake-bound",
    story="Hebb's rule: every example is learned, also what is right already",
)
def updates_on_every_example(weights, bias, x, y, count):
    return weights + y * x, bias + y


@perceptron("perceptron.update", "perceptron.converges", story="the bias stays where it started")
def never_moves_the_bias(weights, bias, x, y, count):
    return (weights + y * x, bias) if wrong(weights, bias, x, y) else (weights, bias)


@perceptron("perceptron.update", story="the plane is put through the origin: the bias is learned and not used")
def ignores_the_bias_in_the_score(weights, bias, x, y, count):
    return (weights + y * x, bias + y) if wrong(weights, 0 * bias, x, y) else (weights, bias)


@perceptron(
    "perceptron.update",
    "perceptron.converges",
    story="labels 0 and 1: the class 0 multiplies the update by nothing",
)
def takes_labels_for_0_and_1(weights, bias, x, y, count):
    y01 = (y + 1) / 2
    return (weights + y01 * x, bias + y01) if wrong(weights, bias, x, y) else (weights, bias)


@perceptron(
    "perceptron.zero-score",
    "perceptron.mistake-bound",
    "perceptron.converges",
    "perceptron.xor",
    story="a strict inequality: a score of zero is no mistake, and a start at zero is never left",
)
def is_content_with_a_score_of_zero(weights, bias, x, y, count):
    return (weights + y * x, bias + y) if y * oracle.score(x, weights, bias) < 0 else (weights, bias)


@perceptron("perceptron.correct-example", story="a margin is asked for, as of a support vector machine")
def asks_for_a_margin_of_1(weights, bias, x, y, count):
    return (weights + y * x, bias + y) if y * oracle.score(x, weights, bias) <= 1 else (weights, bias)


@perceptron("perceptron.update", story="a rate of 0.1 on the weights, and none on the bias")
def has_a_rate_on_the_weights_only(weights, bias, x, y, count):
    rate = np.float32(0.1)
    return (weights + rate * y * x, bias + y) if wrong(weights, bias, x, y) else (weights, bias)


@perceptron(
    "perceptron.update", story="the rate is multiplied with the old weights: they are forgotten a little each time"
)
def has_the_rate_in_the_wrong_place(weights, bias, x, y, count):
    keep = np.float32(0.9)
    return (keep * weights + y * x, keep * bias + y) if wrong(weights, bias, x, y) else (weights, bias)


@perceptron(
    "perceptron.update", "perceptron.converges", story="the sign of the update is that of the score, not of the label"
)
def learns_what_it_said(weights, bias, x, y, count):
    said = np.where(oracle.score(x, weights, bias) > 0, 1, -1)
    return (weights + said * x, bias + said) if wrong(weights, bias, x, y) else (weights, bias)


@perceptron("perceptron.xor", story="gives up after some mistakes, and calls it converged")
def stops_after_a_number_of_steps(weights, bias, x, y, count):
    return (weights + y * x, bias + y) if count <= 20 and wrong(weights, bias, x, y) else (weights, bias)


@perceptron("perceptron.xor", story="the step grows with time: the weights run away where they should go round")
def takes_longer_and_longer_steps(weights, bias, x, y, count):
    rate = np.float32(count)
    return (weights + rate * y * x, bias + rate * y) if wrong(weights, bias, x, y) else (weights, bias)


@perceptron("perceptron.labels", story="any number passes for a label")
def takes_any_label(weights, bias, x, y, count):
    return (weights + y * x, bias + y) if wrong(weights, bias, x, y) else (weights, bias)
