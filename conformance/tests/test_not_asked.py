"""What is not put to a subject: a layout or a dtype that its adapter does not offer says nothing about it."""

from types import SimpleNamespace

import numpy as np

from nnspec_conformance.engine import run_instance
from nnspec_conformance.outcome import NOT_ASKED, NOT_IMPLEMENTED, Result
from nnspec_conformance.subject import Subject

COPIED = {"asarray": np.array, "to_numpy": np.asarray}  # with nothing said of layouts


def with_(oracle, **declared):
    """The oracle, declaring something else."""
    return Subject(SimpleNamespace(**(dict(vars(oracle.adapter)) | declared)))


def test_a_layout_that_is_not_kept_is_not_asked(suite, oracle):
    result = run_instance(suite, with_(oracle, **COPIED), "duty.layouts[relu]")
    assert (result.outcome, "which asarray does not keep" in result.message) == (NOT_ASKED, True)
    again = Result.from_record(result.instance, result.clause, "relu", result.as_record())
    assert (again.outcome, again.message) == (result.outcome, result.message)


def test_a_dtype_that_is_not_declared_is_not_asked(suite, oracle):
    assert run_instance(suite, with_(oracle, DTYPES=("float32",)), "duty.gradient[tanh]").outcome == NOT_ASKED


def test_what_is_neither_there_nor_asked_is_not_implemented(suite, oracle):
    assert run_instance(suite, with_(oracle, **COPIED, relu=None), "duty.layouts[relu]").outcome == NOT_IMPLEMENTED
