"""Adapters that are missing, broken or wrong: one line that names file, line and the likely fix; nothing is lost."""

import json
import os
import re

import pytest

from nnspec_conformance import suite_loader
from nnspec_conformance.outcome import summary_of

SETUP = {
    "missing": (None, r"{path}: no such file; nnspec new-adapter {path} writes one to start from"),
    "empty": (b"", r"{path}: NAME is missing, expected a str; set it at the module's top"),
    "syntax": (b'NAME = "a"\ndef relu(x)\n    return x\n', r"{path}:2: expected ':'; the adapter is not valid Python"),
    "not UTF-8": (b'NAME = "caf\xe9"\n', r"{path}:1: (unicode error) 'utf-8' codec can't decode byte 0xe9"),
    "null byte": (b'NAME = "a"\0\n', r"source code string cannot contain null bytes"),
    "missing package": (
        b'NAME = "a"\nimport torchx_nightly.nn\n',
        r"{path}:2: needs the package 'torchx_nightly', which is not installed; pip install torchx_nightly",
    ),
    "set-up raises": (
        b'NAME = "a"\ndef connect():\n    raise OSError("no\\nlicence")\nconnect()\n',
        r"{path}:3: OSError: no licence; the adapter must import without an error",
    ),
    "set-up exits": (b'NAME = "a"\nraise SystemExit(0)\n', r"{path}:2: SystemExit: 0; the adapter must import without"),
    "set-up leaves": (
        b'NAME = "a"\nimport os\nos._exit(0)\n',
        r"{path}:3: LeavesProcess: os._exit(0); the adapter must import without",
    ),
    "set-up raises no Exception": (
        b'NAME = "a"\nclass Panic(BaseException): pass\nraise Panic("low")\n',
        r"{path}:3: Panic: low; the adapter must import without an error",
    ),
    "set-up interrupts": (b'NAME = "a"\nraise KeyboardInterrupt\n', r"{path}:2: KeyboardInterrupt"),
    "DEVICE raises": (
        b'NAME = "a"\ndef DEVICE():\n    return 1 / 0\n',
        r"{path}:2: DEVICE raised ZeroDivisionError: division by zero; it must give a text",
    ),
    "DEVICE interrupts": (
        b'NAME = "a"\ndef DEVICE():\n    raise KeyboardInterrupt("no GPU")\n',
        r"{path}:2: DEVICE raised KeyboardInterrupt: no GPU; it must give a text",
    ),
    "NAME empty": (b'NAME = ""\n', r"{path}:1: NAME is '', expected a str; set it at the module's top"),
    "vjp no function": (b'NAME = "a"\nvjp = 3\n', r"{path}:2: vjp is 3, expected a function"),
    "compile no function": (b'NAME = "a"\ncompile = "jit"\n', r"{path}:2: compile is 'jit', expected a function"),
    "STEPS no dict": (b'NAME = "a"\nSTEPS = [1]\n', r"{path}:2: STEPS is [1], expected a dict"),
    "STEPS unknown": (
        b'NAME = "a"\nSTEPS = {"scael": abs}\n',
        r"{path}:2: STEPS names no step: 'scael'; did you mean scale",
    ),
    "STEPS no function": (b'NAME = "a"\nSTEPS = {"scale": 3}\n', r"{path}:2: STEPS['scale'] is 3, expected a function"),
    "no NAME": (b"VERSION = '1'\n", r"{path}: NAME is missing, expected a str; set it at the module's top"),
    "NAME no text": (b"\nNAME = 3\n", r"{path}:2: NAME is 3, expected a str; set it at the module's top"),
    "DTYPES no tuple": (b'NAME = "a"\nDTYPES = "float32"\n', r"{path}:2: DTYPES is 'float32', expected a tuple"),
    "DTYPES empty": (b'NAME = "a"\nDTYPES = ()\n', r"{path}:2: DTYPES is empty; use some of float16, bfloat16"),
    "DTYPES of an operation": (
        b'NAME = "a"\nDTYPES = {"relu": "float32"}\n',
        r"{path}:2: DTYPES['relu'] is 'float32', expected a tuple; use some of float16, bfloat16",
    ),
    "DTYPES of no operation": (
        b'NAME = "a"\nDTYPES = {\n    "rleu": ("float32",),\n}\n',
        r"{path}:3: DTYPES names no operation: 'rleu'; did you mean relu",
    ),
    "DTYPES nested": (b'NAME = "a"\nDTYPES = (["float32"],)\n', r"{path}:2: DTYPES holds ['float32']; use some of"),
    "DTYPES unknown": (b'NAME = "a"\nDTYPES = ("fp8",)\n', r"{path}:2: DTYPES holds 'fp8'; use some of float16"),
    "VARIANTS no dict": (b'NAME = "a"\nVARIANTS = []\n', r"{path}:2: VARIANTS is [], expected a dict"),
    "unknown reading": (
        b'NAME = "a"\nVARIANTS = {\n    "gelu.form": "tahn",\n}\n',
        r"{path}:3: VARIANTS['gelu.form'] is 'tahn'; the clause has exact, tanh, sigmoid",
    ),
    "unknown clause": (
        b'NAME = "a"\nKNOWN_FAILURES = {"relu.valeu": "why"}\n',
        r"{path}:2: KNOWN_FAILURES names no clause: 'relu.valeu'; did you mean relu.value",
    ),
    "version unknown": (
        b'NAME = "a"\nKNOWN_FAILURES = {"relu.value": "why; version<2"}\n',
        r"{path}:2: VERSION is 'unknown', with which 'version<2' of KNOWN_FAILURES cannot be compared; set VERSION to",
    ),
    "condition of no reading": (
        b'NAME = "a"\nKNOWN_FAILURES = {"gelu.form; tahn": "why"}\n',
        r"{path}:2: KNOWN_FAILURES['gelu.form; tahn']: 'tahn' is no dtype and no reading or attribute of gelu; use ",
    ),
    "probe raises": (
        b'NAME = "a"\nKNOWN_FAILURES = {"relu.value": ("why", lambda: 1 / 0)}\n',
        r"{path}:2: KNOWN_FAILURES['relu.value']: its probe raised ZeroDivisionError: division by zero; it must say",
    ),
    "lossy transport": (
        b'import numpy\nNAME = "a"\ndef asarray(x):\n    return x.astype("f2")\ndef to_numpy(y):\n    return y\n',
        r"{path}:5: to_numpy(asarray(x)) gave array([ 0.5, -2. , inf], dtype=float16) for float32, expec",
    ),
    "transport raises": (
        b'NAME = "a"\ndef asarray(x):\n    return x.cuda()\n',
        r"{path}:2: asarray, to_numpy or context raised for float32 (AttributeError: 'numpy.ndarray' object",
    ),
    "context raises": (
        b'NAME = "a"\ndef context(dtype):\n    raise RuntimeError("no GPU")\n',
        r"raised for float32 (RuntimeError: no GPU); mend it or take 'float32' out of DTYPES",
    ),
}


