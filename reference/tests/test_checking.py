"""The guard of the public boundary: what it lets through, and its messages word for word."""

# The calls are wrong on purpose.
# pyright: reportArgumentType=false, reportCallIssue=false, reportInvalidTypeForm=false

import inspect
import re
import statistics
import timeit
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from nnspec.checking import Finite, Fraction, NonNegative, Positive, check_axis, checked


@checked
def layer_norm(
    x: Float[Array, "*batch features"],
    scale: Float[Array, "features"],
    bias: Float[Array, "features"] | None = None,
    *,
    epsilon: Positive = 1e-6,
    form: Literal["two-pass", "one-pass"] = "two-pass",
    axis: int = -1,
) -> Float[Array, "*batch features"]:
    return x * scale + epsilon if bias is None else x * scale + bias


@checked
def attend(
    query: Float[Array, "batch time features"],
    key: Float[Array, "batch time features"],
    mask: Bool[Array, "*batch"],
    ids: Int[Array, "time"],
    gates: Float[Array, "4 features"],
) -> Float[Array, "batch time features"]:
    return query


x, scale = jnp.ones((2, 3)), jnp.ones(3)
query, mask, ids, gates = jnp.ones((2, 5, 3)), jnp.ones(2, bool), jnp.arange(5), jnp.ones((4, 3))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: layer_norm(x, jnp.ones(4)),
            ValueError,
            "layer_norm: scale has features=4 but x has features=3",
        ),
        (
            lambda: layer_norm(x, jnp.ones((1, 3))),
            ValueError,
            "layer_norm: scale has 2 axes, shape (1, 3), expected 1, [features]; map over the extra ones with jax.vmap",
        ),
        (
            lambda: layer_norm(jnp.ones(()), scale),
            ValueError,
            "layer_norm: x has 0 axes, shape (), expected at least 1, [*batch, features]; add an axis with x[None]",
        ),
        (
            lambda: attend(query, jnp.ones((5, 3)), mask, ids, gates),
            ValueError,
            "attend: key has 2 axes, shape (5, 3), expected 3, [batch, time, features]; add an axis with key[None]",
        ),
        (
            lambda: attend(query, query, mask, ids, jnp.ones((3, 3))),
            ValueError,
            "attend: gates has an axis of size 3, expected 4",
        ),
        (
            lambda: layer_norm(jnp.ones((2, 3), jnp.int32), scale),
            TypeError,
            "layer_norm: x has dtype int32, expected floating point; cast it with x.astype(jnp.float32)",
        ),
        (
            lambda: layer_norm(np.ones((2, 3), np.int64), scale),
            TypeError,
            "layer_norm: x has dtype int64, expected floating point; cast it with x.astype(jnp.float32)",
        ),
        (
            lambda: attend(query, query, jnp.ones(2), ids, gates),
            TypeError,
            "attend: mask has dtype float32, expected boolean; cast it with mask.astype(bool)",
        ),
        (
            lambda: attend(query, query, mask, jnp.ones(5), gates),
            TypeError,
            "attend: ids has dtype float32, expected signed integer; cast it with ids.astype(jnp.int32)",
        ),
        (
            lambda: layer_norm([1.0, 2.0], scale),
            TypeError,
            "layer_norm: x is a list, expected an array of dtype floating point; convert it with "
            "jnp.asarray(x, jnp.float32)",
        ),
        (
            lambda: layer_norm(None, scale),
            TypeError,
            "layer_norm: x is None, expected an array of dtype floating point",
        ),
        (
            lambda: layer_norm(x, scale, epsilon=0.0),
            ValueError,
            "layer_norm: epsilon must be positive, got 0.0; the default is 1e-06",
        ),
        (
            lambda: layer_norm(x, scale, epsilon=jnp.float32(-1)),
            ValueError,
            "layer_norm: epsilon must be positive, got -1.0; the default is 1e-06",
        ),
        (
            lambda: layer_norm(x, scale, epsilon="small"),
            TypeError,
            "layer_norm: epsilon is the str 'small', expected a number",
        ),
        (
            lambda: layer_norm(x, scale, epsilon=True),
            TypeError,
            "layer_norm: epsilon is True, expected a number",
        ),
        (
            lambda: layer_norm(x, scale, epsilon=jnp.ones(3)),
            TypeError,
            "layer_norm: epsilon is an array of shape (3,) and dtype float32, expected a number",
        ),
        (
            lambda: layer_norm(x, scale, form="two-pas"),
            ValueError,
            "layer_norm: form must be one of 'two-pass', 'one-pass', got 'two-pas'; did you mean 'two-pass'?",
        ),
        (
            lambda: layer_norm(x, scale, axis=1.0),
            TypeError,
            "layer_norm: axis is the float 1.0, expected an integer",
        ),
        (
            lambda: layer_norm(x),
            TypeError,
            "layer_norm: missing a required argument: 'scale'; it takes x, scale, bias, epsilon, form, axis",
        ),
        (
            lambda: layer_norm(x, scale, epsilom=1.0),
            TypeError,
            "layer_norm: got an unexpected keyword argument 'epsilom'; did you mean epsilon?",
        ),
        (
            lambda: check_axis("softmax", x, 2),
            ValueError,
            "softmax: axis=2 does not exist in x of shape (2, 3); use -2 to 1",
        ),
        (
            lambda: check_axis("softmax", jnp.ones(()), 0),
            ValueError,
            "softmax: axis=0 does not exist in x of shape (); it needs at least one axis",
        ),
    ],
)
def test_message_names_what_was_expected_what_came_and_the_fix(call, error, message):
    with pytest.raises(error) as caught:
        call()

    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ("*batch features", "pair: b has batch=(4,) but a has batch=(2,)"),
        ("batch=2 features", "pair: b has batch=4, expected 2"),
    ],
)
def test_message_names_groups_of_axes_and_labelled_sizes(axes, message):
    @checked
    def pair(a: Float[Array, axes], b: Float[Array, axes]):
        return a

    with pytest.raises(ValueError, match=re.escape(message)):
        pair(jnp.ones((2, 3)), jnp.ones((4, 3)))


