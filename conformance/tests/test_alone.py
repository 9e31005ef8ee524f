"""What fails is asked once more, by itself: what that gave stands beside the failure."""

import numpy as np
import pytest

from nnspec_conformance.alone import EARLIER, LAYOUT, PAST
from nnspec_conformance.asking import ask
from nnspec_conformance.cases import call, clause, gradient
from nnspec_conformance.loading import load_subject
from nnspec_conformance.tolerance import exact


@pytest.fixture
def told(suite_of, subject_of, f32, factor_page):
    """What is said of an implementation of "times two" that is asked with two arrays, the second turned round."""
    x = f32(1, -2, 3, -4).reshape(2, 2)

    @clause("scale.factor")
    def proves_factor(readings):
        yield call("scale", x, want=exact(2 * x))
        yield call("scale", x.T, want=exact(2 * x.T))

    def run(scale):
        scale.__name__ = "scale"
        result = ask(suite_of(factor_page, proves_factor), subject_of(scale), "scale.factor")
        assert result.outcome == "fail"
        assert [entry.question for entry in result.entries] == [None]
        return result.finding.alone

    return run


def test_wrong_each_time_says_nothing(told):
    assert told(lambda x: x) is None


def test_wrong_in_the_second_call_depends_on_earlier_calls(told):
    calls = []
    assert told(lambda x: 2 * x if calls.append(x) or len(calls) != 2 else x) == EARLIER


def test_wrong_for_turned_arrays_depends_on_layout(told):
    assert told(lambda x: 2 * x if x.flags.c_contiguous else x) == LAYOUT


def test_refusal_is_asked_again_too(told):
    def scale(x):
        if not x.flags.c_contiguous:
            raise ValueError("strides")
        return 2 * x

    assert told(scale) == LAYOUT


ONCE = """
    DTYPES = ("float32", "float64")
    calls = []

    def relu(x):
        calls.append(x.shape)
        return np.maximum(x, 0) if len(calls) == 1 else x
"""


def test_relation_that_holds_when_asked_again_depends_on_earlier_calls(suite_of, subject_of, f32, factor_page):
    calls = []

    @clause("scale.factor")
    def proves_factor(trial):
        trial.require(trial.call(f32(1))[0] == 2, "is not two")

    def scale(x):
        calls.append(x)
        return 2 * x if len(calls) > 1 else x

    result = ask(suite_of(factor_page, proves_factor), subject_of(scale), "scale.factor")
    assert (result.outcome, result.finding.alone, len(calls)) == ("fail", EARLIER, 2)


def test_right_in_its_first_call_only_depends_on_the_past(nnspec, adapter):
    ran = nnspec("check", adapter(ONCE), "relu.value")
    assert ran.status == 1
    assert " ".join(f"alone     {PAST}".split()) in " ".join(ran.out.split())
    assert "fits" not in ran.out


def test_adapter_that_cannot_be_loaded_twice_is_not(adapter, suite):
    path = adapter(ONCE.replace("calls = []", "calls = []\n    open(__file__ + '.lock', 'x').close()"))
    subject = load_subject(str(path))
    assert ask(suite, subject, "relu.value").finding.alone is None
    assert subject.reloads is False


def test_loading_anew_leaves_the_first_module_in_place(adapter, suite):
    import sys

    subject = load_subject(str(adapter(ONCE)))
    ask(suite, subject, "relu.value")
    assert sys.modules["mine"] is subject.adapter


def test_what_did_not_return_is_not_asked_again(told):
    import time

    calls = []

    def scale(x):
        calls.append(x)
        time.sleep(600)

    assert told(scale) is None
    assert len(calls) == 1


def test_known_failure_is_not_asked_again(suite_of, subject_of, f32, factor_page):
    calls = []

    @clause("scale.factor")
    def proves_factor(readings):
        yield call("scale", f32(1), want=exact(f32(2)))

    def scale(x):
        calls.append(x)
        return np.array(x)

    subject = subject_of(scale, KNOWN_FAILURES={"scale.factor": "wrong; link"})
    assert ask(suite_of(factor_page, proves_factor), subject, "scale.factor").outcome == "known failure"
    assert len(calls) == 1


def test_a_cotangent_may_be_a_number_of_numpy(suite_of, subject_of, f32, factor_page):
    @clause("scale.factor")
    def proves_factor(readings):
        yield gradient("scale", f32(1)[0], cotangents=np.float32(1), want=(exact(np.float32(2)),))

    def scale(x):
        return 2 * x

    def scale_vjp(x, g):
        return (np.asarray(3 * g),)

    result = ask(suite_of(factor_page, proves_factor), subject_of(scale, scale_vjp=scale_vjp), "scale.factor")
    assert result.outcome == "fail"
    assert result.finding.alone is None