@pytest.mark.parametrize("name", SETUP)
def test_adapter_that_cannot_run_is_one_line_and_status_2(nnspec, adapter, tmp_path, name):
    content, words = SETUP[name]
    path = tmp_path / "mine.py" if content is None else adapter(whole=content)

    ran = nnspec("check", path)

    assert (ran.status, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert "Traceback" not in ran.err
    assert words.replace("{path}", str(path)) in " ".join(ran.err.split(" "))


@pytest.mark.parametrize("name", ["json.py", "numpy.py"])
def test_adapter_that_hides_a_module_is_refused(nnspec, adapter, name):
    ran = nnspec("check", adapter(name=name), "relu.value")
    assert (ran.status, f"hides the module {name[:-3]}, which it or others may need" in ran.err) == (2, True)


def test_import_that_never_ends_is_given_up(nnspec, adapter, monkeypatch):
    monkeypatch.setattr("nnspec_conformance.loading.LOAD_LIMIT", 0.2)
    ran = nnspec("check", adapter("import time\ntime.sleep(600)\n"), "relu.value")
    assert (ran.status, "its import did not end within 0.2 s" in ran.err) == (2, True)


def test_long_import_is_not_waited_for_in_silence(nnspec, adapter, monkeypatch):
    monkeypatch.setattr("nnspec_conformance.progress.EVERY", 0.1)
    path = adapter(
        "import sys, time\nsys.stderr = None\ntime.sleep(0.5)\n\n\ndef relu(x):\n    return np.maximum(x, 0)\n"
    )
    ran = nnspec("check", path, "relu.value")
    assert f"nnspec: the import of {path}: 0 s so far, at most 300\n" in ran.err
    assert ran.status == 0


@pytest.mark.parametrize("ending", ["sys.stdout = sys.stderr = None", "sys.stdout.close(), sys.stderr.close()"])
def test_adapter_that_takes_the_streams_away_loses_no_word(process, adapter, ending):
    path = adapter(f"import sys\n{ending}\n\n\ndef relu(x):\n    {ending}\n    raise ValueError\n")
    ran = process("check", path, "relu.value")
    told = re.sub(r"mine: 0 of 1 in .*\n", "", ran.err)  # it may take long
    assert (ran.status, told, "found     relu raised ValueError" in ran.out) == (1, "", True)


@pytest.mark.parametrize("name", ["nosuch", "no.such.module", "notes.txt"])
def test_unknown_subject_is_named_with_the_built_in_ones(nnspec, name):
    ran = nnspec("check", name)
    assert (ran.status, ran.err.startswith(f"nnspec: no adapter '{name}': it is no built-in (")) == (2, True)


def test_nearly_a_built_in_name_is_understood(nnspec):
    assert nnspec("check", "numpy_oracel").err.endswith("did you mean numpy_oracle?\n")


def test_folder_is_no_adapter(nnspec, tmp_path):
    assert nnspec("check", f"{tmp_path}/").err == f"nnspec: {tmp_path}: a folder; name the adapter's .py file in it\n"


def test_adapter_is_a_python_file(nnspec, adapter):
    path = adapter(name="mine.txt")
    assert nnspec("check", path).err == f"nnspec: {path}: not a Python file; an adapter's name ends in .py\n"


@pytest.mark.parametrize("pattern", ["relu.valeu", "activatons", "components/nothing"])
def test_unknown_clause_or_section_is_one_line(nnspec, pattern):
    ran = nnspec("check", "numpy_oracle", pattern)
    assert (ran.status, ran.err.startswith(f"nnspec: no clause, instance or section '{pattern}'; ")) == (2, True)


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("architectures/transformer/index", "page 'architectures/transformer/index' has no clauses"),
        ("architectures/transformer", "'architectures/transformer' is a folder of pages"),
    ],
)
def test_a_page_without_clauses_names_the_pages_below_it(nnspec, pattern, told):
    ran = nnspec("check", "numpy_oracle", pattern)
    assert (ran.status, ran.err.count("\n")) == (2, 1)
    assert ran.err.startswith(f"nnspec: {told}; pages below it have: architectures/transformer/")
    assert "architectures/transformer/attention" in ran.err


