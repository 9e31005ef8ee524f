"""A crash or a hang in native code costs one clause: the rest is asked in another process, and nothing is lost."""

import json

import pytest

CRASHES = """
    import ctypes, os, signal, time
    calls = []

    def identity(x):
        calls.append(x.shape)
        return x

    def tanh(x):
        if calls:
            os.abort()
        return np.tanh(x)

    def relu(x):
        ctypes.string_at(0)

    def sigmoid(x):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})  # as in native code: the alarm is not heard
        while True:
            time.sleep(600)

    def softplus(x):
        return np.logaddexp(x, 0).astype(x.dtype)

    def elu(x, **given):
        os.abort()

    KNOWN_FAILURES = {"activation.nan[relu]": "crashes; link"}
"""
ASKED = (
    "identity.value",
    "tanh.odd",
    "relu.value",
    "activation.nan[relu]",
    "sigmoid.range",
    "activation.nan[softplus]",
)
GIVEN_UP = ("activation.shape[elu]", "activation.nan[elu]", "activation.limits[elu]", "duty.dtype[elu]")
QUICK = "from nnspec_conformance import limits; limits.GRACE = 0.3"


@pytest.fixture(scope="module")
def crashed(commands, tmp_path_factory):
    """One isolated run of an adapter that crashes and hangs, and its report."""
    place = tmp_path_factory.mktemp("crashes")
    head = 'import numpy as np\n\nNAME = "mine"\n'
    (place / "mine.py").write_text(head + "\n".join(line[4:] for line in CRASHES.splitlines()))
    words = ["check", str(place / "mine.py"), *ASKED, *GIVEN_UP, "--isolate", "--call-limit", "0.5", "--all"]
    (ran,) = commands([[*words, "--report", str(place / "r.json")]], before=QUICK)
    return ran, json.loads((place / "r.json").read_text())["topics"]["components/activations"]["results"]


def messages(results, instance):
    return [entry["message"] for entry in results[instance]["entries"] if "message" in entry]


def test_what_does_not_crash_is_judged(crashed):
    ran, results = crashed
    outcomes = [results[name]["outcome"] for name in ASKED]
    assert outcomes == ["pass", "fail", "fail", "known failure", "fail", "pass"]
    assert (ran.status, "2 pass, 1 known failure, 6 fail, 1 not asked" in ran.out) == (1, True)


def test_crash_names_the_operation_and_the_signal(crashed):
    assert messages(crashed[1], "relu.value") == ["relu ended the process by SIGSEGV, alone in a process of its own"]


def test_crash_that_does_not_come_again_depends_on_earlier_calls(crashed):
    said = "tanh ended the process by SIGABRT; alone in a process of its own it does not: "
    assert messages(crashed[1], "tanh.odd") == [f"{said}that depends on earlier calls, or on chance"]


def test_hang_in_native_code_is_named_and_the_rest_goes_on(crashed):
    (said,) = messages(crashed[1], "sigmoid.range")
    assert said.startswith("sigmoid does not return, in native code that nothing can stop")


def test_crash_that_is_known_is_a_known_failure(crashed):
    assert "known failure  activation.nan[relu]: crashes; link" in crashed[0].out


def test_operation_that_always_crashes_is_given_up(crashed):
    ran, results = crashed
    assert [results[name]["outcome"] for name in GIVEN_UP] == ["fail", "fail", "fail", "not asked"]
    assert ran.out.count("elu ended the process by SIGABRT") == 1  # told once for the three


def test_isolated_run_says_what_the_other_does(nnspec, adapter, tmp_path):
    path = adapter("""
        VARIANTS = {"gelu.form": "tanh"}

        def identity(x):
            print("called")
            return x

        def relu(x):
            return np.abs(x)

        def gelu(x):
            return np.maximum(x, 0)
    """)
    asked = ("identity.value", "relu.value", "gelu.form", "tanh.odd")
    for name, *more in (("here",), ("apart", "--isolate")):
        ran = nnspec("check", path, *asked, "--report", tmp_path / f"{name}.json", *more)
        assert (ran.status, "the adapter printed while it was called; its first line: 'called'" in ran.out) == (1, True)
    here, apart = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("here", "apart"))
    more, packages = (report["environment"].pop("packages") for report in (here, apart))
    assert here == apart
    assert packages.items() <= more.items()  # here other tests have imported more
    assert {"python", "numpy"} <= packages.keys()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("import os\nos.abort()\n", "the import of {path} ended the process by SIGABRT; the adapter must import"),
        ("import nothing_of_this_name\n", "needs the package 'nothing_of_this_name'"),
        ('KNOWN_FAILURES = {"relu.valeu": "why"}\n', "KNOWN_FAILURES names no clause: 'relu.valeu'"),
    ],
)
def test_adapter_that_cannot_be_loaded_is_one_line(nnspec, adapter, body, words):
    path = adapter(body)
    ran = nnspec("check", path, "relu.value", "--isolate")
    assert (ran.status, ran.out) == (2, "")
    assert words.replace("{path}", str(path)) in ran.err.splitlines()[-1]


def test_isolated_run_records_nothing(nnspec, tmp_path):
    ran = nnspec("check", "numpy_oracle", "relu.value", "--isolate", "--record", tmp_path / "v")
    assert (ran.status, "--isolate and --record exclude each other" in ran.err) == (2, True)
