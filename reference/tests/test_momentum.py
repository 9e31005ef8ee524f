"""Momentum as an Optax transformation: schedules, injected hyper-parameters, compiled programs, refusals."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from nnspec.training.momentum import momentum, nesterov
from nnspec_conformance.oracles.training import momentum as oracle
from nnspec_conformance.steppers import gradients, trajectory, tree

PARAMS, GRADS = tree(400), gradients(6)
RATES = [0.5, 0.25, 0.125, 1.0, 0.5, 0.0625]
RULES = [
    (momentum, oracle.momentum, {}),
    (momentum, oracle.momentum, {"rate_position": "inside", "dampening": 0.25, "weight_decay": 0.125}),
    (
        momentum,
        oracle.momentum,
        {"dampening": 0.25, "first_gradient": "dampened", "weight_decay": 0.125, "decay_position": "decoupled"},
    ),
    (nesterov, oracle.nesterov, {}),
    (nesterov, oracle.nesterov, {"rate_position": "inside"}),
]


def path(update, state, params=PARAMS):
    found = []
    for g in GRADS:
        updates, state = update(g, state, params)
        params = optax.apply_updates(params, updates)
        found.append(params)
    return found


def assert_follows(found, rule, rates, **given):
    for got, want in zip(found, trajectory(rule, PARAMS, GRADS, rates, dtype="float32", **given), strict=True):
        for name in PARAMS:
            assert (np.abs(np.float64(got[name]) - want[name].value) <= want[name].allowed).all()


@pytest.mark.parametrize(("make", "rule", "given"), RULES)
def test_a_schedule_is_read_at_the_number_of_updates_before(make, rule, given):
    transformation = make(lambda count: jnp.asarray(RATES)[count], 0.75, **given)
    state = transformation.init(PARAMS)
    for update in (transformation.update, jax.jit(transformation.update)):
        assert_follows(path(update, state), rule, RATES, learning_rate=0.5, momentum=0.75, **given)


@pytest.mark.parametrize(("make", "rule", "given"), RULES)
def test_injected_rate_and_momentum_are_in_force_and_compile_nothing_anew(make, rule, given):
    transformation = optax.inject_hyperparams(lambda learning_rate, momentum: make(learning_rate, momentum, **given))(
        learning_rate=0.5, momentum=0.5
    )
    state, traced, found, params = transformation.init(PARAMS), [], [], PARAMS

    @jax.jit
    def update(g, state, params):
        traced.append(1)
        updates, state = transformation.update(g, state, params)
        return optax.apply_updates(params, updates), state

    for rate, g in zip(RATES, GRADS, strict=True):
        state.hyperparams.update(learning_rate=jnp.float32(rate), momentum=jnp.float32(0.75))
        params, state = update(g, state, params)
        found.append(params)
    assert_follows(found, rule, RATES, learning_rate=0.5, momentum=0.75, **given)
    assert len(traced) == 1


def test_it_joins_a_chain_and_maps_over_a_batch_of_parameters():
    chained = optax.chain(optax.scale(2.0), momentum(0.25, 0.75))
    alone = momentum(0.5, 0.75)
    for one, other in zip(
        path(chained.update, chained.init(PARAMS)), path(alone.update, alone.init(PARAMS)), strict=True
    ):
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), one, other)
    many = jax.tree.map(lambda p: jnp.stack([p, 2 * p]), PARAMS)
    updates, _ = jax.vmap(lambda p: alone.update(p, alone.init(p), p))(many)
    jax.tree.map(lambda u, p: np.testing.assert_array_equal(u, -0.5 * p), updates, many)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32"])
def test_updates_and_velocity_keep_the_dtype(dtype):
    params, g = tree(400, dtype), gradients(1, dtype)[0]
    for make in (momentum, nesterov):
        transformation = make(0.5, 0.75)
        updates, state = transformation.update(g, transformation.init(params), params)
        assert {x.dtype.name for x in jax.tree.leaves((updates, state.velocity))} == {dtype}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: momentum(-0.5, 0.9), "momentum: learning_rate must be zero or positive, got -0.5"),
        (lambda: momentum(0.5, 1.0), "momentum: momentum must be at least 0 and less than 1, got 1.0"),
        (lambda: momentum(0.5, 0.9, dampening=1.5), "momentum: dampening must be at least 0 and less than 1, got 1.5"),
        (lambda: momentum(0.5, 0.9, weight_decay=-1.0), "momentum: weight_decay must be zero or positive, got -1.0"),
        (lambda: nesterov(float("nan"), 0.9), "nesterov: learning_rate must be zero or positive, got nan"),
        (lambda: nesterov(0.5, -0.1), "nesterov: momentum must be at least 0 and less than 1, got -0.1"),
        (lambda: momentum(0.5, 0.9).init({}), "momentum: the tree of parameters is empty"),
        (lambda: nesterov(0.5, 0.9).init({"w": jnp.arange(3)}), "nesterov: parameters of dtype int32, expected"),
        (
            lambda: nesterov(0.5, 0.9).update({"w": jnp.ones(1)}, None, {"w": jnp.ones(3)}),
            "nesterov: gradients .* do not fit parameters",
        ),
    ],
)
def test_a_wrong_call_is_refused_in_one_line(call, message):
    with pytest.raises((ValueError, TypeError), match=f"^{message}") as caught:
        call()
    assert "\n" not in str(caught.value)


def test_without_decay_an_infinite_parameter_does_not_reach_the_velocity():
    params = {"p": jnp.array([jnp.inf, 1.0])}
    made = momentum(0.1, 0.9)
    updates, state = made.update({"p": jnp.ones(2)}, made.init(params), params)
    np.testing.assert_allclose(state.velocity["p"], [1, 1])
    np.testing.assert_allclose(updates["p"], [-0.1, -0.1], rtol=1e-6)
