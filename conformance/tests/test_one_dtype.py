"""The dtype of every answer, seen after every call, gradient and step of the duties that look."""

from types import SimpleNamespace

import numpy as np
import pytest

from nnspec_conformance.engine import run_instance
from nnspec_conformance.errors import ClauseFailed
from nnspec_conformance.one_dtype import OneDtype
from nnspec_conformance.outcome import FAIL, PASS
from nnspec_conformance.subject import Subject

LONG = 30  # entries; the questions of duty.dtype have 42 at most


def somebody(tanh, **names):
    """Somebody's tanh in NumPy, asked in float32."""
    return Subject(SimpleNamespace(NAME="somebody", tanh=tanh, **names))


def promotes_what_is_long(x):
    return np.asarray(np.tanh(x), np.float64 if x.size > LONG**2 else x.dtype)


def looking():
    """One that looks, as a duty that asks has it."""
    made = OneDtype({})
    made.asked_by("duty.sizes")
    return made


def test_a_promoted_answer_fails_the_duty_that_asked(suite):
    result = run_instance(suite, somebody(promotes_what_is_long), "duty.sizes[tanh]")
    words = "the answer of tanh has an array in float64"
    assert (result.outcome, words in result.message, "(duty.dtype)" in result.message) == (FAIL, True, True)


@pytest.mark.parametrize("clause", ["activation.elementwise", "activation.gradient", "duty.neighbours"])
def test_no_clause_about_other_things_fails_for_it(suite, clause):
    def vjp(f, arrays, cotangents):
        return (cotangents / np.cosh(np.clip(np.asarray(arrays[0], np.float64), -300, 300)) ** 2,)

    one = somebody(lambda x: np.tanh(x.astype(np.float64)), vjp=vjp)
    assert run_instance(suite, one, f"{clause}[tanh]").outcome == PASS
    assert run_instance(suite, one, "duty.dtype[tanh]").outcome == FAIL


@pytest.mark.parametrize("known", ["duty.dtype[tanh]", "duty.dtype[tanh]; float32"])
def test_who_is_known_to_promote_is_not_blamed_twice(suite, known):
    one = somebody(promotes_what_is_long, KNOWN_FAILURES={known: "in float64; link"})
    assert run_instance(suite, one, "duty.sizes[tanh]").outcome == PASS


def test_the_dtype_of_arrays_of_several_is_a_rule_of_the_framework():
    both = (np.zeros(2, np.float32), np.zeros(2))
    assert looking().of("tanh", both, both[1]) is both[1]


def test_gradients_and_steps_are_looked_at(suite):
    looked, x = looking(), np.zeros(2, np.float32)
    with pytest.raises(ClauseFailed, match="the gradient of tanh has an array in float64, of shape"):
        looked.of_gradients("tanh", (x,), x, (np.zeros(2),))

    def exponential_average(params, *, decay_rate):
        return lambda grads: {name: np.asarray(p, np.float64) for name, p in params.items()}

    one = Subject(SimpleNamespace(NAME="somebody", exponential_average=exponential_average))
    one.one_dtype.asked_by("duty.sizes")
    with pytest.raises(ClauseFailed, match="the step of exponential_average has an array in float64"):
        one.trajectory("exponential_average", {"a": x}, [{"a": x}], steps=1, decay_rate=0.5)


def test_what_is_declared_without_a_gradient_may_get_any():
    x, scale, offset, mean, variance = (np.ones(2, np.float32) for _ in range(5))
    gradients = (x, np.ones(2), None, scale, offset)
    arrays = (x, mean, variance, scale, offset)
    assert looking().of_gradients("batch_norm_eval", arrays, x, gradients) is gradients
