"""Gradient descent as an Optax transformation: schedules, injected hyper-parameters, compiled programs, refusals."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from nnspec.components.optimization import exponential_average, gradient_accumulation, gradient_descent
from nnspec_conformance.oracles.components import optimization as oracle
from nnspec_conformance.steppers import gradients, trajectory, tree

PARAMS, GRADS = tree(400), gradients(4)


def path(transformation, params, grads):
    state, found = transformation.init(params), []
    for g in grads:
        updates, state = transformation.update(g, state, params)
        params = optax.apply_updates(params, updates)
        found.append(params)
    return found


def counts_from_1(schedule, **given):
    """The schedule is asked from 1 on, and its first value is never used."""
    return gradient_descent(lambda count: schedule(count + 1), **given)


def is_one_update_late(schedule, **given):
    """The schedule's first value is used twice."""
    return gradient_descent(lambda count: schedule(jnp.maximum(count - 1, 0)), **given)


def keeps_the_first_value(schedule, **given):
    """The schedule is read once, when the optimizer is made."""
    return gradient_descent(schedule(0), **given)


@pytest.mark.statement(
    "gradient-descent.schedule",
    of=gradient_descent,
    mutants=[counts_from_1, is_one_update_late, keeps_the_first_value],
)
def test_schedule(implementation):
    rates = [0.5, 0.25, 0.125, 1.0]
    found = path(implementation(lambda count: jnp.asarray(rates)[count]), PARAMS, GRADS)
    wanted, now = [], PARAMS
    for rate, g in zip(rates, GRADS, strict=True):
        now = {name: now[name] - rate * g[name] for name in now}
        wanted.append(now)
    for got, want in zip(found, wanted, strict=True):
        for name in want:
            np.testing.assert_allclose(got[name], want[name], rtol=1e-6, atol=1e-6)


def never_told(learning_rate, *, weight_decay):
    """Gradient descent that goes on with the hyper-parameters it began with."""
    return gradient_descent(0.5, weight_decay=0.0)


def rate_only(learning_rate, *, weight_decay):
    """The decay in the state is never read."""
    return gradient_descent(learning_rate, weight_decay=0.0)


@pytest.mark.statement("gradient-descent.injected", of=gradient_descent, mutants=[never_told, rate_only])
def test_injected(implementation):
    def make(learning_rate, weight_decay):
        return implementation(learning_rate, weight_decay=weight_decay)

    transformation = optax.inject_hyperparams(make)(learning_rate=0.5, weight_decay=0.0)
    state, traced = transformation.init(PARAMS), []

    @jax.jit
    def update(g, state, params):
        traced.append(1)
        return transformation.update(g, state, params)

    for rate, decay in ((0.5, 0.0), (0.25, 0.5), (2.0, 0.125)):
        state.hyperparams.update(learning_rate=jnp.float32(rate), weight_decay=jnp.float32(decay))
        updates, state = update(GRADS[0], state, PARAMS)
        for name, g in GRADS[0].items():
            np.testing.assert_allclose(updates[name], -rate * (g + decay * PARAMS[name]), rtol=1e-6)
    assert len(traced) == 1


def with_a_rate_of_its_own(learning_rate):
    """The rate is rounded on the way, by a thousandth."""
    return gradient_descent(learning_rate * 1.001)


def with_a_stale_gradient(learning_rate):
    """Gradient descent that takes each gradient one update late."""

    def init(params):
        return jax.tree.map(jnp.zeros_like, params)

    def update(grads, state, params=None):
        return jax.tree.map(lambda g: -learning_rate * g, state), grads

    return optax.GradientTransformation(init, update)


@pytest.mark.statement(
    "gradient-descent.compiled",
    of=gradient_descent,
    mutants=[with_a_stale_gradient, with_a_rate_of_its_own],
)
def test_compiled(implementation):
    grads, transformation = gradients(60), implementation(0.125)
    stacked = {name: jnp.stack([g[name] for g in grads]) for name in PARAMS}

    @jax.jit
    def run(params, stacked):
        def step(carry, g):
            params, state = carry
            updates, state = transformation.update(g, state, params)
            return (optax.apply_updates(params, updates), state), None

        return jax.lax.scan(step, (params, transformation.init(params)), stacked)[0][0]

    want = trajectory(oracle.gradient_descent, PARAMS, grads, dtype="float32", learning_rate=0.125)[-1]
    got = run({name: jnp.asarray(p) for name, p in PARAMS.items()}, stacked)
    for name in PARAMS:
        assert (np.abs(np.float64(got[name]) - want[name].value) <= want[name].allowed).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: gradient_descent(-0.5), "gradient_descent: learning_rate must be zero or positive, got -0.5"),
        (lambda: gradient_descent(float("nan")), "gradient_descent: learning_rate must be zero or positive, got nan"),
        (lambda: gradient_descent(0.5, weight_decay=-1.0), "gradient_descent: weight_decay must be zero or positive"),
        (lambda: gradient_descent(0.5).init({}), "gradient_descent: the tree of parameters is empty"),
        (
            lambda: gradient_descent(0.5).init({"w": jnp.arange(3)}),
            "gradient_descent: parameters of dtype int32, expec",
        ),
        (
            lambda: gradient_descent(0.5).update({"w": jnp.ones(1)}, None, {"w": jnp.ones(3)}),
            "gradient_descent: gradients .* do not fit parameters",
        ),
        (
            lambda: gradient_accumulation(gradient_descent(0.5), 0),
            "gradient_accumulation: every must be at least 1, got 0",
        ),
        (
            lambda: exponential_average(1.5),
            "exponential_average: decay_rate must be at least 0 and less than 1, got 1.5",
        ),
    ],
)
def test_a_wrong_call_is_refused_in_one_line(call, message):
    with pytest.raises((ValueError, TypeError), match=f"^{message}") as caught:
        call()
    assert "\n" not in str(caught.value)
