"""What the conformance suite cannot see: compiled and mapped programs, Flax layers, a stricter accuracy.

The values themselves are the suite's.
"""

import re
from functools import partial
from pathlib import Path
from typing import get_args

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from scipy import special

import nnspec
from nnspec.components import activations

OPERATIONS = {name: getattr(activations, name) for name in get_args(activations.ActivationName)}
VARIATIONS = OPERATIONS | {
    "gelu tanh": lambda x: nnspec.gelu(x, form="tanh"),
    "gelu sigmoid": lambda x: nnspec.gelu(x, form="sigmoid"),
    "hard_sigmoid half": lambda x: nnspec.hard_sigmoid(x, form="half"),
}
SMOOTH = ["gelu", "gelu tanh", "gelu sigmoid", "sigmoid", "tanh", "softplus", "silu"]
X = np.random.default_rng(0).normal(0, 3, (5, 7)).astype(np.float32)
ENDS = np.array([-np.inf, -3.4e38, -3e3, -90.0, -0.0, 0.0, 90.0, 3e3, 3.4e38, np.inf], np.float32)

every_operation = pytest.mark.parametrize("f", VARIATIONS.values(), ids=VARIATIONS)
every_smooth_operation = pytest.mark.parametrize("f", [VARIATIONS[name] for name in SMOOTH], ids=SMOOTH)


def normal_cdf(x):
    return special.ndtr(x), np.exp(-x * x / 2) / np.sqrt(2 * np.pi)


# In float64: the function and its derivative.
ORACLES = {
    "elu": (lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))), lambda x: np.exp(np.minimum(x, 0))),
    "gelu": (lambda x: x * normal_cdf(x)[0], lambda x: normal_cdf(x)[0] + x * normal_cdf(x)[1]),
    "sigmoid": (special.expit, lambda x: special.expit(x) * special.expit(-x)),
    "tanh": (np.tanh, lambda x: 4 * special.expit(2 * x) * special.expit(-2 * x)),
    "softplus": (lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))), special.expit),
    "silu": (lambda x: x * special.expit(x), lambda x: special.expit(x) * (1 + x * special.expit(-x))),
}


def ulp(x):
    return np.spacing(np.maximum(np.abs(x), np.finfo(np.float32).tiny).astype(np.float32)).astype(np.float64)


def worst(got, oracle, x):
    """Largest error over (4 ulp of the result plus what 2 ulp of the input change), where the result is normal."""
    expected = oracle(x)
    moved = np.maximum(abs(oracle(x + 2 * ulp(x)) - expected), abs(oracle(x - 2 * ulp(x)) - expected))
    normal = np.abs(expected) > 4 * np.finfo(np.float32).tiny
    return np.max(np.where(normal, np.abs(got - expected) / (4 * ulp(expected) + moved), 0))


@pytest.mark.parametrize("name", ORACLES)
def test_value_and_gradient_are_accurate_to_the_last_normal_number(name):
    rng = np.random.default_rng(0)
    ranges = [(-105, -80), (-80, -14), (-14, -9), (-9, -2), (-2, 0), (0, 2), (2, 100)]
    magnitudes = 10 ** rng.uniform(-36, 38, 20_000)
    x = np.concatenate([magnitudes, -magnitudes, *(rng.uniform(*ends, 20_000) for ends in ranges)]).astype(np.float32)
    value, gradient = jax.jit(jax.vmap(jax.value_and_grad(OPERATIONS[name])))(x)

    with np.errstate(over="ignore"):
        worst_value, worst_gradient = (
            worst(np.asarray(got, np.float64), oracle, x.astype(np.float64))
            for got, oracle in zip((value, gradient), ORACLES[name], strict=True)
        )

    assert worst_value <= 1
    assert (
        worst_gradient <= 1.25
    )  # no clause asks for this much: near its zero a gradient is a difference of two roundings


@every_operation
def test_compiled_equals_eager(f):
    np.testing.assert_allclose(jax.jit(f)(X), f(X), rtol=2e-6)  # fused multiply-adds, magnified in the tails


@every_operation
def test_mapped_and_scanned_equal_the_loop(f):
    loop = np.stack([f(row) for row in X])
    mapped, (_, scanned) = jax.jit(lambda x: (jax.vmap(f)(x), jax.lax.scan(lambda _, row: (None, f(row)), None, x)))(X)

    np.testing.assert_allclose(mapped, loop, rtol=2e-6)
    np.testing.assert_allclose(scanned, loop, rtol=2e-6)


@every_operation
def test_forward_and_reverse_mode_agree_when_compiled(f):
    forward, reverse = jax.jit(jax.vmap(lambda row: (jax.jacfwd(f)(row), jax.jacrev(f)(row))))(X)

    np.testing.assert_allclose(forward, reverse, rtol=1e-6, atol=1e-7)


@every_smooth_operation
def test_third_derivative_is_the_difference_of_the_second(f):
    second = jax.grad(jax.grad(f))
    x = np.linspace(-4, 4, 41)
    with jax.enable_x64(True):
        both = jax.jit(jax.vmap(lambda x: (second(x), jax.grad(second)(x))))  # one program: compiling takes the time
        seconds, thirds = map(np.asarray, both(np.concatenate([x, x + 1e-5, x - 1e-5])))
    _, above, below = np.split(seconds, 3)

    assert seconds.dtype == np.float64
    np.testing.assert_allclose(thirds[:41], (above - below) / 2e-5, atol=1e-8)


@every_smooth_operation
def test_three_derivatives_are_finite_to_both_infinities(f):
    first = jax.grad(f)
    second = jax.grad(first)
    derivatives = jax.jit(jax.vmap(lambda x: (first(x), second(x), jax.grad(second)(x))))(ENDS)

    assert np.isfinite(np.stack(derivatives)).all()


