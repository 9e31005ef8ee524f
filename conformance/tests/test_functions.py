"""The functions that an adapter's vjp is handed: equal where they do the same, so that a program is compiled once."""

from types import SimpleNamespace

import jax
import numpy as np
import pytest

from nnspec_conformance.adapters.jax import transport
from nnspec_conformance.functions import Function
from nnspec_conformance.loading import load_subject
from nnspec_conformance.subject import Subject

JAX = ("asarray", "to_numpy", "context", "vjp")  # what an adapter takes from the transport
X = np.array([[-1.5, 0.5, 2.0], [0.25, -0.75, 3.0]], np.float32)


def scale(x, table=None, *, by=1):
    return x * by if table is None else x * by + table["b"]


@pytest.fixture
def handed(subject_of):
    """The functions that a subject's vjp was handed, in order."""
    functions = []

    def vjp(f, primals, cotangents):
        functions.append(f)
        return primals

    return functions, subject_of(scale, vjp=vjp)


def of(handed, *arrays, **attributes):
    functions, subject = handed
    subject.vjp("scale", arrays, arrays[0], **attributes)
    return functions[-1]


def test_the_same_operation_and_attributes_are_the_same_function(handed):
    first, again = of(handed, X, by=2), of(handed, X + 1, by=2)
    assert first == again
    assert hash(first) == hash(again)


@pytest.mark.parametrize("other", [1.0, True, "1", 2, None, (1,), np.int64(1), np.array(1)])
def test_another_attribute_is_another_function(handed, other):
    assert of(handed, X, by=1) != of(handed, X, by=other)


def test_signed_zeros_are_two_attributes(handed):
    assert of(handed, X, by=0.0) != of(handed, X, by=-0.0)


def test_what_is_not_differentiated_counts_by_content(handed):
    def labelled(*labels):
        return of(handed, X, {"b": X, "labels": np.array(labels)})

    assert labelled(0, 1) == labelled(0, 1)
    assert labelled(0, 1) != labelled(0, 2)


def test_arrays_in_other_places_make_another_function(handed):
    assert of(handed, X, {"a": X, "b": X}) != of(handed, X, {"b": X, "a": X})
    assert of(handed, X) != of(handed, X, {"b": X})


def test_an_object_is_the_same_only_as_itself():
    one = object()
    assert Function(scale, "scale", one) == Function(scale, "scale", one)
    assert Function(scale, "scale", [one]) != Function(scale, "scale", [object()])


@pytest.fixture
def compiled():
    """How many programs XLA compiled while a function ran."""
    seen = []

    def count(event, seconds, **kwargs):
        seen.append(event.endswith("backend_compile_duration"))

    jax.monitoring.register_event_duration_secs_listener(count)

    def programs(run):
        before = sum(seen)
        run()
        return sum(seen) - before

    yield programs
    jax.monitoring.unregister_event_duration_listener(count)


def test_a_gradient_is_compiled_once_for_an_operation_and_its_attributes(compiled):
    subject = load_subject("reference")
    transport._program.cache_clear()

    def gradient(x, slope):
        return lambda: subject.vjp("leaky_relu", (x,), np.ones_like(x), negative_slope=slope)

    assert compiled(gradient(X, 0.125)) > 0
    assert compiled(gradient(2 * X, 0.125)) == 0
    assert compiled(gradient(X, 0.375)) > 0


def test_a_second_derivative_is_compiled_once_for_a_shape(compiled):
    subject = load_subject("reference")
    transport._program.cache_clear()
    assert compiled(lambda: subject.second_derivative("sigmoid", X)) > 0
    assert compiled(lambda: subject.second_derivative("sigmoid", X + 1)) == 0


def test_a_second_derivative_along_a_direction_is_that_of_the_sum_of_the_results():
    adapter = SimpleNamespace(products=lambda x: x[:, 0] * x[:, 1], **{n: getattr(transport, n) for n in JAX}, NAME="m")
    x, along = np.float32([[1, 2], [3, 4]]), np.float32([[5, 6], [7, 8]])

    assert Subject(adapter).second_derivative("products", x, along=along).tolist() == [[6, 5], [8, 7]]


def test_a_second_derivative_is_by_the_first_array_with_the_others_held():
    adapter = SimpleNamespace(cubic=lambda x, a: a * x**3, **{n: getattr(transport, n) for n in JAX}, NAME="cubic")
    subject = Subject(adapter)
    for a in (2 * X, X + 1):
        np.testing.assert_allclose(subject.second_derivative("cubic", X, a), 6 * a * X, rtol=1e-6)


def test_a_kept_program_answers_the_new_question():
    subject = load_subject("reference")
    for x, table in ((X, 1.0), (X + 1, 3.0)):
        weights = {"kernel_0": np.full((3, 2), table, np.float32), "bias_0": np.zeros(2, np.float32)}
        dx, gradients = subject.vjp("mlp", (x, weights), np.ones((2, 2), np.float32), activation="relu")
        np.testing.assert_allclose(dx, np.full((2, 3), 2 * table), rtol=1e-6)
        np.testing.assert_allclose(gradients["kernel_0"], np.stack([x.sum(0)] * 2, 1), rtol=1e-6)
