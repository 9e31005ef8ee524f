"""A process in front of a run: a crash in native code is one line, and signals come through once."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

NATIVE = """
import ctypes, os, time

def identity(x):
    return x

def tanh(x):
    ctypes.string_at(0)

def sigmoid(x):
    ctypes.CDLL(None)._exit(0)

def relu(x):
    open({mark!r}, "w").close()
    time.sleep(600)
"""


@pytest.fixture
def start(adapter, tmp_path):
    """Starts the program with that adapter, in a process group of its own; what it runs is forked."""

    def started(*words):
        path = adapter(NATIVE.format(mark=str(tmp_path / "called")))
        # A shell's background job ignores Ctrl-C, and so would its children.
        heard = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)"
        code = f"{heard}\nfrom nnspec_conformance.cli import main\nsys.exit(main())"
        command = [sys.executable, "-c", code, "check", str(path), "identity.value", *map(str, words)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0)

    return started


@pytest.fixture
def called(start, tmp_path):
    """Such a run, in a call that does not return."""
    run = start("relu.value", "--report", tmp_path / "r.json")
    while not (tmp_path / "called").exists() and run.poll() is None:
        time.sleep(0.02)
    return run


def outcomes(path):
    return [r["outcome"] for r in json.loads(path.read_text())["topics"]["components/activations"]["results"].values()]


@pytest.mark.parametrize(
    ("clause", "how"), [("tanh.odd", "tanh ended the process by SIGSEGV"), ("sigmoid.range", "with status 0")]
)
def test_native_code_that_ends_the_process_is_named_and_the_run_can_go_on(start, tmp_path, clause, how):
    words = (clause, "--report", tmp_path / "r.json")
    run = start(*words)
    _, err = run.communicate(timeout=120)
    last = err.splitlines()[-1]
    assert (run.returncode, how in last, "go on with --resume" in last) == (2, True, True)
    assert outcomes(tmp_path / "r.json") == ["pass"]
    run = start(*words, "--resume")
    run.communicate(timeout=120)
    assert (run.returncode, sorted(outcomes(tmp_path / "r.json"))) == (1, ["fail", "pass"])


def test_without_a_report_the_line_says_how_to_go_on(start):
    run = start("tanh.odd")
    assert run.communicate(timeout=120)[1].splitlines()[-1].endswith("use --isolate, or --report and --resume")


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("send", [os.kill, os.killpg], ids=["to the process in front", "to the group"])
def test_signal_ends_the_run_once(called, tmp_path, name, send):
    send(called.pid, getattr(signal, name))
    out, err = called.communicate(timeout=60)
    told = [line for line in err.splitlines() if line.startswith("nnspec:")]  # besides, a slow run says how far it is
    assert (called.returncode, told) == (2, ["nnspec: interrupted after 1 of 2 instances; these are kept"])
    assert "1 pass" in out
    assert outcomes(tmp_path / "r.json") == ["pass"]


def test_run_does_not_outlive_the_process_in_front(called):
    called.kill()
    called.communicate(timeout=60)  # its end of the pipes closes with the run's
    assert called.returncode == -signal.SIGKILL
