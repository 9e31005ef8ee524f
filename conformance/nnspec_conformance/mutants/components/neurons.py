"""Wrong neurons and perceptrons, each met in the wild, each caught by the clause that it names."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from nnspec_conformance import classic_faults as classic
from nnspec_conformance.mutant import ORACLE as right
from nnspec_conformance.mutant import Mutants
from nnspec_conformance.oracles.components import neurons as oracle

MUTANTS = Mutants()

# ---- the neuron


@MUTANTS.add("a dense layer of one unit, its unit axis left on", "neuron.shape")
def keeps_the_unit_axis(x, weights, bias, *, activation):
    return right.neuron(x, weights, bias, activation=activation)[..., None]


MUTANTS.each("a single example comes back as a batch of one", "neuron.shape")(classic.always_has_a_batch_axis)


@MUTANTS.add("the bias is registered, and never added", "neuron.value", "neuron.half-plane")
def forgets_the_bias(x, weights, bias, *, activation):
    return right.neuron(x, weights, 0 * bias, activation=activation)


@MUTANTS.add("a threshold is subtracted where a bias is added", "neuron.value", "neuron.half-plane")
def subtracts_the_bias_as_a_threshold(x, weights, bias, *, activation):
    return right.neuron(x, weights, -bias, activation=activation)


@MUTANTS.add("the sum is divided by the number of inputs", "neuron.value", "neuron.half-plane")
def averages_its_inputs(x, weights, bias, *, activation):
    return right.neuron(x, weights / weights.dtype.type(len(weights)), bias, activation=activation)


@MUTANTS.add("the weights are scaled to length one, and the bias is not", "neuron.half-plane")
def normalizes_the_weights(x, weights, bias, *, activation):
    length = np.linalg.norm(weights.astype(np.float64))
    return right.neuron(x, (weights / length).astype(weights.dtype), bias, activation=activation)


@MUTANTS.add("the bias is added after the activation", "neuron.activation")
def activates_before_the_bias(x, weights, bias, *, activation):
    return right.neuron(x, weights, 0 * bias, activation=activation) + bias


@MUTANTS.add("every neuron is a step function, as in 1943", "neuron.activation")
def fires_or_not(x, weights, bias, *, activation):
    return np.asarray(oracle.score(x, weights, bias) > 0).astype(x.dtype)


@MUTANTS.add("the name is taken, and never looked at", "neuron.activation")
def is_always_linear(x, weights, bias, *, activation):
    return right.neuron(x, weights, bias, activation="identity")


MUTANTS.each("the gradient of the bias is a mean, that of the weights a sum", "neuron.gradient", part="_vjp")(
    classic.averages_the_gradients_of_the_biases
)


@MUTANTS.add("the delta rule without its slope", "neuron.gradient", part="_vjp")
def leaves_out_the_slope(x, weights, bias, g, *, activation):
    return right.neuron_vjp(x, weights, bias, g, activation="identity")


@MUTANTS.add("the slope is taken at the result, not at the sum", "neuron.gradient", part="_vjp")
def takes_the_slope_at_the_result(x, weights, bias, g, *, activation):
    z = oracle.score(x, weights, bias)
    slope = oracle.activations.tanh_derivative(np.tanh(z))
    return right.neuron_vjp(x, weights, bias, (g * slope).astype(g.dtype), activation="identity")


# ---- the perceptron


def stepping(rule: Callable) -> Callable:
    """A perceptron from its rule: new weights and bias of old ones, example, label and count."""

    @functools.wraps(rule)
    def start(params):
        weights, bias, count = params["weights"], params["bias"], 0

        def step(example):
            nonlocal weights, bias, count
            count += 1
            weights, bias = rule(weights, np.asarray(bias), example["x"], example["label"], count)
            return {"weights": np.asarray(weights, np.float32), "bias": np.asarray(bias, np.float32)}

        return step

    return start


def wrong(weights, bias, x, y):
    return y * oracle.score(x, weights, bias) <= 0


@MUTANTS.add(
    "Hebb's rule: every example is learned, also what is right already",
    "perceptron.update",
    "perceptron.correct-example",
    "perceptron.mistake-bound",
)
@stepping
def updates_on_every_example(weights, bias, x, y, count):
    return weights + y * x, bias + y


@MUTANTS.add("the bias stays where it started", "perceptron.update", "perceptron.converges")
@stepping
def never_moves_the_bias(weights, bias, x, y, count):
    return (weights + y * x, bias) if wrong(weights, bias, x, y) else (weights, bias)


@MUTANTS.add("the plane is put through the origin: the bias is learned and not used", "perceptron.update")
@stepping
def ignores_the_bias_in_the_score(weights, bias, x, y, count):
    return (weights + y * x, bias + y) if wrong(weights, 0 * bias, x, y) else (weights, bias)


@MUTANTS.add(
    "labels 0 and 1: the class 0 multiplies the update by nothing", "perceptron.update", "perceptron.converges"
)
@stepping
def takes_labels_for_0_and_1(weights, bias, x, y, count):
    y01 = (y + 1) / 2
    return (weights + y01 * x, bias + y01) if wrong(weights, bias, x, y) else (weights, bias)


@MUTANTS.add(
    "a strict inequality: a score of zero is no mistake, and a start at zero is never left",
    "perceptron.zero-score",
    "perceptron.mistake-bound",
    "perceptron.converges",
    "perceptron.xor",
)
@stepping
def is_content_with_a_score_of_zero(weights, bias, x, y, count):
    return (weights + y * x, bias + y) if y * oracle.score(x, weights, bias) < 0 else (weights, bias)


@MUTANTS.add("a margin is asked for, as of a support vector machine", "perceptron.correct-example")
@stepping
def asks_for_a_margin_of_1(weights, bias, x, y, count):
    return (weights + y * x, bias + y) if y * oracle.score(x, weights, bias) <= 1 else (weights, bias)


@MUTANTS.add("a rate of 0.1 on the weights, and none on the bias", "perceptron.update")
@stepping
def has_a_rate_on_the_weights_only(weights, bias, x, y, count):
    rate = np.float32(0.1)
    return (weights + rate * y * x, bias + y) if wrong(weights, bias, x, y) else (weights, bias)


@MUTANTS.add("the rate is multiplied with the old weights: they are forgotten a little each time", "perceptron.update")
@stepping
def has_the_rate_in_the_wrong_place(weights, bias, x, y, count):
    keep = np.float32(0.9)
    return (keep * weights + y * x, keep * bias + y) if wrong(weights, bias, x, y) else (weights, bias)


@MUTANTS.add(
    "the sign of the update is that of the score, not of the label", "perceptron.update", "perceptron.converges"
)
@stepping
def learns_what_it_said(weights, bias, x, y, count):
    said = np.where(oracle.score(x, weights, bias) > 0, 1, -1)
    return (weights + said * x, bias + said) if wrong(weights, bias, x, y) else (weights, bias)


@MUTANTS.add("gives up after some mistakes, and calls it converged", "perceptron.xor")
@stepping
def stops_after_a_number_of_steps(weights, bias, x, y, count):
    return (weights + y * x, bias + y) if count <= 20 and wrong(weights, bias, x, y) else (weights, bias)


@MUTANTS.add("the step grows with time: the weights run away where they should go round", "perceptron.xor")
@stepping
def takes_longer_and_longer_steps(weights, bias, x, y, count):
    rate = np.float32(count)
    return (weights + rate * y * x, bias + rate * y) if wrong(weights, bias, x, y) else (weights, bias)


@MUTANTS.add("any number passes for a label", "perceptron.labels")
@stepping
def takes_any_label(weights, bias, x, y, count):
    return (weights + y * x, bias + y) if wrong(weights, bias, x, y) else (weights, bias)
