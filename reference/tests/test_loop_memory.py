"""The memory of a step: what it hands on takes the place of what it got."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from loops import ADAM, Network, X, Y, changed, of_a_module

from nnspec.components.optimization import exponential_average
from nnspec.training.loop_precision import MixedPrecision

COPIED = re.compile(r"= f32\[3,2\]\S* copy\(")  # weights, moments, their average
ALIASED = re.compile(r"\{(\d+)\}: \((\d+), \{\}")  # a result, and the argument in whose memory it lies


def step_program(*edits):
    """A step, compiled, of a module with statistics and keys, an average and a scale of the loss; and its arguments."""
    loop = changed(*edits, of=None)
    graph, weights, rest = loop["split"](Network(), train=True)
    precision, average = MixedPrecision("float16"), exponential_average(0.75)
    scale = loop["start_of_scale"](precision, weights)
    carry = loop["Carry"](weights, rest, ADAM.init(weights), jnp.array(False), scale, (weights, average.init(weights)))
    given = loop["copied"](carry), (jnp.asarray(X), jnp.asarray(Y)), np.int64(0), np.uint32(7)
    rule = loop["Rule"](of_a_module, graph, ADAM, None, 1, "stop", precision, average, None)
    return loop["step"].lower(*given, rule).compile(), given


def keeps_what_it_got():
    """Arguments stay as they are, and each result has memory of its own."""
    return step_program((", donate_argnums=0)", ")"))


def keeps_the_weights():
    """The weights before the step stay, beside those after it."""
    program, (carry, *others) = step_program()
    before = jax.tree.map(jnp.copy, carry.weights)

    class Kept:
        """The same program, which is handed a copy."""

        as_text, memory_analysis = program.as_text, program.memory_analysis

        def __call__(self, carry, *others):
            return program(carry._replace(weights=before), *others)

    return Kept(), (carry, *others)


def chooses_behind_the_update():
    """The step is made in any case, and old or new arrays are handed on."""
    choice = "lax.cond(taken, lambda new, old: new, lambda new, old: old, move(carry, g), carry)"
    edit = ("lax.cond(taken, move, lambda before, g: before, carry, g)", choice)
    return step_program(edit)


@pytest.mark.statement(
    "fit.memory", of=step_program, mutants=[keeps_what_it_got, keeps_the_weights, chooses_behind_the_update]
)
def test_a_step_takes_the_memory_of_what_it_got(implementation):
    program, (carry, batch, *counts) = implementation()
    state = jax.tree.leaves(carry)
    size = sum(np.asarray(jax.random.key_data(x) if is_key(x) else x).nbytes for x in state)
    head = program.as_text().splitlines()[0]
    assert [(int(a), int(b)) for a, b in ALIASED.findall(head)] == [(n, n) for n in range(len(state))]
    assert program.memory_analysis().alias_size_in_bytes == size
    assert COPIED.findall(program.as_text()) == []
    after = program(carry, batch, *counts)[0]
    assert all(x.is_deleted() for x in state)
    assert not any(x.is_deleted() for x in jax.tree.leaves((after, batch)))


def is_key(x):
    return jnp.issubdtype(x.dtype, jax.dtypes.prng_key)
