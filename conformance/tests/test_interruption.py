"""Calls that hang and runs that are interrupted: the limit holds, and what was obtained is kept."""

import json
import re
import signal
import subprocess
import sys
import time

import pytest

from nnspec_conformance.identify import identify
from nnspec_conformance.loading import load_subject

HANGS = {
    "sleeps": """
        def relu(x):
            time.sleep(600)
    """,
    "loops": """
        def relu(x):
            while True:
                pass
    """,
    "swallows the first alarm": """
        def relu(x):
            try:
                time.sleep(600)
            except BaseException:
                time.sleep(600)
    """,
}


def results_of(made):
    return made["topics"]["components/activations"]["results"]


@pytest.mark.parametrize("name", HANGS)
def test_call_that_hangs_fails_its_clause(nnspec, adapter, monkeypatch, name):
    monkeypatch.setattr("nnspec_conformance.limits.AGAIN", 0.1)
    path = adapter("        import time\n" + HANGS[name])
    ran = nnspec("check", path, "relu.value", "--call-limit", 0.2)
    assert (ran.status, "found     relu did not return within 0.2 s" in ran.out) == (1, True)


def test_operation_that_hung_is_not_waited_for_again(nnspec, adapter):
    path = adapter("""
        import time

        def relu(x):
            time.sleep(600)

        def identity(x):
            return x
    """)
    started = time.monotonic()
    ran = nnspec("check", path, "activations", "--call-limit", 0.5, "--all")
    assert ran.out.count("relu did not return within 0.5 s") == 1
    assert ran.out.count("FAIL  ") == 1
    assert ran.out.count("not asked       activation.nan[relu]") == 1
    assert time.monotonic() - started < 8


def test_a_gradient_that_hangs_says_nothing_about_the_value(nnspec, adapter):
    path = adapter("""
        import time

        def relu(x):
            return np.maximum(x, 0)

        def relu_vjp(x, cotangents):
            time.sleep(600)
    """)
    ran = nnspec("check", path, "relu.value", "activation.gradient[relu]", "--call-limit", 0.2, "--all")
    assert (ran.status, "pass            relu.value" in ran.out) == (1, True)
    assert "the gradient of relu did not return within 0.2 s" in ran.out


WAITS = """
    import time

    def relu(x):
        if x.size == SIZE:
            time.sleep(600)
        return np.maximum(x, 0)
"""


@pytest.fixture
def timed(adapter):
    """The subject of an adapter whose calls may take a fifth of a second."""

    def load(body, **declared):
        lines = [f"    {name} = {value!r}" for name, value in declared.items()]
        return load_subject(str(adapter("\n".join([*lines, body]))), call_limit=0.2)

    return load


def outcome(subject, *arrays):
    try:
        return subject.call("relu", *arrays).shape
    except Exception as error:
        return str(error)


def test_input_that_hangs_is_not_the_operation(timed, f32):
    subject = timed(WAITS.replace("SIZE", "2"))
    assert outcome(subject, f32(1)) == (1,)
    assert [outcome(subject, f32(1, 2)) for _ in range(3)] == ["relu did not return within 0.2 s"] * 3
    assert outcome(subject, f32(1)) == "relu, which did not return in time before, is not asked again"


SLOW_AT_FIRST = """
    import time
    seen = []

    def relu(x):
        if x.shape not in seen:
            seen.append(x.shape)
            time.sleep(0.4)
        return np.maximum(x, 0)
"""


def test_first_call_of_a_form_may_be_compiled(timed, f32):
    subject = timed(SLOW_AT_FIRST, COMPILES=True)
    assert [outcome(subject, f32(*[1] * n)) for n in (1, 1, 2)] == [(1,), (1,), (2,)]


def test_what_does_not_compile_has_one_limit(timed, f32):
    assert outcome(timed(SLOW_AT_FIRST), f32(1)) == "relu did not return within 0.2 s"


