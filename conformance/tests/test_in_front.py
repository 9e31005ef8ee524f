"""A process in front of a run: a crash in native code is one line and the run goes on; signals come through once."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

NATIVE = """
import ctypes, os, signal, time

def identity(x):
    return x

def tanh(x):
    ctypes.string_at(0)

def sigmoid(x):
    ctypes.CDLL(None)._exit(0)

def softplus(x):
    signal.pthread_sigmask(signal.SIG_BLOCK, {{signal.SIGALRM}})  # as in native code: the alarm is not heard
    time.sleep(600)

def relu(x):
    open({mark!r}, "w").close()
    time.sleep(600)
"""
FIRST = "identity.value"
IMPORTS = "the adapter must import without an error"


@pytest.fixture
def start(adapter, tmp_path):
    """Starts the program with that adapter, in a process group of its own; what it runs is forked."""

    def started(*words, more="", command="check", end=10.0, **env):
        path = adapter(NATIVE.format(mark=str(tmp_path / "called")) + more)
        # A shell's background job ignores Ctrl-C, and so would its children.
        heard = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)"
        quick = "from nnspec_conformance import in_front, limits; limits.GRACE = in_front.HELD = 0.3"
        quick += f"; in_front.END = {end}"
        code = f"{heard}\n{quick}\nfrom nnspec_conformance.cli import main\nsys.exit(main())"
        asked = ["check", str(path), FIRST, *words] if command == "check" else [command, *words, str(path)]
        arguments = [sys.executable, "-c", code, *map(str, asked)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(arguments, text=True, process_group=0, env=os.environ | env, **pipes)

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


def told(err):
    """The lines of the suite; besides, a slow run says how far it is."""
    return [line for line in err.splitlines() if line.startswith("nnspec:")]


@pytest.mark.parametrize(
    ("clause", "how"),
    [
        ("tanh.odd", "tanh ended the process by SIGSEGV"),
        ("sigmoid.range", "sigmoid ended the process with status 0"),
        ("softplus.large", "softplus does not return, in native code that nothing can stop"),
    ],
)
def test_native_code_that_ends_the_process_is_named_and_the_run_goes_on(start, tmp_path, clause, how):
    path = tmp_path / "r.json"
    run = start(clause, "elu.value", "--report", path, "--call-limit", "0.5")
    out, err = run.communicate(timeout=120)
    first, *more = told(err)
    assert first == f"nnspec: {how}; what {path} has is kept, and the rest is asked in another process"
    assert more == [f"nnspec: 1 of 3 instances are kept from {path}"]
    assert (run.returncode, "1 pass, 1 fail, 1 not implemented" in out) == (1, True)
    assert sorted(outcomes(path)) == ["fail", "not implemented", "pass"]
    assert not path.with_name("r.json.asking").exists()


def test_without_a_report_everything_is_asked_in_another_process(start):
    run = start("tanh.odd")
    out, err = run.communicate(timeout=120)
    line = "nnspec: tanh ended the process by SIGSEGV; everything is asked in another process"
    assert (run.returncode, told(err), "1 pass, 1 fail" in out) == (1, [line], True)


def test_an_earlier_report_is_not_what_this_run_has_obtained(start, tmp_path):
    for _ in range(2):
        run = start("--report", tmp_path / "r.json", more="\nidentity = tanh\n")
        (line,) = told(run.communicate(timeout=120)[1])
        assert (run.returncode, line.endswith("; everything is asked in another process")) == (1, True)
        assert outcomes(tmp_path / "r.json") == ["fail"]


def test_results_of_another_day_in_a_folder_are_asked_again(start, tmp_path):
    start("tanh.odd", "--report", tmp_path / "r").communicate(timeout=120)
    run = start("tanh.odd", "--report", tmp_path / "r")
    assert told(run.communicate(timeout=120)[1])[0].endswith("; everything is asked in another process")


def test_an_import_that_crashes_is_not_tried_twice(start):
    run = start(more="\nctypes.string_at(0)\n")
    (line,) = told(run.communicate(timeout=120)[1])
    assert (run.returncode, line.endswith("mine.py ended the process by SIGSEGV; " + IMPORTS)) == (2, True)


def test_an_import_that_crashes_leaves_nothing_to_go_on_with(start, tmp_path):
    run = start("--report", tmp_path / "r.json", more="\nctypes.string_at(0)\n")
    (line,) = told(run.communicate(timeout=120)[1])
    assert line.endswith("mine.py ended the process by SIGSEGV; " + IMPORTS)


DEPENDS = """
before = []

def identity(x):
    before.append(x)
    return x

def sigmoid(x):
    if before:
        ctypes.string_at(0)
    return 1 / (1 + np.exp(-x))
