"""A run that ended early goes on: what its report has is kept, and what it was asking is asked in another process."""

import json
import signal

import pytest

from nnspec_conformance.asking import ask
from nnspec_conformance.loading import load_subject
from nnspec_conformance.outcome import Result
from nnspec_conformance.report import DIGITS
from nnspec_conformance.results import jsonable

KILLED = """
    import os, signal

    def identity(x):
        return x

    def relu(x):
        os.kill(os.getpid(), signal.SIGKILL)

    def tanh(x):
        return np.tanh(x)
"""
ASKED = ("identity.value", "relu.value", "tanh.odd")


def results_of(path):
    return json.loads(path.read_text())["topics"]["components/activations"]["results"]


def test_run_that_was_killed_goes_on(process, adapter, tmp_path):
    path, report = adapter(KILLED), tmp_path / "r.json"
    first = process("check", path, *ASKED, "--report", report)
    assert (first.status, list(results_of(report))) == (-signal.SIGKILL, ["identity.value"])
    assert (tmp_path / "r.json.asking").read_text() == "relu.value"

    ran = process("check", path, *ASKED, "--report", report, "--resume")

    outcomes = {name: record["outcome"] for name, record in results_of(report).items()}
    assert ran.err.startswith(f"nnspec: 1 of 3 instances are kept from {report}\n")
    assert (ran.status, outcomes) == (1, dict(zip(ASKED, ("pass", "fail", "pass"), strict=True)))
    assert "relu ended the process by SIGKILL" in ran.out
    assert not (tmp_path / "r.json.asking").exists()


@pytest.fixture
def run(nnspec, adapter, tmp_path):
    """A run with its report in a file or a folder; the adapter writes down what is called."""
    path = adapter("""
        called = []

        def identity(x):
            called.append("identity")
            return x

        def relu(x):
            called.append("relu")
            return np.abs(x)
    """)

    def check(*options, report="r.json"):
        ran = nnspec("check", path, *options, "--report", tmp_path / report)
        import sys

        return ran, sys.modules["mine"].called

    return check


@pytest.mark.parametrize("report", ["r.json", "folder"])
def test_what_is_there_is_not_asked_again(run, report):
    first, _ = run("identity.value", "relu.value", report=report)
    again, called = run("identity.value", "relu.value", "activation.nan[identity]", "--resume", report=report)
    assert set(called) == {"identity"}
    assert (first.status, again.status) == (1, 1)
    assert "FAIL  relu.value" in again.out
    assert "2 pass, 1 fail" in again.out


def test_report_of_other_files_is_not_gone_on_with(run, tmp_path):
    run("identity.value")
    report = json.loads((tmp_path / "r.json").read_text())
    report["topics"]["components/activations"]["inputs"] = "0" * 16
    (tmp_path / "r.json").write_text(json.dumps(report))
    again, called = run("identity.value", "--resume")
    assert ("kept from" in again.err, "identity" in called) == (False, True)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--resume",), "--resume goes on with a report; name it with --report"),
        (("--resume", "--report", "{there}"), "{there}: there is no report to go on with; leave --resume out"),
        (("--resume", "--report", "{there}", "--if-stale"), "--resume and --if-stale exclude each other"),
        (("--resume", "--report", "{there}", "--record", "{there}"), "--resume and --record exclude each other"),
    ],
)
def test_what_cannot_be_resumed_is_one_line(nnspec, tmp_path, options, words):
    there = str(tmp_path / "there")
    ran = nnspec("check", "numpy_oracle", "relu.value", *(option.replace("{there}", there) for option in options))
    assert (ran.status, ran.err.count("\n")) == (2, 1)
    assert words.replace("{there}", there) in ran.err


ODD = """
    DTYPES = ("float32", "float64")
    KNOWN_FAILURES = {"activation.nan[relu]": "swallows it; link"}
    VARIANTS = {"gelu.form": "tanh"}

    def relu(x):
        return np.fmax(x, 0)

    def gelu(x):
        if x.dtype == np.float64:
            raise NotImplementedError
        return np.maximum(x, 0)

    def tanh(x):
        return 1 / 0
"""


def test_result_survives_its_record(adapter, suite):
    subject = load_subject(str(adapter(ODD)))
    seen = set()
    for instance in suite.select(
        ["relu.value", "activation.nan", "gelu.form", "activation.tail", "tanh.odd", "activation.shape"]
    ):
        clause, operation = suite.instances[instance]
        record = jsonable(ask(suite, subject, instance).as_record(), DIGITS)
        seen.add(record["outcome"])
        assert jsonable(Result.from_record(instance, clause, operation, record).as_record(), DIGITS) == record
    assert seen >= {"pass", "fail", "known failure", "not implemented"}