@every_operation
@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16, jnp.float32, jnp.float64])
def test_value_and_gradient_keep_the_dtype_also_under_x64(f, dtype):
    with jax.enable_x64(True):
        x = jax.ShapeDtypeStruct((2, 3), dtype)
        value, pullback = jax.eval_shape(lambda x: jax.vjp(f, x), x)

        assert value.dtype == jax.eval_shape(lambda p, y: p(y)[0], pullback, value).dtype == dtype


def test_a_traced_hyperparameter_gets_its_gradient_also_at_infinity():
    x = jnp.array([-1.0, 2.0, jnp.inf])

    assert jax.jit(jax.grad(lambda a: nnspec.leaky_relu(x, negative_slope=a)[1:].sum()))(0.1) == 0
    assert jax.grad(lambda a: nnspec.leaky_relu(x, negative_slope=a)[0])(0.1) == -1
    np.testing.assert_allclose(jax.grad(lambda a: nnspec.elu(x, alpha=a)[0])(1.0), np.expm1(-1), rtol=1e-6)


def test_a_traced_hyperparameter_of_another_dtype_keeps_the_input_dtype():
    x = jnp.ones(3, jnp.bfloat16)

    assert jax.jit(lambda a: nnspec.elu(x, alpha=a))(jnp.float32(2)).dtype == jnp.bfloat16


def test_log_softmax_of_a_near_certain_class_keeps_its_digits():
    y = jax.jit(nnspec.log_softmax)(jnp.array([0.0, -20.0, -30.0]))

    np.testing.assert_allclose(y[0], -np.log1p(np.exp(-20.0) + np.exp(-30.0)), rtol=1e-6)


def test_log_softmax_of_ties_is_uniform():
    np.testing.assert_allclose(nnspec.log_softmax(jnp.full(5, 3.0)), -np.log(5), rtol=1e-6)


PRODUCERS = {"a product": (lambda x: np.float32(0.7) * x, lambda y: y / 0.7), "a square": (lambda x: x * x, np.sqrt)}
SCALES = [10, 1e3, 1e5, 1e7, 2.0**31, 1e12, 1e18]
RNG = np.random.default_rng(5)
SCORES = RNG.permuted(np.tile(np.linspace(0.1, 1, 10), (64, 1)), axis=1) * RNG.uniform(0.5, 1, (64, 1))


@pytest.mark.parametrize("level", [0, 3])  # XLA fuses and rounds otherwise; 0 is what one debugs with
@pytest.mark.parametrize(("producer", "inverse"), PRODUCERS.values(), ids=PRODUCERS)
def test_softmax_holds_where_its_scores_are_computed_in_the_same_program(producer, inverse, level):
    """A program that fuses the scores with the subtraction of their maximum must not be off by the scores' rounding."""
    compiled = partial(jax.jit, compiler_options={"xla_backend_optimization_level": level})
    x = np.stack([inverse(SCORES * scale) for scale in SCALES]).astype(np.float32)  # [scale, row, class]

    def answers(f):  # in programs of their own, and small ones: what is needed twice, or is large, is not fused
        value = compiled(lambda x: f(producer(x)))
        first = compiled(lambda x: jax.grad(lambda scores: f(scores)[:, 0].sum())(producer(x)))
        return np.stack([value(block) for block in x]), np.stack([first(block) for block in x])

    (p, dp), (log_p, dlog_p) = answers(nnspec.softmax), answers(nnspec.log_softmax)

    scores = np.asarray(producer(x), np.float64)
    expected, first = special.softmax(scores, axis=-1), np.arange(10) == 0
    # the scores may be taken unrounded; where they are 1000 and more, they lie too far apart for that to matter
    allowed = 1e-6 + np.minimum(1e-3, ulp(scores.max((1, 2), keepdims=True)))
    assert np.all(abs(p - expected) <= allowed)
    assert np.all(abs(dp - expected[..., :1] * (first - expected)) <= allowed)
    assert np.all(abs(dlog_p - (first - expected)) <= allowed)
    np.testing.assert_allclose(p.sum(-1), 1, rtol=1e-6)
    np.testing.assert_allclose(np.exp(log_p.astype(np.float64)).sum(-1), 1, rtol=1e-6)
    assert log_p.max() <= 0


@pytest.mark.parametrize("name", ["relu", "gelu", "softmax"])  # a kink, a derivative of its own, a sum over an axis
def test_works_inside_a_flax_model(name):
    class Model(nnx.Module):
        def __init__(self, rngs):
            self.inner = nnx.Linear(7, 4, rngs=rngs)

        def __call__(self, x):
            return OPERATIONS[name](self.inner(x))

    model = Model(nnx.Rngs(0))
    gradient = nnx.jit(nnx.grad(lambda model: model(X).mean()))(model)

    assert np.isfinite(gradient["inner"]["kernel"][...]).all()


@pytest.mark.parametrize(
    ("choices", "family"),
    [(activations.ActivationName, "activation.shape"), (activations.ElementwiseName, "activation.elementwise")],
)
def test_the_choices_are_those_of_the_page(choices, family):
    page = (Path(__file__).resolve().parents[2] / "spec" / "components" / "activations.md").read_text()
    listed = re.search(rf"^/// clause \| {re.escape(family)}\n.*?applies-to: \[(.*?)\]", page, re.DOTALL | re.MULTILINE)

    assert listed
    assert ", ".join(get_args(choices)) == listed[1]
    assert set(get_args(choices)) <= set(activations.__all__)


def test_nothing_global_is_changed_by_the_import():
    flags = jax.config.values

    assert flags["jax_numpy_dtype_promotion"] == "standard"
    assert not flags["jax_enable_x64"]
    assert flags["jax_default_matmul_precision"] is None
