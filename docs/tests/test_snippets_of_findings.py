"""The lines of Python on a finding's page: made without the framework, short, and they show what is stated."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from nnspec_conformance.cases import call, gradient
from nnspec_conformance.errors import HarnessError
from nnspec_conformance.suite_loader import load_suite
from nnspec_conformance.tolerance import Shape
from nnspec_site import asked_case, finding_snippets, findings_run, result_pages, snippet
from nnspec_site import data as site_data

UNWRITTEN_MEMORY = {"margins.empty-mean[multiclass_hinge]"}  # whose number is another one each time
FRAMEWORKS = ("torch", "jax", "flax", "keras", "tensorflow")
MADE = f"""
import sys
from nnspec_conformance.suite_loader import load_suite
from nnspec_site import data, finding_snippets, result_pages
loaded = data.load()
cause = next(one for one in result_pages.found(loaded, "torch") if one.case[0] == "duty.nan[gelu]")
print(finding_snippets.make(load_suite(), loaded.subjects["torch"], cause.case[0], cause.entry))
assert not {{*sys.modules}} & {{*{FRAMEWORKS!r}}}
"""


@pytest.fixture(scope="module")
def torch_findings():
    """Every fourth finding of PyTorch with its snippet; ``findings_run --snippets`` runs all."""
    loaded, suite = site_data.load(), load_suite()
    its = [one for one in result_pages.found(loaded, "torch") if result_pages.has_script("torch", one)][::4]
    return [(one, finding_snippets.make(suite, loaded.subjects["torch"], one.case[0], one.entry)) for one in its]


def test_no_framework_is_imported():
    made = subprocess.run([sys.executable, "-c", MADE], capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    assert "import torch\n" in made.stdout or "from torch" in made.stdout
    assert "right is" in made.stdout.splitlines()[-2]


def test_each_dtype_keeps_its_reading_of_subnormals():
    suite, instance = load_suite(), "activation.subnormals[sigmoid]"
    about = {"name": "mine", "dtypes": ["float16", "float32"], "subnormals": {"sigmoid": {"float16": "flushed"}}}
    readings = {"activation.subnormals": ["flushed"]}
    report = {"subject": about, "results": {instance: {"readings": readings}}}
    subject = asked_case.AsReported(report, suite, instance)
    (setting,) = subject.settings(suite.spec, suite.spec.clauses["activation.subnormals"], "sigmoid")
    assert setting.subnormals == {"float16": "flushed"}
    del about["subnormals"]  # an older report: the usual dtypes that flush
    older = asked_case.AsReported(report, suite, instance)
    (setting,) = older.settings(suite.spec, suite.spec.clauses["activation.subnormals"], "sigmoid")
    assert "float16" not in setting.subnormals


def test_what_a_page_depends_on_is_hashed_once_for_all_its_findings(monkeypatch):
    loaded, hashed = site_data.load(), []
    its = result_pages.found(loaded, "torch")
    page = max((one.page for one in its), key=[one.page for one in its].count)
    wanted = [finding_snippets.Wanted("torch", result_pages.anchor(one), page, one.case[0], one.entry) for one in its]
    monkeypatch.setattr(finding_snippets, "kills_hash", lambda suite, page: hashed.append(page) or "0")
    monkeypatch.setattr(finding_snippets, "kept", lambda kind, parts, make: "lines")
    assert len(finding_snippets.of(loaded, wanted)) > 1
    assert hashed == [page]


def test_most_findings_have_one_and_all_are_short(torch_findings):
    texts = [text for _, text in torch_findings if text]
    assert len(texts) > 0.6 * len(torch_findings)
    assert max(map(len, texts)) <= snippet.MOST


def test_long_elementwise_arrays_are_cut_to_the_entry_that_is_stated():
    x = np.linspace(-1, 1, 1000, dtype=np.float32)
    case = gradient("relu", x, cotangents=np.ones_like(x), want=(Shape((1000,)),))
    few = asked_case.cut(case, {"worst": {"input": "-1.0 at index (0,)"}})
    assert few.arrays[0].tolist() == [-1.0] * asked_case.LANES
    assert few.cotangents.shape == (asked_case.LANES,)


def test_an_entry_behind_the_last_whole_kernel_stays_there():
    x = np.linspace(-1, 1, 7509, dtype=np.float32)
    last = {"worst": {"input": "0.9 at index (7504,)"}}
    few = asked_case.cut(call("relu", x, want=Shape((7509,))), last)
    assert few.arrays[0].shape == (7509 % asked_case.LANES + asked_case.LANES,)
    assert few.want == Shape(few.arrays[0].shape)


def test_number_that_no_answer_shows_has_no_lines():
    loaded, suite = site_data.load(), load_suite()
    worst = {"call": f"dense(): {asked_case.ALONG}", "got": "0.5", "expected": "0.25"}
    entry = {"test": "test_second.py::test_second", "dtype": "float64", "worst": worst}
    with pytest.raises(HarnessError, match="which no answer shows"):
        asked_case.find(suite, loaded.subjects["torch"], "duty.second[dense]", entry)


@pytest.mark.parametrize("place", ["0.5 at index (1, 2)", ""])
def test_other_questions_stay_whole(place):
    case = call("dense", np.ones((50, 3)), np.ones(3), want=Shape((50,)))
    assert asked_case.cut(case, {"worst": {"input": place}}) is case


def test_what_no_test_asks_is_told():
    suite, report = load_suite(), site_data.load().subjects["torch"]
    entry = {"test": "test_activations.py::test_limits", "dtype": "float32", "worst": {"call": "gelu(0)"}}
    with pytest.raises(HarnessError, match="no question"):
        asked_case.find(suite, report, "activation.limits[gelu]", entry)


def test_snippet_that_prints_something_else_is_told():
    stated = {"worst": {"got": "0.5", "expected": "0.25"}}
    assert findings_run.tells("print([0.5])", stated) is None
    assert findings_run.tells("print([0.2500001])", stated) == "the snippet prints [0.2500001]"
    assert findings_run.tells("raise ValueError('no')", stated) == "the snippet ends with ValueError: no"
    raised = {"message": "gelu raised ValueError: no such form"}
    assert findings_run.tells("raise ValueError('no such form')", raised) is None
    assert findings_run.tells("print(1)", raised) == "the snippet raises nothing, and prints 1"
    refusal = {"message": "accepted", "worst": {"got": "[1]", "expected": "an exception"}}
    assert findings_run.tells("print(1)", refusal) is None
    assert findings_run.tells("x = 1", refusal) == "the snippet prints nothing"


def test_snippets_show_what_their_page_states(torch_findings):
    pytest.importorskip("torch")
    some = [(one, text) for one, text in torch_findings if one.case[0] not in UNWRITTEN_MEMORY]
    amiss = {one.case[0]: problem for one, text in some if text and (problem := findings_run.tells(text, one.entry))}
    assert amiss == {}
