"""Failures of one run: the mistake that explains more of them is named first."""

from dataclasses import replace

import numpy as np
import pytest

from nnspec_conformance.asking import ask
from nnspec_conformance.causes import share_causes
from nnspec_conformance.mutant import ORACLE


def first_lines(suite, subject, *instances):
    results = [ask(suite, subject, instance) for instance in instances]
    share_causes(suite, results)
    return [result.fits[0] if result.fits else None for result in results]


def tanh_from_sigmoid(x):
    with np.errstate(over="ignore"):
        return 2 / (1 + np.exp(-2 * x)) - 1


@pytest.mark.parametrize("other", ["activation.subnormals[tanh]", "tanh.odd"])
def test_cause_of_more_failures_is_named_before_a_reading_and_where_nothing_was(suite, subject_of, other):
    subject = subject_of(tanh=tanh_from_sigmoid, DTYPES=("float32", "float64"))
    told = first_lines(suite, subject, "activation.accuracy[tanh]", "activation.tail[tanh]", other)
    assert [line.partition(":")[0] for line in told] == ["tanh from sigmoid"] * 3


def test_reading_stays_first_where_nothing_else_fails(suite, subject_of):
    def tanh(x):
        y = ORACLE.tanh(x)
        return np.where(np.abs(y) < np.finfo(y.dtype).smallest_normal, 0 * y, y)

    subject = subject_of(tanh, DTYPES=("float32", "float64"))
    (told,) = first_lines(suite, subject, "activation.subnormals[tanh]")
    assert told.startswith("subnormals = flushed")


def test_no_mistake_is_loaded_where_none_fits(suite, subject_of):
    def tanh(x):
        raise ValueError("no device")

    found = [ask(suite, subject_of(tanh), "tanh.odd")]
    share_causes(replace(suite, mutant_modules=[None]), found)  # which has no list of mutants
    assert (found[0].outcome, found[0].fits) == ("fail", [])


def test_failure_of_another_form_has_no_cause_in_common(suite, subject_of):
    def softplus(x):
        if x.shape == (1,):
            raise TypeError("no vectors")
        return np.log(1 + np.exp(np.minimum(x, 500)))

    subject = subject_of(softplus, DTYPES=("float32", "float64"))
    told = first_lines(suite, subject, "activation.tail[softplus]", "activation.elementwise[softplus]")
    assert told[0].startswith("softplus as log of 1 plus exp")
    assert told[1] is None