@pytest.mark.parametrize(
    "value",
    [jnp.ones((2, 3)), np.ones((2, 3), np.float32), np.ones((2, 3)), nnx.Param(jnp.ones((2, 3)))],
    ids=["jax", "numpy float32", "numpy float64", "flax variable"],
)
def test_arrays_of_every_kind_arrive_as_jax_arrays(value):
    @checked
    def kind(x: Float[Array, "*shape"]):
        return isinstance(x, jax.Array)

    assert kind(value)


@pytest.mark.parametrize("epsilon", [1, 0.5, np.float32(0.5), np.int64(2), np.array(0.5), jnp.float32(0.5)], ids=repr)
def test_numbers_of_every_kind_pass_for_floats(epsilon):
    assert layer_norm(x, scale, epsilon=epsilon).shape == (2, 3)


@pytest.mark.parametrize(
    ("hint", "good", "bad"),
    [(Positive, 1, 0), (NonNegative, 0, -1), (Fraction, 0, 1), (Finite, -3, float("inf")), (Finite, 0, float("nan"))],
)
def test_a_range_is_tested_only_on_concrete_numbers(hint, good, bad):
    @checked
    def f(value: hint):
        return value

    with pytest.raises(ValueError, match="f: value must be"):
        f(bad)
    assert f(good) == good
    jax.jit(f)(jnp.float32(bad))