def test_a_page_without_clauses_and_without_pages_below_it_says_so(nnspec):
    ran = nnspec("check", "numpy_oracle", "notation")
    words = "nnspec: page 'notation' has no clauses; nnspec clauses lists those that have\n"
    assert (ran.status, ran.err) == (2, words)


RETURNS = {
    "wrong shape": ("x[None]", "result has shape (1,), expected ()"),
    "wrong dtype": ("x.astype(np.float64)", "the answer of relu has an array in float64, of shape "),
    "None": ("None", "relu returned NoneType, expected an array"),
    "list": ("[1.0, 2.0]", "relu returned list, expected an array"),
    "text": ("'abc'", "relu returned str, expected an array"),
    "number": ("1.0", "relu returned float, expected an array"),
    "tuple": ("(x, x)", "result is tuple, expected an array"),
    "dict": ("{'y': x}", "result is dict, expected an array"),
    "NaN": ("x * np.float32('nan')", "got nan, expected"),
    "objects": ("np.array([None] * x.size, object).reshape(x.shape)", "result has dtype object, expected"),
    "texts": ("x.astype(str)", "result has dtype <U32, expected"),
    "raises": ("1 / 0", "relu raised ZeroDivisionError: division by zero"),
    "exits": ("exit(0)", "relu raised SystemExit: 0"),
    "control characters": ("(_ for _ in ()).throw(ValueError('\\x1b[31m\\n\\0'))", "relu raised ValueError: ?[31m ?"),
    "recurses": ("relu(x)", "relu raised RecursionError"),
}


def summaries(report):
    """What each instance of a report came to."""
    return {name: summary_of(r) for topic in report["topics"].values() for name, r in topic["results"].items()}


