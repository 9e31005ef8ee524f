"""Files and settings that are broken, odd or hostile: one line, exit status 2, and nothing is lost."""

import json
import re
import struct
import subprocess
import sys

import pytest

from nnspec_conformance.clauses import load_spec


def in_a_line(ran, words, status=2):
    """Whether a command ended as one that could not run does."""
    assert "Traceback" not in ran.err
    return (ran.status, ran.err.count("\n"), words in ran.err) == (status, 1, True)


# ---- reports
@pytest.fixture
def report(nnspec, adapter, tmp_path):
    """A report in a file, and the command that would use it."""
    path = adapter("def identity(x):\n    return x\n")
    nnspec("check", path, "identity.value", "--report", tmp_path / "r.json")

    def run(change, *options):
        made = json.loads((tmp_path / "r.json").read_text())
        (tmp_path / "r.json").write_text(json.dumps(change(made)))
        return nnspec("check", path, "identity.value", "--report", tmp_path / "r.json", *options)

    return run


PAGE = "components/activations"
LISTS = {
    "report": lambda made: [made],
    "topics": lambda made: made | {"topics": [1]},
    "topic": lambda made: made | {"topics": {PAGE: []}},
    "results": lambda made: made | {"topics": {PAGE: made["topics"][PAGE] | {"results": [1]}}},
    "record": lambda made: made | {"topics": {PAGE: made["topics"][PAGE] | {"results": {"identity.value": [1]}}}},
    "subject": lambda made: made | {"subject": ["mine"]},
    "environment": lambda made: made | {"environment": []},
}


@pytest.mark.parametrize("name", LISTS)
def test_list_in_a_report_is_no_report(report, name):
    assert in_a_line(report(LISTS[name]), "is there and is no report; remove it or choose another name")


