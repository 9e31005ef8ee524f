"""Adam and its relatives as Optax transformations: schedules, injected hyper-parameters, state, refusals."""

import inspect
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from nnspec.training import adam as topic
from nnspec.training.adam import adam, adamax, adamw, amsgrad, nadam
from nnspec_conformance.oracles.training import adam as oracle
from nnspec_conformance.steppers import gradients, trajectory, tree

PARAMS, GRADS = tree(400), gradients(6)
ALL = [adam, amsgrad, adamw, nadam, adamax]
HYPER = {"beta1": 0.8, "beta2": 0.95, "epsilon": 2.0**-6}


def path(transformation, params, grads):
    state, found = transformation.init(params), []
    for g in grads:
        updates, state = transformation.update(g, state, params)
        params = optax.apply_updates(params, updates)
        found.append(params)
    return found


def close(got, want):
    for name in want:
        np.testing.assert_allclose(got[name], want[name], rtol=1e-5, atol=1e-6)


def after_each_rate(make, rates):
    """Gradient after gradient, each step by an optimizer whose rate is that of the step."""
    state, params, found = make(rates[0]).init(PARAMS), PARAMS, []
    for rate, g in zip(rates, GRADS, strict=False):
        updates, state = make(rate).update(g, state, params)
        params = optax.apply_updates(params, updates)
        found.append(params)
    return found


def adam_of(schedule):
    return adam(schedule)


def counts_from_1(schedule):
    """The schedule is asked from 1 on, and its first value is never used."""
    return adam(lambda count: schedule(count + 1))


def keeps_the_first_value(schedule):
    """The schedule is read once, when the optimizer is made."""
    return adam(schedule(0))


@pytest.mark.statement("adam.schedule", of=adam_of, mutants=[counts_from_1, keeps_the_first_value])
def test_schedule(implementation):
    rates = [0.5, 0.25, 0.125, 1.0]
    makers = [implementation, *ALL[1:]] if implementation is adam_of else [implementation]
    for make in makers:
        one = adam if make is implementation else make
        found = path(make(lambda count: jnp.asarray([*rates, 4.0])[count]), PARAMS, GRADS[:4])
        for got, want in zip(found, after_each_rate(one, rates), strict=True):
            close(got, want)


def never_told(learning_rate, **given):
    """Adam that goes on with the hyper-parameters it began with."""
    return adam(0.5)


def rate_only(learning_rate, **given):
    """The decay rates in the state are never read."""
    return adam(learning_rate)


@pytest.mark.statement("adam.injected", of=adam, mutants=[never_told, rate_only])
def test_injected(implementation):
    def make(learning_rate, beta1, beta2, epsilon):
        return implementation(learning_rate, beta1=beta1, beta2=beta2, epsilon=epsilon)

    transformation = optax.inject_hyperparams(make)(learning_rate=0.5, beta1=0.9, beta2=0.999, epsilon=1e-8)
    state, traced, first = transformation.init(PARAMS), [], adam(0.5)
    plain = first.init(PARAMS)

    @jax.jit
    def update(g, state, params):
        traced.append(1)
        return transformation.update(g, state, params)

    for rate, beta1, beta2, epsilon in ((0.5, 0.9, 0.999, 1e-8), (0.25, 0.5, 0.75, 0.125), (2.0, 0.0, 0.5, 0.0)):
        told = {"learning_rate": rate, "beta1": beta1, "beta2": beta2, "epsilon": epsilon}
        state.hyperparams.update({name: jnp.float32(value) for name, value in told.items()})
        updates, state = update(GRADS[0], state, PARAMS)
        want, plain = adam(rate, beta1=beta1, beta2=beta2, epsilon=epsilon).update(GRADS[0], plain, PARAMS)
        for name in want:
            np.testing.assert_allclose(updates[name], want[name], rtol=1e-3)  # 1 - 0.999 in float32
    assert len(traced) == 1


@pytest.mark.parametrize("make", ALL[1:])
def test_the_relatives_can_be_injected_too(make):
    transformation = optax.inject_hyperparams(make)(learning_rate=0.5)
    state = transformation.init(PARAMS)
    state.hyperparams["learning_rate"] = jnp.float32(0.125)
    updates, _ = jax.jit(transformation.update)(GRADS[0], state, PARAMS)
    want, _ = make(0.125).update(GRADS[0], make(0.125).init(PARAMS), PARAMS)
    for name in want:
        np.testing.assert_allclose(updates[name], want[name], rtol=1e-3)


