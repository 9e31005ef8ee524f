"""Several processes side by side say what one says, and whatever ends one of them or the run, nothing is lost."""

import json
import os
import signal
import time

import pytest

from nnspec_conformance.isolation import Workers
from nnspec_conformance.side_by_side import Arriving

ASKED = ("identity.value", "activation.shape[relu]", "activation.nan[relu]", "gelu.form", "tanh.odd")
MINE = """
    KNOWN_FAILURES = {"activation.nan[relu]": "relu(NaN) is 0, right is NaN; searched 2026-11-30, not found"}

    def identity(x):
        return x

    def relu(x):
        return np.where(x > 0, x, np.zeros_like(x))

    def tanh(x):
        return np.tanh(x)
"""
HELD = """
    import os, pathlib, time

    def identity(x):
        return x

    def relu(x):
        pathlib.Path(FILE).write_text(str(os.getpid()))
        time.sleep(600)
"""


def test_verdict_and_report_are_those_of_one_process(nnspec, adapter, tmp_path):
    path = adapter(MINE)
    told = {}
    for name, *more in (("one", "--isolate"), ("three", "--jobs", "3")):
        ran = nnspec("check", path, *ASKED, "--report", tmp_path / f"{name}.json", *more)
        told[name] = ran.status, json.loads((tmp_path / f"{name}.json").read_text())
    assert told["one"] == told["three"]
    results = told["three"][1]["topics"]["components/activations"]["results"]
    outcomes = ["pass", "pass", "known failure", "not implemented", "pass"]
    assert [(name, one["outcome"]) for name, one in results.items()] == list(zip(ASKED, outcomes, strict=True))


def test_operations_are_shared_out_and_no_process_stays(suite, adapter):
    path = adapter("def identity(x):\n    return x\n\n\nrelu = softplus = sigmoid = tanh = identity\n")
    names = ("identity", "relu", "softplus", "sigmoid", "tanh")
    instances = [f"activation.shape[{name}]" for name in names] + ["activation.nan[identity]", "activation.nan[relu]"]
    asked: dict[int, set[str]] = {}

    class Told(Workers):
        def ask(self, instance, earlier=""):
            asked.setdefault(self.process.pid, set()).add(instance.partition("[")[2])
            return super().ask(instance, earlier)

    with Told(suite, str(path)) as first:
        team = Arriving(suite, first, lambda: Told(suite, str(path)), 2, instances)
        assert sorted(map(str, team)) == sorted(instances)
    one, other = asked.values()
    assert one
    assert other
    assert not one & other
    assert not any(workers.process.is_alive() for workers in team.there)


def test_crash_costs_one_instance(nnspec, adapter):
    path = adapter("""
        import os

        def identity(x):
            return x

        def relu(x):
            os.abort()

        def tanh(x):
            return np.tanh(x)
    """)
    ran = nnspec("check", path, "identity.value", "relu.value", "tanh.odd", "--jobs", "2")
    assert (ran.status, "2 pass, 1 fail" in ran.out) == (1, True)
    assert "relu ended the process by SIGABRT, alone in a process of its own" in ran.out


def test_signal_keeps_what_was_obtained(background, adapter, tmp_path):
    mark, report = tmp_path / "pid", tmp_path / "r.json"
    path = adapter(HELD.replace("FILE", repr(str(mark))))
    asked = ("relu.value", "identity.value", "activation.shape[identity]")
    started = background("check", path, *asked, "--jobs", "2", "--report", report, "--call-limit", "900")
    deadline = time.monotonic() + 50
    while not (mark.exists() and report.exists()) and started.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    started.send_signal(signal.SIGTERM)
    _, err = started.communicate(timeout=30)
    assert started.returncode == 2
    assert "of 3 instances; these are kept" in err
    kept = json.loads(report.read_text())["topics"]["components/activations"]["results"]
    assert ("identity.value" in kept, "relu.value" in kept) == (True, False)
    with pytest.raises(ProcessLookupError):
        os.kill(int(mark.read_text()), 0)


def test_what_is_kept_is_gone_on_with(nnspec, adapter, tmp_path):
    report = tmp_path / "r.json"
    nnspec("check", adapter(MINE), *ASKED[:2], "--report", report)
    ran = nnspec("check", adapter(MINE), *ASKED, "--report", report, "--resume", "--jobs", "2")
    assert (ran.status, f"2 of {len(ASKED)} instances are kept" in ran.err) == (0, True)
    assert set(json.loads(report.read_text())["topics"]["components/activations"]["results"]) == set(ASKED)


def test_adapter_that_cannot_be_loaded_is_one_line(nnspec, adapter):
    ran = nnspec("check", adapter("import nothing_of_this_name"), "relu.value", "tanh.odd", "--jobs", "2")
    assert (ran.status, ran.out, len(ran.err.splitlines())) == (2, "", 1)
    assert "needs the package 'nothing_of_this_name'" in ran.err


def test_process_that_cannot_start_ends_the_run_with_a_line(nnspec, adapter, tmp_path):
    path = adapter(f"""
        import pathlib

        place = pathlib.Path({str(tmp_path / "there")!r})
        if place.exists():
            raise ValueError("only one at a time")
        place.touch()

        def identity(x):
            return x

        def relu(x):
            return x
    """)
    ran = nnspec("check", path, "identity.value", "relu.value", "--jobs", "2")
    assert ran.status == 2
    assert "only one at a time" in ran.err.splitlines()[-1]


@pytest.mark.parametrize("given", ["-1", "two", "1.5", "65"])
def test_no_number_of_processes_is_a_line(nnspec, given):
    ran = nnspec("check", "numpy_oracle", "relu.value", f"--jobs={given}")
    assert (ran.status, f"{given} is no number of processes; give one from 0 to 64" in ran.err) == (2, True)


def test_vectors_are_recorded_by_one_process(nnspec, tmp_path):
    ran = nnspec("check", "numpy_oracle", "relu.value", "--jobs", "2", "--record", tmp_path / "v")
    assert (ran.status, "--jobs and --record exclude each other" in ran.err) == (2, True)