@pytest.mark.parametrize("value", ["0", "-1", "soon"])
def test_limit_of_the_first_call_is_a_time(nnspec, value):
    ran = nnspec("check", "numpy_oracle", "relu.value", "--first-call-limit", value)
    assert (ran.status, f"{value} is no time limit; give seconds above 0" in ran.err) == (2, True)


def test_identify_does_not_wait_again_either(adapter, suite):
    path = adapter("""
        import time
        calls = []

        def gelu(x, **given):
            calls.append(given)
            time.sleep(600)
    """)
    subject = load_subject(str(path), call_limit=0.1)
    rows = {row.instance: row for row in identify(suite, subject)}
    assert (rows["gelu.form"].found, len(subject.adapter.calls)) == ([], 1)


NATIVE = """
    import signal, time

    def identity(x):
        return x

    def relu(x):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})  # as in native code: the alarm is not heard
        while True:
            time.sleep(600)
"""
QUICK = "from nnspec_conformance import limits; limits.GRACE = 0.3"


@pytest.fixture
def hung(process, adapter):
    def run(*options):
        chosen = ("identity.value", "relu.value", "tanh.odd", "--call-limit", 0.2)
        return process("check", adapter(NATIVE), *chosen, *options, before=QUICK)

    return run


def test_hang_in_native_code_ends_with_status_2_and_keeps_what_was_obtained(hung, tmp_path):
    ran = hung("--report", tmp_path / "r.json")
    made = json.loads((tmp_path / "r.json").read_text())
    assert ran.status == 2
    assert ran.err == "nnspec: relu hangs in native code and cannot be stopped; what was obtained is kept\n"
    assert "FAIL  relu.value" in ran.out
    assert "relu did not return within 0.2 s, in native code that nothing can stop" in ran.out
    assert "1 pass, 1 fail" in ran.out
    assert {k: v["outcome"] for k, v in results_of(made).items()} == {"identity.value": "pass", "relu.value": "fail"}


def test_hang_in_native_code_leaves_the_json_whole(hung):
    assert results_of(json.loads(hung("--json").out))["identity.value"]["outcome"] == "pass"


SLOW = """
    import time

    def identity(x):
        return x

    def relu(x):
        time.sleep(0.05)
        print("relu", file=open(FILE, "a"))
        return np.maximum(x, 0)
"""


@pytest.fixture
def interrupted(adapter, tmp_path, background):
    """A run that gets Ctrl-C while relu is called."""

    def run(*options, by="SIGINT"):
        mark = tmp_path / "called"
        path = adapter(SLOW.replace("FILE", repr(str(mark))))
        with open(path, "a") as file:
            file.write("\ndef softmax(x, *, axis=-1):\n    time.sleep(600)\n")
        started = background("check", path, "identity.value", "relu.value", "softmax.value", *options)
        while not mark.exists() and started.poll() is None:
            time.sleep(0.02)
        time.sleep(0.3)
        started.send_signal(getattr(signal, by))
        out, err = started.communicate(timeout=30)
        return started.returncode, out, err

    return run


def test_ctrl_c_keeps_and_tells_what_was_obtained(interrupted, tmp_path):
    status, out, err = interrupted("--report", tmp_path / "r.json")
    made = json.loads((tmp_path / "r.json").read_text())
    assert (status, "1 pass" in out or "2 pass" in out) == (2, True)
    assert err.startswith("nnspec: interrupted after ")
    assert err.endswith(" of 4 instances; these are kept\n")
    assert results_of(made)["identity.value"]["outcome"] == "pass"


def test_ctrl_c_leaves_the_json_whole(interrupted):
    assert "identity.value" in results_of(json.loads(interrupted("--json")[1]))


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_other_signals_end_a_run_like_ctrl_c(interrupted, tmp_path, name):
    status, out, err = interrupted("--report", tmp_path / "r.json", by=name)
    assert (status, "pass" in out, " of 4 instances; these are kept\n" in err) == (2, True, True)
    assert results_of(json.loads((tmp_path / "r.json").read_text()))["identity.value"]["outcome"] == "pass"


