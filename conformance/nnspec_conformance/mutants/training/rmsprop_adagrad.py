"""Wrong Adagrads, each met in the wild, each caught by the clause that it names."""

from __future__ import annotations

import numpy as np

from nnspec_conformance.mutant import ORACLE as right
from nnspec_conformance.mutant import Mutants
from nnspec_conformance.oracles.stepping import each_leaf
from nnspec_conformance.oracles.training.rmsprop import averaged, quotient

MUTANTS = Mutants()
SUM, SUM_EXAMPLE, SUM_CONSTANT = "adagrad.epsilon-position", "adagrad.example", "adagrad.constant-gradient"


def summed(direction):
    """An Adagrad from ``direction(g, s, t, epsilon, position) -> direction, s``; s has the initial accumulator."""

    @each_leaf
    def adagrad(p, g, s, *, t, learning_rate, epsilon=1e-10, initial_accumulator=0.0, epsilon_position="outside"):
        s = s + initial_accumulator if t == 1 else s
        d, s = direction(g, s, t, epsilon, epsilon_position)
        return p - learning_rate * d, s

    adagrad.__name__ = direction.__name__
    return adagrad


@MUTANTS.add("the sum forgets: RMSprop under the name of Adagrad", SUM, SUM_EXAMPLE, SUM_CONSTANT)
@summed
def forgets(g, s, t, epsilon, position):
    s = averaged(s, g * g, 0.9)
    return quotient(g, s, epsilon, position), s


@MUTANTS.add("the root is left out", SUM, SUM_EXAMPLE, SUM_CONSTANT)
@summed
def forgets_the_root_of_the_sum(g, s, t, epsilon, position):
    s = s + g * g
    return g / (np.float64(s) + epsilon), s


@MUTANTS.add("the gradient is divided before the sum knows it", SUM, SUM_CONSTANT)
@summed
def divides_by_the_sum_before(g, s, t, epsilon, position):
    return quotient(g, np.maximum(s, 2.0**-40), epsilon, position), s + g * g


@MUTANTS.add("the mean of the squares in the place of their sum: steps do not fall", SUM, SUM_EXAMPLE, SUM_CONSTANT)
@summed
def takes_the_mean_of_all_squares(g, s, t, epsilon, position):
    s = s + g * g
    return quotient(g, s / t, epsilon, position), s


@MUTANTS.add(
    "the rate falls with the root of the step, and the sum makes it fall again", SUM, SUM_EXAMPLE, SUM_CONSTANT
)
@summed
def lets_the_rate_fall_twice(g, s, t, epsilon, position):
    s = s + g * g
    return quotient(g, s, epsilon, position) / np.sqrt(t), s


@MUTANTS.add("absolute gradients are added, not squares", SUM, SUM_EXAMPLE, SUM_CONSTANT)
@summed
def adds_absolute_gradients(g, s, t, epsilon, position):
    s = s + np.abs(g)
    return quotient(g, s * s, epsilon, position), s


@MUTANTS.add("the root is stored, and added to squares at the next step", SUM, SUM_EXAMPLE, SUM_CONSTANT)
@summed
def stores_the_root(g, s, t, epsilon, position):
    s = s + g * g
    return quotient(g, s, epsilon, position), np.sqrt(s)


@MUTANTS.add("one sum for the whole array, as AdaGrad-Norm has it", SUM, SUM_CONSTANT)
@summed
def shares_the_sum(g, s, t, epsilon, position):
    s = s + np.sum(g * g)
    return quotient(g, s, epsilon, position), s


@MUTANTS.add("the initial accumulator is taken and never used", SUM, SUM_CONSTANT)
def starts_at_zero(params, *, initial_accumulator=0.0, **given):
    return right.adagrad(params, **given)


@MUTANTS.add("the initial accumulator is taken for the root of the sum", SUM, SUM_CONSTANT)
def squares_the_initial_accumulator(params, *, initial_accumulator=0.0, **given):
    return right.adagrad(params, initial_accumulator=initial_accumulator**2, **given)


@MUTANTS.add("the initial accumulator is added at every step, as an epsilon", SUM, SUM_CONSTANT)
@each_leaf
def adds_the_initial_accumulator_again(
    p, g, s, *, learning_rate, epsilon=1e-10, initial_accumulator=0.0, epsilon_position="outside"
):
    s = s + initial_accumulator + g * g
    return p - learning_rate * quotient(g, s, epsilon, epsilon_position), s


@MUTANTS.add("the sum is kept as a power of two, as a compressed state", "rmsprop.half-precision[adagrad]", SUM)
@summed
def keeps_a_power_of_two(g, s, t, epsilon, position):
    s = np.exp2(np.floor(np.log2(np.maximum(np.float64(s + g * g), 2.0**-60))))
    return quotient(g, s, epsilon, position), s
