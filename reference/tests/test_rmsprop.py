"""RMSprop and Adagrad as Optax transformations: schedules, injected hyper-parameters, state, refusals."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from nnspec.training.rmsprop import adagrad, centred_rmsprop, rmsprop
from nnspec_conformance.oracles.training import rmsprop as oracle
from nnspec_conformance.steppers import gradients, trajectory, tree

PARAMS, GRADS = tree(400), gradients(6)
RATES = [0.5, 0.25, 0.125, 1.0]
ALL = [rmsprop, centred_rmsprop, adagrad]


def path(transformation, grads=GRADS, params=PARAMS):
    state, found = transformation.init(params), []
    for g in grads:
        updates, state = transformation.update(g, state, params)
        params = optax.apply_updates(params, updates)
        found.append(params)
    return found


def assert_follows(found, name, rates=None, **given):
    want = trajectory(getattr(oracle, name), PARAMS, GRADS[: len(found)], rates, dtype="float32", **given)
    for got, one in zip(found, want, strict=True):
        for leaf in PARAMS:
            assert (np.abs(np.float64(got[leaf]) - one[leaf].value) <= one[leaf].allowed).all()


def rmsprop_of(schedule):
    return rmsprop(schedule)


def counts_from_1(schedule):
    """The schedule is asked from 1 on, and its first value is never used."""
    return rmsprop(lambda count: schedule(count + 1))


def keeps_the_first_value(schedule):
    """The schedule is read once, when the optimizer is made."""
    return rmsprop(schedule(0))


@pytest.mark.statement("rmsprop.schedule", of=rmsprop_of, mutants=[counts_from_1, keeps_the_first_value])
def test_schedule(implementation):
    for make in [implementation, *ALL[1:]] if implementation is rmsprop_of else [implementation]:
        name = make.__name__ if make in ALL else "rmsprop"
        found = path(make(lambda count: jnp.asarray([*RATES, 4.0])[count]), GRADS[:4])
        assert_follows(found, name, RATES, learning_rate=RATES[0])


def never_told(learning_rate, **given):
    """RMSprop that goes on with the hyper-parameters it began with."""
    return rmsprop(0.5, momentum=0.25)


def rate_only(learning_rate, **given):
    """Decay rate, epsilon and momentum in the state are never read."""
    return rmsprop(learning_rate, momentum=0.25)


@pytest.mark.statement("rmsprop.injected", of=rmsprop, mutants=[never_told, rate_only])
def test_injected(implementation):
    def make(learning_rate, decay_rate, epsilon, momentum):
        return implementation(learning_rate, decay_rate=decay_rate, epsilon=epsilon, momentum=momentum)

    told = {"learning_rate": 0.5, "decay_rate": 0.75, "epsilon": 2.0**-6, "momentum": 0.5}
    transformation = optax.inject_hyperparams(make)(learning_rate=0.5, decay_rate=0.5, epsilon=1e-8, momentum=0.25)
    state, traced, found, params = transformation.init(PARAMS), [], [], PARAMS

    @jax.jit
    def update(g, state, params):
        traced.append(1)
        updates, state = transformation.update(g, state, params)
        return optax.apply_updates(params, updates), state

    for g in GRADS:
        state.hyperparams.update({name: jnp.float32(value) for name, value in told.items()})
        params, state = update(g, state, params)
        found.append(params)
    assert_follows(found, "rmsprop", **told)
    assert len(traced) == 1


@pytest.mark.parametrize("make", ALL[1:])
def test_the_relatives_can_be_injected_too(make):
    transformation = optax.inject_hyperparams(make)(learning_rate=0.5)
    state = transformation.init(PARAMS)
    state.hyperparams["learning_rate"] = jnp.float32(0.125)
    updates, _ = jax.jit(transformation.update)(GRADS[0], state, PARAMS)
    want, _ = make(0.125).update(GRADS[0], make(0.125).init(PARAMS), PARAMS)
    for name in want:
        np.testing.assert_allclose(updates[name], want[name], rtol=1e-5)


@pytest.mark.parametrize(
    ("make", "given"),
    [
        (rmsprop, {"decay_rate": 0.75, "epsilon": 2.0**-6, "momentum": 0.5, "l2": 0.25, "weight_decay": 0.125}),
        (centred_rmsprop, {"decay_rate": 0.75, "epsilon": 2.0**-6, "momentum": 0.5}),
        (adagrad, {"epsilon": 2.0**-6, "initial_accumulator": 0.25}),
    ],
)
def test_compiled_in_a_scan_it_is_the_oracle(make, given):
    transformation = make(0.125, **given)
    stacked = {name: jnp.stack([g[name] for g in GRADS]) for name in PARAMS}

    @jax.jit
    def run(params, stacked):
        def step(carry, g):
            params, state = carry
            updates, state = transformation.update(g, state, params)
            params = optax.apply_updates(params, updates)
            return (params, state), params

        return jax.lax.scan(step, (params, transformation.init(params)), stacked)[1]

    found = run({name: jnp.asarray(p) for name, p in PARAMS.items()}, stacked)
    assert_follows([{k: x[t] for k, x in found.items()} for t in range(6)], make.__name__, learning_rate=0.125, **given)


@pytest.mark.parametrize(
    ("one", "arrays"),
    [(rmsprop(0.5), 1), (rmsprop(0.5, momentum=0.5), 2), (centred_rmsprop(0.5), 2), (adagrad(0.5), 1)],
)
def test_state_is_so_many_arrays_a_parameter_in_float32_at_least(one, arrays):
    for dtype in ("float32", "bfloat16", "float16"):
        leaves = jax.tree.leaves(one.init({"a": jnp.zeros((3, 2), dtype), "b": jnp.zeros((), dtype)}).moments)
        assert (len(leaves), {str(x.dtype) for x in leaves}) == (2 * arrays, {"float32"})


def test_a_large_gradient_moves_a_parameter_of_float16():
    params, g = {"w": jnp.ones(1, "float16")}, {"w": jnp.full(1, 300.0, "float16")}
    for make, length in ((rmsprop, 1 / np.sqrt(0.1)), (adagrad, 1.0)):
        updates, _ = make(0.5).update(g, make(0.5).init(params), params)
        np.testing.assert_allclose(updates["w"], -0.5 * length, rtol=1e-3)


def test_it_joins_a_chain_and_maps_over_a_batch_of_parameters():
    alone, chained = path(rmsprop(0.5)), path(optax.chain(optax.scale(2.0**10), rmsprop(0.5, epsilon=2.0**10 * 1e-8)))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), alone, chained)
    many = jax.tree.map(lambda p: jnp.stack([p, 2 * p]), PARAMS)
    updates, _ = jax.vmap(lambda p: rmsprop(0.5).update(p, rmsprop(0.5).init(p)))(many)
    jax.tree.map(lambda u: np.testing.assert_allclose(u[0], u[1], rtol=1e-6), updates)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: rmsprop(-0.5), "rmsprop: learning_rate must be zero or positive, got -0.5"),
        (lambda: rmsprop(0.5, decay_rate=1.0), "rmsprop: decay_rate must be at least 0 and less than 1, got 1.0"),
        (lambda: rmsprop(0.5, momentum=-0.1), "rmsprop: momentum must be at least 0 and less than 1, got -0.1"),
        (lambda: rmsprop(0.5, l2=-1.0), "rmsprop: l2 must be zero or positive, got -1.0"),
        (lambda: rmsprop(0.5, weight_decay=-1.0), "rmsprop: weight_decay must be zero or positive, got -1.0"),
        (lambda: centred_rmsprop(float("nan")), "centred_rmsprop: learning_rate must be zero or positive, got nan"),
        (lambda: adagrad(0.5, epsilon=-1.0), "adagrad: epsilon must be zero or positive, got -1.0"),
        (lambda: adagrad(0.5, initial_accumulator=-1.0), "adagrad: initial_accumulator must be zero or positive"),
        (lambda: rmsprop(0.5).init({}), "rmsprop: the tree of parameters is empty"),
        (lambda: adagrad(0.5).init({"w": jnp.arange(3)}), "adagrad: parameters of dtype int32, expected a float"),
        (
            lambda: rmsprop(0.5).update({"w": jnp.ones(1)}, rmsprop(0.5).init({"w": jnp.ones(3)})),
            "rmsprop: gradients .* do not fit parameters",
        ),
        (
            lambda: rmsprop(0.5, weight_decay=0.5).update(GRADS[0], rmsprop(0.5).init(PARAMS)),
            "rmsprop: the decay needs the parameters; call update",
        ),
    ],
)
def test_a_wrong_call_is_refused_in_one_line(call, message):
    with pytest.raises((ValueError, TypeError), match=f"^{message}") as caught:
        call()
    assert "\n" not in str(caught.value)


def test_defaults_are_those_of_the_page():
    known = {make.__name__: inspect.signature(make).parameters for make in ALL}
    for name in ("rmsprop", "centred_rmsprop"):
        assert [known[name][k].default for k in ("decay_rate", "epsilon", "momentum")] == [0.9, 1e-8, 0.0]
    assert [known["adagrad"][k].default for k in ("epsilon", "initial_accumulator")] == [1e-10, 0.0]