def test_run_that_is_killed_leaves_its_report(interrupted, tmp_path):
    status, out, _ = interrupted("--report", tmp_path / "r.json", by="SIGKILL")
    assert (status, out) == (-signal.SIGKILL, "")
    assert results_of(json.loads((tmp_path / "r.json").read_text()))["identity.value"]["outcome"] == "pass"


def test_signal_that_an_adapter_swallows_ends_the_run_after_the_call(background, adapter, tmp_path):
    mark = tmp_path / "called"
    path = adapter(f"""
        import time

        def identity(x):
            open({str(mark)!r}, "w").close()
            try:
                time.sleep(600)
            except BaseException:
                return x

        def relu(x):
            return x
    """)
    started = background("check", path, "identity.value", "relu.value")
    while not mark.exists() and started.poll() is None:
        time.sleep(0.02)
    started.send_signal(signal.SIGTERM)
    out, err = started.communicate(timeout=30)
    assert (started.returncode, err) == (2, "nnspec: interrupted after 1 of 2 instances; these are kept\n")
    assert "1 pass" in out


@pytest.mark.parametrize("leaving", ["raise KeyboardInterrupt", "os._exit(0)", "sys.exit(0)"])
def test_adapter_that_ends_the_process_fails_its_clause(nnspec, adapter, leaving):
    body = f"import os, sys\n\n\ndef identity(x):\n    return x\n\n\ndef relu(x):\n    {leaving}\n"
    ran = nnspec("check", adapter(body), "identity.value", "relu.value")
    assert (ran.status, "FAIL  relu.value" in ran.out, "1 pass, 1 fail" in ran.out) == (1, True, True)


def test_child_of_an_adapter_does_not_run_the_rest_again(process, adapter):
    path = adapter("import os\n\n\ndef relu(x):\n    os.fork()\n    return np.maximum(x, 0)\n")
    ran = process("check", path, "relu.value")
    assert (ran.status, ran.out.count("1 pass (")) == (0, 2)  # its line for the topic, and the total


def test_thread_that_runs_on_does_not_keep_the_program(adapter):
    body = "import threading, time\n\nthreading.Thread(target=time.sleep, args=(600,)).start()\n"
    path = adapter(f"{body}\n\ndef relu(x):\n    raise ValueError\n")
    command = [sys.executable, "-m", "nnspec_conformance.cli", "check", str(path), "relu.value"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (ran.returncode, "a thread that the adapter started is still running" in ran.stderr) == (1, True)


def without_progress(text: str) -> str:
    """What a run says, but for how far it has come: on a busy machine that is a line every ten seconds."""
    return re.sub(r"^\S+: \d+ of \d+ in \d+ s.*\n", "", text, flags=re.MULTILINE)


@pytest.mark.parametrize("stream", [">/dev/full", ">&-"])
def test_standard_output_that_takes_nothing_is_no_traceback(stream):
    command = f"{sys.executable} -m nnspec_conformance.cli check numpy_oracle relu.value {stream}"
    ran = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=60, check=False)
    expected = (2, "nnspec: No space left on device\n") if "full" in stream else (0, "")
    assert (ran.returncode, without_progress(ran.stderr)) == expected


@pytest.mark.parametrize(("body", "status"), [("np.abs(x)", 1), ("np.maximum(x, 0)", 0)])
def test_verdict_that_nobody_reads_has_its_status(background, adapter, body, status):
    started = background("check", adapter(f"def relu(x):\n    return {body}\n"), "relu.value")
    started.stdout.close()
    assert without_progress(started.stderr.read()) == ""
    started.stderr.close()
    assert started.wait(timeout=30) == status


def test_broken_pipe_is_quiet(background):
    started = background("clauses", "components/activations", "--json")  # more than a pipe holds
    started.stdout.close()
    assert started.stderr.read() == ""
    started.stderr.close()
    started.wait(timeout=30)