@pytest.mark.parametrize("name", RETURNS)
def test_wrong_answer_is_a_failed_clause(nnspec, adapter, tmp_path, name):
    expression, words = RETURNS[name]
    path, report = adapter(f"def relu(x):\n    return {expression}\n"), tmp_path / "r.json"

    ran = nnspec("check", path, "activation.shape[relu]", "duty.dtype[relu]", "relu.value", "--report", report)

    found = summaries(json.loads(report.read_text()))
    messages = [r["message"] for r in found.values() if r["outcome"] == "fail"]
    assert (ran.status, ran.err) == (1, "")
    assert any(words in message for message in messages)


def test_transport_that_fails_later_is_a_harness_error(nnspec, adapter):
    path = adapter("""
        def asarray(x):
            return {24: lambda: 1 / 0}.get(x.size, lambda: x)()

        def relu(x):
            return np.maximum(x, 0)
    """)
    ran = nnspec("check", path, "activation.shape[relu]", "relu.value")
    assert (ran.status, "asarray raised for float32[2, 3, 4] (ZeroDivisionError: " in " ".join(ran.out.split())) == (
        2,
        True,
    )
    assert "1 pass, 1 harness error" in ran.out


NOISY = """
    import os, sys
    print("loading")

    def relu(x):
        print("relu", x.shape)
        print("warning", file=sys.stderr)
        os.write(1, b"from native code")
        return np.maximum(x, 0)
"""


def test_printing_does_not_reach_the_json(process, adapter):
    ran = process("check", adapter(NOISY), "relu.value", "--json")
    assert (ran.status, summaries(json.loads(ran.out))["relu.value"]["outcome"]) == (0, "pass")


def test_printing_does_not_reach_the_json_of_identify(process, adapter):
    ran = process("identify", adapter(NOISY), "--json")
    assert {row["implemented"] for row in json.loads(ran.out) if row["instance"] == "activation.subnormals[relu]"} == {
        True
    }


def test_printing_is_mentioned_in_words(process, adapter):
    ran = process("check", adapter(NOISY), "relu.value")
    assert "the adapter printed while it was called; its first line: 'relu (" in ran.out


def test_warnings_of_an_adapter_are_its_own_business(process, adapter):
    path = adapter("""
        import warnings

        def relu(x):
            warnings.warn("old", DeprecationWarning, stacklevel=1)
            np.log(x * 0)
            return np.maximum(x, 0)
    """)
    ran = process("check", path, "relu.value")
    assert (ran.status, ran.err) == (0, "")


def test_helper_beside_the_adapter_can_be_imported_in_a_call(nnspec, adapter, tmp_path):
    (tmp_path / "helper_of_mine.py").write_text("import numpy\n\ndef f(x):\n    return numpy.maximum(x, 0)\n")
    path = adapter("def relu(x):\n    import helper_of_mine\n\n    return helper_of_mine.f(x)\n")
    assert nnspec("check", path, "relu.value").status == 0


def test_adapter_that_changes_its_input_does_not_change_the_suites(nnspec, adapter):
    path = adapter("def relu(x):\n    return np.maximum(x, 0, out=x)\n\n\ndef identity(x):\n    return x\n")
    ran = nnspec("check", path, "relu.value", "identity.value", "--all")
    assert (ran.status, "relu changes x in place (duty.kept)" in ran.out) == (1, True)
    assert "pass            identity.value" in ran.out


def test_report_onto_a_folder_gets_a_file_for_each_topic(nnspec, tmp_path):
    assert nnspec("check", "numpy_oracle", "relu.value", "--report", tmp_path).status == 0
    assert (tmp_path / "components" / "activations.json").is_file()


@pytest.mark.parametrize("option", ["--report", "--junit"])
def test_results_do_not_replace_the_adapter(nnspec, adapter, option, tmp_path):
    path = adapter("def relu(x):\n    return x\n")
    link = tmp_path / "link.json"
    link.symlink_to(path)
    ran = nnspec("check", path, "relu.value", option, link)
    assert ran.status == 2
    assert "is there and is no report" in ran.err or "is the adapter itself; choose another file" in ran.err
    assert "def relu" in path.read_text()


