"""The pytest plugin: ``--subject``, ``--report`` and ``--record``, from any folder."""

import json
import multiprocessing.sharedctypes  # noqa: F401  # a run inside this process forgets what it imports itself
import signal

import pytest

pytest_plugins = ["pytester"]

# Without Hypothesis: of a run here, importing it would take half the time.
ALONE = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest")
SUITE = (*ALONE, "--pyargs", "nnspec_conformance", "-q", "-W", "error")
ADAPTER = """
import numpy as np

NAME = "mine"
KNOWN_FAILURES = {"identity.value": "is off by one; a link"}


def relu(x):
    return np.where(x > 0, x, np.zeros_like(x))


def identity(x):
    return x + 1
"""


@pytest.fixture
def run(pytester):
    """Runs pytest in an empty folder."""

    def pytest_run(*options):
        return pytester.runpytest_inprocess(*SUITE, *options)

    return pytest_run


@pytest.fixture
def mine(pytester):
    pytester.makepyfile(mine=ADAPTER)
    return "mine.py"


def test_every_instance_is_an_item_in_an_empty_folder_and_those_chosen_pass(pytester, suite):
    """In a process of its own, as users run it."""
    chosen = len([name for name in suite.select(["components/neurons"]) if not name.startswith("duty.")])
    options = ("--subject", "numpy_oracle", "-k", "test_neurons")
    result = pytester.runpytest_subprocess(*SUITE, *options, timeout=120)
    result.assert_outcomes(passed=chosen, deselected=len(suite.instances) - chosen)


def test_adapter_file_is_put_to_the_test_and_reported(run, mine, pytester):
    result = run("--subject", mine, "-k", "relu or identity", "--report", "out/r.json", "--record", "vectors")

    made = json.loads((pytester.path / "out" / "r.json").read_text())
    outcomes = {name: r["outcome"] for name, r in made["topics"]["components/activations"]["results"].items()}
    manifest = json.loads((pytester.path / "vectors" / "manifest.json").read_text())
    assert result.ret == 1
    assert (outcomes["relu.value"], outcomes["activation.nan[relu]"]) == ("pass", "fail")
    assert (outcomes["identity.value"], outcomes["relu.gradient-at-zero"]) == ("known failure", "not implemented")
    assert "relu.value" in {case["instance"] for case in manifest["cases"]}
    result.stdout.fnmatch_lines(
        [
            "FAIL  activation.nan[[]relu[]]*",
            "  | Where the input is NaN the result MUST be NaN*",
            "  fits *swallows nan*",
        ]
    )
    result.stdout.no_fnmatch_line("*Traceback*")


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (("--subject", "numpy_oracle", "--resume"), "nnspec: --resume goes on with a report; name it with --report"),
        (("--subject", "numpy_oracle", "--isolate", "--record", "v"), "nnspec: --record excludes --isolate and *"),
        (("--subject", "nosuch"), "nnspec: no adapter 'nosuch': it is no built-in (*"),
        (
            ("--subject", "numpy_oracle", "--report", "/dev/null/r"),
            "nnspec: /dev/null/r/subject.json: /dev/null is not*",
        ),
    ],
)
def test_what_cannot_run_is_one_line(run, options, line):
    result = run(*options)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines([line])
    result.stdout.no_fnmatch_line("*Traceback*")
    assert str(result.stdout).count("nnspec: ") == 1


CRASHES = ADAPTER.replace("np.where(x > 0, x, np.zeros_like(x))", "os.abort()").replace(
    "import numpy", "import os\n\nimport numpy"
)


def test_a_crash_is_one_failure_where_it_is_isolated(run, pytester):
    pytester.makepyfile(mine=CRASHES)
    result = run("--subject", "mine.py", "-k", "relu.value or identity.value", "--isolate", "--report", "r.json")
    made = json.loads((pytester.path / "r.json").read_text())["topics"]["components/activations"]["results"]
    assert (made["relu.value"]["outcome"], made["identity.value"]["outcome"]) == ("fail", "known failure")
    assert "alone in a process of its own" in made["relu.value"]["entries"][0]["message"]
    assert result.ret == 1


def test_a_report_is_gone_on_with(run, mine, pytester):
    run("--subject", mine, "-k", "identity.value", "--report", "r.json")
    path = pytester.path / "r.json"
    path.write_text(path.read_text().replace("is off by one", "told by the first run"))
    result = run("--subject", mine, "-k", "identity.value or relu.value", "--report", "r.json", "--resume", "-rx")
    made = json.loads(path.read_text())["topics"]["components/activations"]["results"]
    assert made["relu.value"]["outcome"] == "pass"
    result.stdout.fnmatch_lines(["*told by the first run*"])


ENDS = """
import os, signal
import numpy as np

NAME = "mine"

def identity(x):
    print(file=open("asked", "a"))
    return x

def relu(x):
    if not os.path.exists("ended"):
        open("ended", "w").close()
        os.kill(os.getpid(), getattr(signal, os.environ["HOW"]))
    return np.maximum(x, 0)
"""


@pytest.fixture
def heard():
    """A hang-up ends a process, also where these tests run behind nohup, which children inherit."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("name", ["SIGHUP", "SIGKILL", "SIGSEGV"])
@pytest.mark.usefixtures("heard")
def test_what_ends_a_run_at_once_leaves_a_report_to_go_on_with(pytester, monkeypatch, name):
    monkeypatch.setenv("HOW", name)
    pytester.makepyfile(ends=ENDS)
    pages = (*ALONE, "--pyargs", "nnspec_conformance.suite.components.test_activations", "-q", "-W", "error")
    words = ("--subject", "ends.py", "-k", "identity.value or relu.value", "--report", "r.json")
    first = pytester.runpytest_subprocess(*pages, *words, timeout=120)

    def outcomes():
        made = json.loads((pytester.path / "r.json").read_text())["topics"]["components/activations"]["results"]
        return made.get("identity.value", {}).get("outcome"), made.get("relu.value", {}).get("outcome")

    asked = (pytester.path / "asked").read_text()
    assert (first.ret, outcomes()) == (2 if name == "SIGHUP" else -getattr(signal, name), ("pass", None))
    assert pytester.runpytest_subprocess(*pages, *words, "--resume", timeout=120).ret == 0  # nothing else is imported
    assert (outcomes(), (pytester.path / "asked").read_text()) == (("pass", "pass"), asked)


def test_run_without_clauses_needs_no_subject(pytester):
    pytester.makepyfile(test_own="def test_own():\n    pass\n")
    result = pytester.runpytest_inprocess("--subject", "nosuch", *ALONE)
    result.assert_outcomes(passed=1)