def test_tracing_sees_the_same_shapes_and_errors():
    def loss(x, epsilon):
        return layer_norm(x, scale, epsilon=epsilon).sum()

    def step(carry, row):
        return layer_norm(carry, row), None

    assert jax.jit(jax.grad(loss))(x, 0.5).shape == (2, 3)
    assert jax.vmap(lambda row, epsilon: layer_norm(row, scale, epsilon=epsilon))(x, jnp.ones(2)).shape == (2, 3)
    assert jax.lax.scan(step, x, jnp.ones((4, 3)))[0].shape == (2, 3)
    assert jax.eval_shape(layer_norm, x, scale).shape == (2, 3)
    with pytest.raises(ValueError, match="scale has features=4 but x has features=3"):
        jax.jit(layer_norm)(x, jnp.ones(4))


def test_axes_of_one_call_do_not_bind_those_of_another():
    @checked
    def outer(x: Float[Array, "features"]) -> Float[Array, "features"]:
        layer_norm(jnp.ones((2, 7)), jnp.ones(7))
        return x

    assert outer(jnp.ones(3)).shape == (3,)


def test_an_error_inside_the_function_is_left_alone():
    @checked
    def broken(x: Float[Array, "*shape"]):
        raise TypeError("from the body")

    with pytest.raises(TypeError, match=r"^from the body$"):
        broken(x)


def test_a_wrong_result_is_the_functions_own_fault():
    @checked
    def halve(x: Float[Array, "*batch features"]) -> Float[Array, "*batch features"]:
        return x[:1]

    message = (
        "halve: returned an array of shape (1, 3) and dtype float32, "
        "but its signature promises Float[*batch features]; a bug in halve"
    )
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        halve(x)


def test_compiled_and_variadic_functions_are_guarded_too():
    @checked
    @jax.jit
    def total(*terms: Float[Array, "features"], **weights: Positive):
        return sum(terms)

    assert total(scale, np.ones(3), w=2).shape == (3,)
    with pytest.raises(TypeError, match="^total: "):
        total(scale, jnp.ones(3, jnp.int32))
    with pytest.raises(ValueError, match="^total: weights must be positive, got -1"):
        total(scale, w=-1)


def test_methods_are_named_by_their_class():
    class Scale(nnx.Module):
        @checked
        def __init__(self, features: int, *, key: PRNGKeyArray | None = None):
            self.gain = nnx.Param(jnp.ones(features))

        @checked
        def __call__(self, x: Float[Array, "*batch features"]) -> Float[Array, "*batch features"]:
            return x * self.gain

    assert nnx.jit(Scale(3))(x).shape == (2, 3)
    with pytest.raises(TypeError, match=r"^Scale: x has dtype int32"):
        Scale(3)(jnp.ones((2, 3), jnp.int32))
    with pytest.raises(TypeError, match=r"^Scale: features is the str '3', expected an integer$"):
        Scale("3")


def test_the_function_keeps_its_name_signature_and_static_arguments():
    assert layer_norm.__name__ == "layer_norm"
    assert next(iter(inspect.signature(layer_norm).parameters)) == "x"
    assert jax.jit(layer_norm, static_argnames="form")(x, scale, form="one-pass").shape == (2, 3)


def test_a_call_costs_less_than_ten_eager_operations():
    @checked
    def nothing(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        return x

    def median(call):
        return statistics.median(timeit.repeat(call, number=50, repeat=9))

    assert median(lambda: nothing(x)) < 10 * median(lambda: jnp.where(x <= 0, 0, x))


def test_an_error_from_inside_a_compiled_function_is_one_line():
    @checked
    @jax.jit
    def halve(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        raise ValueError("halve: it cannot")

    with pytest.raises(ValueError, match="halve: it cannot") as refused:
        halve(x)

    assert not any("TRACEBACK" in note for note in getattr(refused.value, "__notes__", ()))


def test_an_argument_of_any_type_fits():
    @checked
    def shifted(x: Float[Array, "n"], told: Any, *, form: Literal["a", "b"]) -> Float[Array, "n"]:
        return x

    with pytest.raises(ValueError, match="form must be one of 'a', 'b', got 'c'"):
        shifted(scale, ["anything"], form="c")