"""
AGAIN = "alone in a process of its own it does not: that depends on earlier calls, or on chance"


@pytest.mark.parametrize("report", [None, "r.json"])
def test_a_crash_that_does_not_come_again_is_a_failure_all_the_same(start, tmp_path, report):
    words = ["--report", tmp_path / report] if report else []
    run = start("sigmoid.range", "elu.value", *words, more=DEPENDS)
    out, _ = run.communicate(timeout=120)
    assert (run.returncode, f"sigmoid ended the process by SIGSEGV; {AGAIN}" in " ".join(out.split())) == (1, True)
    assert "1 pass, 1 fail, 1 not implemented" in out


HOLDS = """
def sigmoid(x):
    lock, native = ctypes.create_string_buffer(64), ctypes.PyDLL(None)  # which keeps the interpreter's lock
    native.pthread_mutex_lock(lock)
    native.pthread_mutex_lock(lock)
"""


def test_native_code_that_lets_no_python_run_is_ended_by_the_process_in_front(start):
    run = start("sigmoid.range", "--call-limit", "0.3", more=HOLDS)
    out, err = run.communicate(timeout=120)
    (line,) = told(err)
    assert line.startswith("nnspec: sigmoid does not return, in native code that nothing can stop; everything is asked")
    assert (run.returncode, "1 pass, 1 fail" in out) == (1, True)


def test_end_of_the_program_that_does_not_return_is_not_waited_for(start):
    run = start(end=0.3, more="\nimport atexit\natexit.register(time.sleep, 600)\n")
    out, err = run.communicate(timeout=120)
    line = "nnspec: what the adapter left for the end of the program does not return; it is given up"
    assert (run.returncode, told(err), "1 pass" in out) == (0, [line], True)


SLOW = """
def relu(x):
    open({mark!r}, "w").close()
    time.sleep(0.5)
    return np.maximum(x, 0)

def tanh(x):
    open({mark!r}, "w").write(str(time.monotonic()))
    return np.tanh(x)
"""


@pytest.mark.parametrize("more", [[], ["--isolate"]], ids=["here", "isolated"])
def test_time_for_which_a_run_is_stopped_counts_for_no_call(start, tmp_path, more):
    mark = tmp_path / "called"
    run = start("relu.value", "tanh.odd", "--call-limit", "1", *more, more=SLOW.format(mark=str(mark)))
    while not mark.exists() and run.poll() is None:
        time.sleep(0.02)
    os.killpg(run.pid, signal.SIGTSTP)
    time.sleep(1.5)
    stopped = time.monotonic()
    os.killpg(run.pid, signal.SIGCONT)
    out, err = run.communicate(timeout=120)
    assert (run.returncode, told(err), "3 pass (" in out) == (0, [], True)
    assert float(mark.read_text()) > stopped


def test_identify_names_what_crashed_and_what_it_found_before(start):
    run = start(command="identify", more="\ndef gelu(x, **given):\n    os.abort()\n")
    out, err = run.communicate(timeout=120)
    (line,) = told(err)
    assert line == "nnspec: gelu ended the process by SIGABRT; nnspec check goes on after it"
    found = [row.split()[0] for row in out.splitlines() if row]
    assert run.returncode == 2
    assert "leaky-relu.negative-slope" in found


def test_replay_tells_what_failed_before_a_crash(start, nnspec, tmp_path):
    nnspec("check", "numpy_oracle", FIRST, "activation.limits[tanh]", "--record", tmp_path / "vectors")
    run = start(
        tmp_path / "vectors", command="replay", more="\ndef identity(x):\n    return x + 1\n", PYTHONUNBUFFERED=""
    )
    out, err = run.communicate(timeout=120)
    assert (run.returncode, "tanh ended the process by SIGSEGV" in err) == (2, True)
    assert out.startswith("FAIL  identity.value  ")


def test_after_a_crash_there_is_a_verdict_and_no_vectors(start, tmp_path):
    run = start("tanh.odd", "--record", tmp_path / "vectors")
    out, err = run.communicate(timeout=120)
    first, last = told(err)
    assert first == "nnspec: tanh ended the process by SIGSEGV; everything is asked in another process"
    assert last.startswith(f"nnspec: {tmp_path / 'vectors'}: no vectors are recorded after a crash; ")
    assert (run.returncode, "1 pass, 1 fail" in out, (tmp_path / "vectors").exists()) == (2, True, False)


def test_a_debugger_has_one_process(start):
    run = start("tanh.odd", NNSPEC_ONE_PROCESS="1")
    run.communicate(timeout=120)
    assert run.returncode == -signal.SIGSEGV


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("send", [os.kill, os.killpg], ids=["to the process in front", "to the group"])
def test_signal_ends_the_run_once(called, tmp_path, name, send):
    send(called.pid, getattr(signal, name))
    out, err = called.communicate(timeout=60)
    assert (called.returncode, told(err)) == (2, ["nnspec: interrupted after 1 of 2 instances; these are kept"])
    assert "1 pass" in out
    assert outcomes(tmp_path / "r.json") == ["pass"]


def test_run_does_not_outlive_the_process_in_front(called):
    called.kill()
    called.communicate(timeout=60)  # its end of the pipes closes with the run's
    assert called.returncode == -signal.SIGKILL
