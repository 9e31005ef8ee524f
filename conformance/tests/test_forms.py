"""A question about shapes and dtypes alone may be answered without a call, and is answered as the call would be."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nnspec_conformance.adapters.jax import transport
from nnspec_conformance.cases import call, gradient, steps
from nnspec_conformance.errors import Refused
from nnspec_conformance.forms import is_form
from nnspec_conformance.subject import Subject
from nnspec_conformance.tolerance import Shape, exact

X = np.ones((2, 3), np.float32)
ANY = Shape(None, "float32")


@pytest.mark.parametrize(
    ("want", "form"),
    [
        (ANY, True),
        ((ANY, {"a": ANY, "b": [ANY]}), True),
        (exact(1.0), False),
        ((ANY, exact(1.0)), False),
        ({"a": exact(1.0)}, False),
        (None, False),
        ((), False),
        ({}, False),
    ],
)
def test_a_form_holds_no_value_anywhere(want, form):
    assert is_form(want) == form


@pytest.fixture
def asked():
    """A subject that notes how it is asked, and what was."""
    noted = []

    def double(x, *, refuses=False):
        noted.append("call")
        return x * 2

    def abstract(f, *arrays):
        noted.append("abstract")
        if len(arrays[0]) > 2:
            raise NotImplementedError
        return np.zeros_like(arrays[0])

    return Subject(SimpleNamespace(NAME="notes", double=double, abstract=abstract)), noted


def test_a_form_is_told_without_a_call(asked):
    subject, noted = asked
    case = call("double", X, want=Shape((2, 3), "float32"))
    assert case.judge(case.ask(subject, {}), {}).ratio == 0
    assert noted == ["abstract"]


def test_a_value_is_asked_by_a_call_also_after_a_form(asked):
    subject, noted = asked
    call("double", X, want=ANY).ask(subject, {})
    np.testing.assert_array_equal(call("double", X, want=exact(2 * X)).ask(subject, {}), 2 * X)
    assert noted == ["abstract", "call"]


def test_what_cannot_be_told_is_called(asked):
    subject, noted = asked
    call("double", np.ones((5, 3), np.float32), want=ANY).ask(subject, {})
    assert noted == ["abstract", "call"]


def test_a_subject_without_the_function_is_called(subject_of):
    def double(x):
        return x * 2

    got = call("double", X, want=ANY).ask(subject_of(double), {})
    np.testing.assert_array_equal(got, 2 * X)


# ---- on JAX


def on_jax(**functions):
    names = ("asarray", "to_numpy", "context", "vjp", "abstract")
    return Subject(SimpleNamespace(NAME="jax", **{name: getattr(transport, name) for name in names}, **functions))


@jax.jit
def promotes(x):
    return x * np.float32(2) if x.dtype != jnp.bfloat16 else x.astype(jnp.float32)


def judged(case, subject):
    return case.judge(case.ask(subject, {}), {}).ratio


@pytest.mark.parametrize(("dtype", "right"), [("float32", True), ("bfloat16", False)])
def test_a_wrong_dtype_is_seen_where_nothing_is_compiled(dtype, right):
    x = X.astype(dtype)
    subject, form = on_jax(promotes=promotes), Shape((2, 3), dtype)
    promotes.clear_cache()
    assert (judged(call("promotes", x, want=form), subject) == 0) == right
    asked = gradient("promotes", x, cotangents=np.ones((2, 3), np.float32), want=(form,))
    assert judged(asked, subject) == 0
    assert promotes._cache_size() == 0  # it was traced, and never run


def test_a_wrong_shape_is_seen_where_nothing_is_compiled():
    assert judged(call("total", X, want=Shape((2,), "float32")), on_jax(total=lambda x: x.sum())) > 1


def test_what_needs_the_numbers_is_called():
    def counts(x):
        return jnp.zeros(int(np.asarray(x).sum()), x.dtype)

    assert judged(call("counts", X, want=Shape((6,), "float32")), on_jax(counts=counts)) == 0


def test_a_refusal_is_that_of_the_call():
    def refuses(x):
        raise ValueError("no" if isinstance(x, jax.core.Tracer) else "not these numbers")

    with pytest.raises(Refused, match="not these numbers"):
        call("refuses", X, want=ANY).ask(on_jax(refuses=refuses), {})


@jax.jit
def stepped(params, grads):
    return {name: p - (0.5 * grads[name]).astype(jnp.float32) for name, p in params.items()}


def descends(params):
    """Its steps are in float32, whatever came."""
    now = dict(params)

    def step(grads, learning_rate=None):
        now.update(stepped(now, grads))
        return dict(now)

    return step


@pytest.mark.parametrize(("dtype", "right"), [("float32", True), ("bfloat16", False)])
def test_a_stepper_is_followed_without_compiling(dtype, right):
    params, stepped_before = {"w": X.astype(dtype)}, stepped._cache_size()
    case = steps("descends", params, grads=[params] * 3, want=[{"w": Shape((2, 3), dtype)}] * 3)
    assert (judged(case, on_jax(descends=descends)) == 0) == right
    assert stepped._cache_size() == stepped_before


@pytest.mark.parametrize("dtype", ["float64", "float16"])
def test_a_stepper_is_followed_in_the_dtype_that_is_asked(dtype):
    def keeps(params):
        now = dict(params)

        def step(grads, learning_rate=None):
            now["w"] = now["w"] - 0.5 * grads["w"]
            return dict(now)

        return step

    params = {"w": X.astype(dtype)}
    case = steps("keeps", params, grads=[params] * 3, want=[{"w": Shape((2, 3), dtype)}] * 3)
    assert judged(case, on_jax(keeps=keeps)) == 0


def test_a_stepper_that_cannot_be_followed_is_called():
    def counts(params):
        now = dict(params)

        def step(grads, learning_rate=None):
            now["w"] = now["w"] - float(learning_rate * grads["w"].sum())
            return dict(now)

        return step

    case = steps(
        "counts", {"w": X}, grads=[{"w": X}] * 2, rates=[0.5, 0.25], want=[{"w": Shape((2, 3), "float32")}] * 2
    )
    got = case.ask(on_jax(counts=counts), {})
    assert [float(now["w"][0, 0]) for now in got] == [-2, -3.5]
