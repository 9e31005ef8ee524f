"""Answers that are no numbers fail like others; a fault of the suite itself is one line and loses no verdict."""

import pytest

ANSWERS = {
    "texts": ('np.full(x.shape, "abc")', "<U3"),
    "bytes": ('np.full(x.shape, b"abc")', "|S3"),
    "bytes of no length": ('np.zeros(x.shape, "S0")', "|S1"),
    "objects": ("np.full(x.shape, object())", "object"),
    "raw memory": ('np.zeros(x.shape, "V4")', "|V4"),
    "records": ('np.zeros(x.shape, [("a", float)])', "[('a', '<f8')]"),
    "complex numbers": ("np.maximum(x, 0).astype(complex)", "complex128"),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ANSWERS)
def test_answer_that_holds_no_numbers_is_one_failure(nnspec, adapter, name):
    expression, dtype = ANSWERS[name]
    ran = nnspec("check", adapter(f"def relu(x):\n    return {expression}\n"), "relu.value", "duty.neighbours[relu]")
    assert (ran.status, ran.err, f"result has dtype {dtype}, expected numbers" in ran.out) == (1, "", True)


TWO = "def identity(x):\n    return x\n\n\ndef relu(x):\n    return x\n"
FAULT = """
import nnspec_conformance.isolation as suite

whole = suite.ask


def ask(suite, subject, instance, **given):
    return 1 / 0 if instance == "relu.value" else whole(suite, subject, instance, **given)


suite.ask = ask
"""


def broken(monkeypatch):
    """The suite fails where it asks about relu."""
    from nnspec_conformance import run

    whole = run.ask

    def ask(suite, subject, instance, **given):
        return 1 / 0 if instance == "relu.value" else whole(suite, subject, instance, **given)

    monkeypatch.setattr(run, "ask", ask)


def test_a_fault_of_the_suite_is_one_line_and_what_was_obtained_is_told(nnspec, adapter, monkeypatch, tmp_path):
    broken(monkeypatch)
    ran = nnspec("check", adapter(TWO), "identity.value", "relu.value", "--report", tmp_path / "r.json")
    assert (ran.status, ran.err.count("\n"), "1 pass" in ran.out) == (2, 1, True)
    assert ran.err.startswith("nnspec: a fault of nnspec: ZeroDivisionError in /")
    assert ran.err.endswith(": division by zero; report it\n")
    assert "identity.value" in (tmp_path / "r.json").read_text()


def test_a_fault_of_the_suite_in_another_process_is_not_the_adapters(nnspec, adapter):
    path = adapter(FAULT + TWO)
    ran = nnspec("check", path, "identity.value", "relu.value", "--isolate")
    assert (ran.status, ran.err.count("\n"), "1 pass" in ran.out) == (2, 1, True)
    assert ran.err.startswith("nnspec: a fault of nnspec: ZeroDivisionError in /")


def test_a_fault_is_as_it_is_for_a_debugger(nnspec, adapter, monkeypatch):
    broken(monkeypatch)
    monkeypatch.setenv("NNSPEC_ONE_PROCESS", "1")
    with pytest.raises(ZeroDivisionError):
        nnspec("check", adapter(TWO), "relu.value")