@pytest.mark.parametrize("make", ALL)
def test_compiled_in_a_scan_it_is_the_oracle(make):
    transformation = make(0.125, **HYPER)
    stacked = {name: jnp.stack([g[name] for g in GRADS]) for name in PARAMS}

    @jax.jit
    def run(params, stacked):
        def step(carry, g):
            params, state = carry
            updates, state = transformation.update(g, state, params)
            return (optax.apply_updates(params, updates), state), None

        return jax.lax.scan(step, (params, transformation.init(params)), stacked)[0][0]

    rule = getattr(oracle, make.__name__)
    want = trajectory(rule, PARAMS, GRADS, dtype="float32", learning_rate=0.125, **HYPER)[-1]
    got = run({name: jnp.asarray(p) for name, p in PARAMS.items()}, stacked)
    for name in PARAMS:
        assert (np.abs(np.float64(got[name]) - want[name].value) <= want[name].allowed).all()


@pytest.mark.parametrize(("make", "arrays"), list(zip(ALL, (2, 3, 2, 2, 2), strict=True)))
def test_state_is_so_many_arrays_a_parameter_in_float32_at_least(make, arrays):
    for dtype, kept in (("float32", "float32"), ("bfloat16", "float32"), ("float16", "float32")):
        state = make(0.5).init({"a": jnp.zeros((3, 2), dtype), "b": jnp.zeros((), dtype)})
        leaves = jax.tree.leaves(state.moments)
        assert (len(leaves), {str(x.dtype) for x in leaves}) == (2 * arrays, {kept})
        assert len({x.unsafe_buffer_pointer() for x in leaves}) == len(leaves)  # each can be overwritten


def test_a_plain_tree_needs_no_parameters():
    state = adam(0.5).init(PARAMS)
    with_them, _ = adam(0.5).update(GRADS[0], state, PARAMS)
    without, _ = adam(0.5).update(GRADS[0], state)
    close(without, with_them)


def test_weight_so_far_has_all_its_digits_where_the_decay_rate_is_near_1():
    for d, t in itertools.product((0.0, 0.5, 0.9, 0.999, 0.99999), (1, 2, 10, 1000)):
        exact = -np.expm1(t * np.log1p(-(1 - d))) if d else 1.0
        np.testing.assert_allclose(topic._weight_so_far(d, jnp.int32(t)), exact, rtol=4e-7)


@pytest.mark.parametrize("make", ALL)
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"learning_rate": -0.5}, "learning_rate must be zero or positive, got -0.5"),
        ({"learning_rate": float("nan")}, "learning_rate must be zero or positive, got nan"),
        ({"beta1": 1.0}, "beta1 must be at least 0 and less than 1, got 1.0; the default is 0.9"),
        ({"beta2": float("nan")}, "beta2 must be at least 0 and less than 1, got nan; the default is 0.999"),
        ({"epsilon": -1e-8}, "epsilon must be zero or positive, got -1e-08; the default is 1e-08"),
    ],
)
def test_a_wrong_number_is_refused_in_one_line(make, given, message):
    with pytest.raises(ValueError, match=f"^{make.__name__}: {message}$"):
        make(**{"learning_rate": 0.5} | given)


@pytest.mark.parametrize("make", ALL)
@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda one: one.init({}), "the tree of parameters is empty; hand over at least one array"),
        (lambda one: one.init({"w": jnp.arange(3)}), "parameters of dtype int32, expected a float dtype"),
        (
            lambda one: one.update({"w": jnp.ones(1)}, one.init({"w": jnp.ones(3)}), {"w": jnp.ones(3)}),
            "gradients .* do not fit parameters .*; one array for each",
        ),
        (
            lambda one: one.update({"v": jnp.ones(3)}, one.init({"w": jnp.ones(3)}), {"w": jnp.ones(3)}),
            "gradients .* do not fit parameters .*; one array for each",
        ),
    ],
)
def test_a_wrong_tree_is_refused_in_one_line(make, call, message):
    with pytest.raises((ValueError, TypeError), match=f"^{make.__name__}: {message}$") as caught:
        call(make(0.5))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("one", [adamw(0.5), adam(0.5, l2=0.25)])
def test_a_decay_without_parameters_is_refused(one):
    with pytest.raises(ValueError, match="the decay needs the parameters; call update"):
        one.update(GRADS[0], one.init(PARAMS))


def test_a_negative_decay_is_refused():
    with pytest.raises(ValueError, match=r"^adam: l2 must be zero or positive, got -1.0; the default is 0.0$"):
        adam(0.5, l2=-1.0)
    with pytest.raises(ValueError, match=r"^adamw: weight_decay must be zero or positive, got -1.0"):
        adamw(0.5, weight_decay=-1.0)


def test_every_optimizer_has_the_page_s_defaults():
    for make in ALL:
        known = inspect.signature(make).parameters
        assert [known[name].default for name in ("beta1", "beta2", "epsilon")] == [0.9, 0.999, 1e-8]