@pytest.mark.parametrize("option", ["--report", "--junit"])
def test_results_do_not_replace_what_is_no_regular_file(nnspec, tmp_path, option):
    os.mkfifo(tmp_path / "pipe.json")
    ran = nnspec("check", "numpy_oracle", "relu.value", option, tmp_path / "pipe.json")
    assert (ran.status, "pipe.json: is no regular file" in ran.err) == (2, True)


def test_report_does_not_replace_what_is_no_report(nnspec, tmp_path):
    (tmp_path / "mine.json").write_text("[1]")
    ran = nnspec("check", "numpy_oracle", "relu.value", "--report", tmp_path / "mine.json")
    assert (ran.status, "is there and is no report" in ran.err) == (2, True)
    assert (tmp_path / "mine.json").read_text() == "[1]"


def test_report_follows_a_link(nnspec, tmp_path):
    (tmp_path / "link.json").symlink_to(tmp_path / "kept" / "r.json")
    assert nnspec("check", "numpy_oracle", "relu.value", "--report", tmp_path / "link.json").status == 0
    assert (tmp_path / "link.json").is_symlink()
    assert json.loads((tmp_path / "kept" / "r.json").read_text())["subject"]["name"] == "numpy_oracle"


def test_name_too_long_is_one_line(nnspec, tmp_path):
    ran = nnspec("check", "numpy_oracle", "relu.value", "--report", tmp_path / f"{'x' * 300}.json")
    assert (ran.status, "File name too long" in ran.err, ran.err.count("\n")) == (2, True, 1)


def test_date_that_is_none_is_one_line(nnspec, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    ran = nnspec("check", "numpy_oracle", "relu.value")
    assert (ran.status, "SOURCE_DATE_EPOCH is 'yesterday', expected whole seconds" in ran.err) == (2, True)


def test_junit_onto_a_folder_is_refused_before_the_run(nnspec, tmp_path):
    ran = nnspec("check", "numpy_oracle", "relu.value", "--junit", tmp_path)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err == f"nnspec: {tmp_path}: is a folder; choose a file in a folder that can be written\n"


def test_report_below_a_file_is_refused_before_the_run(nnspec, tmp_path):
    (tmp_path / "file").write_text("")
    ran = nnspec("check", "numpy_oracle", "relu.value", "--report", tmp_path / "file" / "r.json")
    assert (ran.status, ran.out) == (2, "")
    assert "is not a folder that can be written; choose a file in a folder that can be written" in ran.err


def test_report_in_a_missing_folder_is_written(nnspec, tmp_path):
    assert nnspec("check", "numpy_oracle", "relu.value", "--report", tmp_path / "a" / "b" / "r.json").status == 0
    assert json.loads((tmp_path / "a" / "b" / "r.json").read_text())["subject"]["name"] == "numpy_oracle"


def test_report_that_cannot_be_written_after_the_run_is_shown(nnspec, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_text", full)
    ran = nnspec("check", "numpy_oracle", "relu.value", "--report", tmp_path / "r.json")
    assert (ran.status, "numpy_oracle" in ran.out, "1 pass" in ran.out) == (2, True, True)
    assert (
        ran.err
        == f"nnspec: {tmp_path / 'r.json'}: No space left on device; choose a file in a folder that can be written\n"
    )


@pytest.fixture
def page(monkeypatch, spec_of):
    """The command's specification is this page."""

    def use(text):
        monkeypatch.setattr(suite_loader, "own_spec", lambda: spec_of(text))
        suite_loader.load_suite.cache_clear()

    yield use
    suite_loader.load_suite.cache_clear()


def test_malformed_page_is_one_line(nnspec, page):
    page("# Toys\n\n/// clause | toys\n    kind: exact\n\nIt **MUST** hold.\n///\n")
    ran = nnspec("clauses", "--check")
    assert (ran.status, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert "toys.md:3: clause id 'toys' is not of the form topic.aspect" in ran.err


def test_page_out_of_step_is_one_line_for_each_thing(nnspec, page):
    page("# Toys\n\n/// clause | toys.value\n    kind: exact\n\nIt **MUST** hold.\n///\n")
    ran = nnspec("clauses", "--check")
    assert (ran.status, ran.out) == (2, "")
    assert "nnspec: spec/toys.md:3: toys.value has no test; write one or give a reason in untestable.toml\n" in ran.err