def test_name_of_300_letters_is_as_good_as_any(nnspec, adapter):
    path = adapter(whole=f"NAME = {'m' * 300!r}\n\n\ndef identity(x):\n    return x\n")
    ran = nnspec("check", path, "identity.value", "--if-stale")
    assert (ran.status, ran.err, "1 pass" in ran.out) == (0, "", True)


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "{long}.py"),
        ("check", "numpy_oracle", "relu.value", "--report", "{long}"),
        ("check", "numpy_oracle", "relu.value", "--junit", "{long}"),
        ("check", "numpy_oracle", "relu.value", "--record", "{long}"),
        ("replay", "{long}", "numpy_oracle"),
        ("new-adapter", "{long}.py"),
    ],
)
def test_path_of_300_letters_is_one_line(nnspec, tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    assert in_a_line(nnspec(*(word.replace("{long}", "x" * 300) for word in arguments)), "name too long")


def test_path_with_a_line_break_is_one_line(nnspec):
    assert in_a_line(nnspec("check", "no\nsuch\nadapter.py", "relu.value"), "no such adapter.py: no such file")


@pytest.mark.parametrize("epoch", ["yesterday", "1e99", "999999999999999", "-1e3", ""])
def test_date_that_is_none_is_one_line(nnspec, monkeypatch, epoch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    assert in_a_line(nnspec("check", "numpy_oracle", "relu.value"), f"SOURCE_DATE_EPOCH is '{epoch}'")


@pytest.mark.parametrize("limit", ["nan", "inf", "-1", "1e9", ""])
def test_limit_that_is_none_is_said_in_words(nnspec, limit):
    ran = nnspec("check", "numpy_oracle", "relu.value", f"--call-limit={limit}")
    assert (ran.status, f"{limit} is no time limit; give seconds above 0" in ran.err) == (2, True)


def test_adapter_that_moves_away_does_not_move_the_report(nnspec, adapter, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    path = adapter(f"import os\n\nos.chdir({str(tmp_path / 'elsewhere')!r})\n\n\ndef identity(x):\n    return x\n")
    assert nnspec("check", path, "identity.value", "--report", "r.json").status == 0
    assert (tmp_path / "r.json").is_file()


def test_two_results_do_not_go_into_one_file(nnspec, tmp_path):
    ran = nnspec("check", "numpy_oracle", "relu.value", "--report", tmp_path / "r", "--junit", tmp_path / "r")
    assert in_a_line(ran, "is where --report writes, too")
    assert not list(tmp_path.iterdir())


# ---- vectors
@pytest.fixture
def vectors(nnspec, tmp_path):
    """Recorded vectors, changed, and replayed."""
    nnspec("check", "numpy_oracle", "relu.value", "--record", tmp_path / "v")
    path = tmp_path / "v" / "manifest.json"

    def run(change):
        made = json.loads(path.read_text())
        change(made, made["cases"][0])
        path.write_text(json.dumps(made))
        return nnspec("replay", path.parent, "numpy_oracle")

    return run


def test_vectors_nested_too_deep_to_read_are_one_line(nnspec, tmp_path):
    (tmp_path / "manifest.json").write_text('{"a": ' * 100_000)
    assert in_a_line(nnspec("replay", tmp_path, "numpy_oracle"), "not JSON (maximum recursion depth exceeded")


def test_vectors_nested_too_deep_to_build_are_one_line(nnspec, tmp_path):
    nnspec("check", "numpy_oracle", "relu.value", "--record", tmp_path / "v")
    path = tmp_path / "v" / "manifest.json"
    nested = '{"list": [' * 430 + '{"array": "x"}' + "]}" * 430
    path.write_text(re.sub(r'"arrays": \{.*?\]\}', f'"arrays": {nested}', path.read_text(), count=1))
    assert in_a_line(nnspec("replay", path.parent, "numpy_oracle"), "manifest.json")


CHANGES = {
    "an array that is not there": lambda made, case: case.update(arrays={"array": "nothing"}),
    "a wanted dtype that there is not": lambda made, case: case["want"].update(dtype="float99"),
    "a case that is a list": lambda made, case: made["cases"].insert(0, []),
    "cases that are a table": lambda made, case: made.update(cases={}),
    "an unknown operation": lambda made, case: case.update(operation="relo"),
    "an unknown attribute": lambda made, case: case["attributes"].update(slope=1),
    "an unknown instance": lambda made, case: case.update(instance="relu.valeu"),
    "an instance that is a list": lambda made, case: case.update(instance=["relu.value"]),
    "a question that there is not": lambda made, case: case.update(what="third derivative"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_vectors_that_say_nothing_are_one_line(vectors, name):
    assert in_a_line(vectors(CHANGES[name]), "manifest.json")


def safetensors(header, data=b""):
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


@pytest.mark.parametrize("dtype", ["F8_E5M2", "F99"])
def test_arrays_of_a_dtype_that_numpy_does_not_have_are_one_line(nnspec, vectors, tmp_path, dtype):
    content = safetensors({"x": {"dtype": dtype, "shape": [4], "data_offsets": [0, 4]}}, b"abcd")
    (tmp_path / "v" / "arrays.safetensors").write_bytes(content)
    ran = nnspec("replay", tmp_path / "v", "numpy_oracle")
    assert in_a_line(ran, "arrays.safetensors")


# ---- pages and streams
def test_page_that_is_a_folder_is_one_line(nnspec, tmp_path, monkeypatch):
    from nnspec_conformance import suite_loader

    (tmp_path / "spec" / "toys.md").mkdir(parents=True)
    monkeypatch.setattr(suite_loader, "own_spec", lambda: load_spec(tmp_path / "spec"))
    suite_loader.load_suite.cache_clear()
    try:
        assert in_a_line(nnspec("clauses"), "toys.md: Is a directory")
    finally:
        suite_loader.load_suite.cache_clear()


PROGRAM = [sys.executable, "-m", "nnspec_conformance.cli"]


@pytest.fixture
def program():
    """Runs the program as a terminal would, with other settings in its environment."""

    def run(*arguments, **settings):
        import os

        return subprocess.run(
            [*PROGRAM, *map(str, arguments)],
            env=os.environ | settings,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def test_terminal_without_letters_loses_no_word(program, adapter):
    path = adapter("def softmax(x, *, axis=-1):\n    raise ValueError('Ω')\n")
    ran = program("check", path, "softmax.value", PYTHONIOENCODING="ascii", LC_ALL="C")
    assert (ran.returncode, "Traceback" in ran.stderr) == (1, False)
    assert "FAIL  softmax.value" in ran.stdout


def test_standard_error_that_takes_nothing_does_not_change_the_status():
    command = f"{sys.executable} -m nnspec_conformance.cli check nosuch 2> /dev/full"
    assert subprocess.run(command, shell=True, timeout=60, check=False).returncode == 2


def test_what_an_adapter_leaves_for_the_end_does_not_change_the_status(program, adapter):
    path = adapter(
        "import atexit, os\n\natexit.register(lambda: os._exit(0))\n\n\ndef relu(x):\n    raise ValueError\n"
    )
    assert program("check", path, "relu.value").returncode == 1


def test_disk_that_fills_up_keeps_the_verdict(program, adapter):
    path = adapter("def relu(x):\n    raise ValueError\n")
    ran = subprocess.run(
        ["bash", "-c", 'ulimit -f 1; exec "$@"', "-", *PROGRAM, "check", str(path), "relu.value", "--record", "v"],
        cwd=path.parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    told = [line for line in ran.stderr.splitlines() if " of 1 in " not in line]  # it may take long
    assert (ran.returncode, len(told), "FAIL  relu.value" in ran.stdout) == (2, 1, True)
    assert "File too large" in told[0]
    assert not list(path.parent.glob("v/*"))


def test_huge_answer_is_looked_at_and_not_copied(nnspec, adapter):
    path = adapter("def relu(x):\n    return np.broadcast_to(np.float32(0), (10**6, 10**6))\n")
    ran = nnspec("check", path, "relu.value")
    assert ran.status == 1
    assert "relu returned an array of shape [1000000, 1000000], 1e+12 entries" in ran.out
