"""The command: every subcommand, its exit status, and its files."""

import json
import re
import subprocess
import sys
from xml.etree import ElementTree

import pytest

from nnspec_conformance import __version__, listing, report
from nnspec_conformance.errors import HarnessError
from nnspec_conformance.kill_table import read_kills
from nnspec_conformance.template import template

WRONG = "def relu(x):\n    return np.abs(x)\n"
MINOR = f"{sys.version_info.major}.{sys.version_info.minor}"


def test_check_passes_with_status_0(nnspec):
    ran = nnspec("check", "numpy_oracle", "relu.value")
    assert (ran.status, ran.err) == (0, "")
    assert re.match(r"components/activations: 1 pass \([\d.]+ s\)\nnumpy_oracle ", ran.out)


def test_check_without_a_report_hashes_no_files(nnspec, monkeypatch):
    monkeypatch.setattr(report, "topic_hash", None)
    assert nnspec("check", "numpy_oracle", "relu.value").status == 0


def test_check_fails_with_status_1(nnspec, adapter):
    assert nnspec("check", adapter(WRONG), "relu.value").status == 1


def test_check_of_a_module_by_name(nnspec, adapter, monkeypatch):
    monkeypatch.setattr(sys, "path", [str(adapter(WRONG, name="module_of_mine.py").parent), *sys.path])
    assert nnspec("check", "module_of_mine", "relu.value").status == 1


def test_check_all_lists_every_instance(nnspec):
    out = nnspec("check", "numpy_oracle", "relu.value", "activation.limits[tanh]", "--all").out
    assert out.startswith("pass            relu.value\npass, weak evidence activation.limits[tanh]  ")


def test_clauses_may_stand_behind_an_option(nnspec):
    assert nnspec("check", "numpy_oracle", "--all", "relu.value").out.startswith("pass            relu.value")


def test_an_option_that_there_is_not_is_refused(nnspec):
    ran = nnspec("check", "numpy_oracle", "relu.value", "--verbose")
    assert ran.status == 2
    assert "unrecognized arguments: --verbose" in ran.err


def test_an_adapter_that_implements_nothing_of_what_is_asked_is_status_2(nnspec, adapter):
    ran = nnspec("check", adapter("def relu(x):\n    return x\n"), "tanh.odd", "elu.alpha")
    assert ran.status == 2
    assert "implements none of the 2 instances that were asked" in ran.err


def test_known_failure_is_listed(nnspec, adapter):
    ran = nnspec("check", adapter(WRONG + 'KNOWN_FAILURES = {"relu.value": "is abs; link"}\n'), "relu.value")
    assert (ran.status, ran.out.splitlines()[0]) == (0, "known failure  relu.value: is abs; link")


def test_json_is_the_report(nnspec, tmp_path):
    ran = nnspec("check", "numpy_oracle", "relu.value", "--json", "--report", tmp_path / "r.json")
    written, printed = json.loads((tmp_path / "r.json").read_text()), json.loads(ran.out)
    assert written == printed


def test_junit_is_xml_with_the_failure(nnspec, adapter, tmp_path):
    nnspec("check", adapter(WRONG), "relu.value", "tanh.odd", "--junit", tmp_path / "out" / "j.xml")
    root = ElementTree.parse(tmp_path / "out" / "j.xml").getroot()
    case = root.find(".//testcase[@name='relu.value']")
    assert case.get("classname") == "components.activations"
    assert case.find("failure").get("message").startswith("at input -")
    assert root.find("testsuite").get("skipped") == "1"


@pytest.fixture
def current(nnspec, adapter, tmp_path):
    """An adapter and its report, just written."""
    path, file = adapter("def identity(x):\n    return x\n"), tmp_path / "r.json"
    nnspec("check", path, "identity.value", "--report", file)
    return path, file


def stale(nnspec, path, file, *clauses):
    """Whether ``--if-stale`` runs the clauses again."""
    ran = nnspec("check", path, *(clauses or ("identity.value",)), "--report", file, "--if-stale")
    return ran.out != f"{file} is current\n"


def test_current_report_is_left_alone(nnspec, current):
    assert not stale(nnspec, *current)


def test_changed_adapter_is_run_again(nnspec, current):
    path, file = current
    path.write_text(path.read_text() + "# changed\n")
    assert stale(nnspec, path, file)


def test_missing_clause_is_run(nnspec, current):
    assert stale(nnspec, *current, "identity.value", "activation.nan[identity]")


def test_other_versions_are_run_again(nnspec, current, monkeypatch):
    monkeypatch.setattr(report, "installed", lambda names: {"numpy": "9"})
    assert stale(nnspec, *current)


@pytest.mark.parametrize(("version", "again"), [(f"{MINOR}.99", False), ("3.99.7", True)])
def test_a_bug_fix_release_of_python_is_the_same_python(nnspec, current, monkeypatch, version, again):
    now = report.installed
    monkeypatch.setattr(report, "installed", lambda names: now(names) | {"python": version})
    assert stale(nnspec, *current) == again


@pytest.mark.parametrize("content", ["{", "{}", '{"suite": 3}', "[]"])
def test_report_that_is_none_is_run_again(nnspec, current, content):
    path, file = current
    file.write_text(content)
    assert stale(nnspec, path, file)


def test_failed_report_is_run_again(nnspec, adapter, tmp_path):
    path, file = adapter("def identity(x):\n    return x + 1\n"), tmp_path / "r.json"
    nnspec("check", path, "identity.value", "--report", file)
    assert stale(nnspec, path, file)


def test_changed_clause_text_is_seen_in_the_hash(current, spec_of, suite):
    result = json.loads(current[1].read_text())["topics"]["components/activations"]["results"]["identity.value"]
    clause = suite.spec.clauses["identity.value"]
    reworded = spec_of(f"/// clause | identity.value\n    kind: exact\n\n{clause.text} Always.\n///\n")
    assert result["text_hash"] == clause.text_hash != reworded.clauses["identity.value"].text_hash


def test_clauses_lists_text_and_proof(nnspec):
    out = nnspec("clauses", "relu.value").out
    assert "relu.value" in out
    assert "MUST     exact     1 instance, 2 mutants, power " in out
    assert "`relu` MUST return positive input unchanged and zero otherwise." in out


def test_mutants_of_clauses_that_are_not_listed_are_not_looked_for(nnspec, monkeypatch):
    looked = []
    monkeypatch.setattr(listing, "mutants_of", lambda suite, instance: looked.append(instance) or [])
    nnspec("clauses", "relu.value")
    assert looked == ["relu.value"]


def test_clauses_as_json(nnspec):
    (row,) = json.loads(nnspec("clauses", "gelu.form", "--json").out)
    assert {"id", "level", "kind", "page", "text", "instances", "variants", "tests", "mutants", "power"} <= set(row)
    assert row["tests"] == ["test_activations.py::test_gelu_form"]


def test_clauses_check(nnspec):
    ran = nnspec("clauses", "--check")
    assert (ran.status, " in step; " in ran.out) == (0, True)


def test_mutants_prints_the_kill_table(nnspec, tmp_path):
    ran = nnspec("mutants", "relu.value", "--all", "--record", tmp_path / "m")
    assert (ran.status, ran.out.splitlines()[-1]) == (0, "2 of 2 mutants caught")
    assert "    caught    relu shifted by epsilon: an epsilon against dead units" in ran.out
    made = json.loads((tmp_path / "m" / "components" / "activations.json").read_text())
    assert len(made["instances"]["relu.value"]) == 2


def test_current_kill_table_is_left_alone(nnspec, tmp_path):
    nnspec("mutants", "relu.value", "--record", tmp_path)
    again = nnspec("mutants", "relu.value", "--record", tmp_path, "--if-stale")
    more = nnspec("mutants", "relu.value", "tanh.odd", "--record", tmp_path, "--if-stale")
    assert (again.out, "tanh.odd" in more.out) == (f"{tmp_path} is current\n", True)


@pytest.mark.parametrize(("version", "again"), [(f"{MINOR}.99", False), ("3.99.7", True)])
def test_kill_table_of_another_python_is_not_current(nnspec, tmp_path, version, again):
    nnspec("mutants", "relu.value", "--record", tmp_path)
    file = tmp_path / "components" / "activations.json"
    made = json.loads(file.read_text())
    file.write_text(json.dumps(made | {"packages": made["packages"] | {"python": version}}))
    ran = nnspec("mutants", "relu.value", "--record", tmp_path, "--if-stale")
    assert (ran.out != f"{tmp_path} is current\n") == again


def test_weak_kill_table_is_not_current(nnspec, tmp_path):
    nnspec("mutants", "relu.value", "--record", tmp_path)
    file = tmp_path / "components" / "activations.json"
    made = json.loads(file.read_text())
    made["instances"]["relu.value"] = dict.fromkeys(made["instances"]["relu.value"], 3.0)
    file.write_text(json.dumps(made))
    assert "2 of 2 mutants caught" in nnspec("mutants", "relu.value", "--record", tmp_path, "--if-stale").out


@pytest.mark.parametrize(("change", "pages"), [(None, set()), ("components/layers", {"components/layers"})])
def test_only_the_topics_that_changed_are_run_again(nnspec, tmp_path, change, pages):
    chosen = ("relu.value", "layers.shape[dense]")
    nnspec("check", "numpy_oracle", *chosen, "--report", tmp_path)
    if change:
        file = tmp_path / f"{change}.json"
        made = json.loads(file.read_text())
        file.write_text(json.dumps(made | {"inputs": "0" * 16}))
    out = nnspec("check", "numpy_oracle", *chosen, "--report", tmp_path, "--if-stale").out
    assert {line.split(":")[0] for line in out.splitlines() if line.startswith("components/")} == pages
    assert len(list(tmp_path.glob("components/*.json"))) == 2


def test_an_interrupted_kill_table_has_the_topics_before(nnspec, monkeypatch, tmp_path):
    from nnspec_conformance import run

    def stops_in_the_second_topic(suite, instance, asks=run.kills_of):
        if instance == "layers.shape[dense]":
            raise HarnessError("stopped")
        return asks(suite, instance)

    monkeypatch.setattr(run, "kills_of", stops_in_the_second_topic)
    ran = nnspec("mutants", "relu.value", "layers.shape[dense]", "tanh.odd", "--record", tmp_path)
    (file,) = tmp_path.rglob("*.json")
    assert (ran.status, file.name, {*read_kills(file)}) == (2, "activations.json", {"relu.value", "tanh.odd"})


def test_surviving_mutant_is_status_1(nnspec, monkeypatch):
    from nnspec_conformance.mutant import ORACLE, Mutant

    survivor = Mutant("right after all", "s", ("relu.value",), {"relu": ORACLE.relu})
    monkeypatch.setattr("nnspec_conformance.mutation.mutants_of", lambda suite, name: [survivor])
    ran = nnspec("mutants", "relu.value")
    assert (ran.status, "SURVIVES  right after all" in ran.out) == (1, True)
    assert ran.err == "nnspec: relu.value: lets 'right after all' pass; sharpen its test\n"


def test_identify_prints_what_is_found(nnspec, adapter):
    path = adapter("""
        from nnspec_conformance.mutant import ORACLE

        def gelu(x):
            return ORACLE.gelu(x, form="tanh")
    """)
    ran = nnspec("identify", path)
    assert ran.status == 1
    assert "gelu.form                                tanh  (the definition has exact)  <- declares exact" in ran.out


def test_new_adapter_can_be_checked_at_once(nnspec, tmp_path, suite):
    path = tmp_path / "fresh.py"
    assert nnspec("new-adapter", path).out == f"wrote {path}; fill in what you have, then: nnspec check {path}\n"
    assert path.read_text() == template(suite.spec)
    ran = nnspec("check", path)
    assert (ran.status, " fail" in ran.out) == (0, False)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("there.py", "exists already; choose another name or remove it first"),
        ("mine.txt", "an adapter is a Python module; give it a name that ends in .py"),
        ("no/folder/mine.py", "No such file or directory; choose a folder that exists and can be written"),
    ],
)
def test_new_adapter_overwrites_nothing(nnspec, tmp_path, name, words):
    (tmp_path / "there.py").write_text("mine")
    ran = nnspec("new-adapter", tmp_path / name)
    assert (ran.status, ran.err) == (2, f"nnspec: {tmp_path / name}: {words}\n")
    assert (tmp_path / "there.py").read_text() == "mine"


@pytest.fixture
def vectors(nnspec, tmp_path):
    nnspec("check", "numpy_oracle", "relu.value", "--record", tmp_path / "v")
    return tmp_path / "v"


def test_replay_passes_with_status_0(nnspec, vectors):
    ran = nnspec("replay", vectors, "numpy_oracle")
    assert (ran.status, ran.out.endswith(": 4 of 4 recorded cases: 4 pass\n")) == (0, True)


def test_replay_fails_with_status_1(nnspec, vectors, adapter):
    ran = nnspec("replay", vectors, adapter(WRONG))
    assert (ran.status, ran.out.startswith("FAIL  relu.value  relu(float32[")) == (1, True)
    assert ran.out.endswith("mine 1.0: 1 of 4 recorded cases: 1 fail\n")


def test_replay_of_nothing_is_status_2(nnspec, vectors, adapter):
    (vectors / "manifest.json").write_text('{"schema": "nnspec-vectors/1", "cases": []}')
    ran = nnspec("replay", vectors, adapter(WRONG))
    assert (ran.status, ran.err) == (
        2,
        "nnspec: no recorded case could be put to this subject; check its DTYPES and VARIANTS\n",
    )


def test_version(nnspec):
    assert nnspec("--version").out == f"nnspec {__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("chek", "numpy_oracle"),
        ("check",),
        ("check", "numpy_oracle", "--call-limit", "0"),
        ("check", "numpy_oracle", "--call-limit", "soon"),
        ("check", "numpy_oracle", "--reprot", "x"),
    ],
)
def test_wrong_usage_is_status_2_without_a_traceback(nnspec, arguments):
    ran = nnspec(*arguments)
    assert (ran.status, "usage: nnspec" in ran.err, "Traceback" in ran.err) == (2, True, False)


BLOCKED = ["jax", "jaxlib", "flax", "optax", "jaxtyping", "beartype", "torch", "keras", "tensorflow", "nnspec"]
BLOCK = f"import warnings\nwarnings.simplefilter('error')\nfor name in {BLOCKED}: sys.modules[name] = None"
# A few operations with readings and defaults of every kind. That every reading of all the others holds is what
# `nnspec check numpy_oracle` asks.
HONEST = """
from nnspec_conformance.mutant import ORACLE

NAME = "honest"
NAMES = ("leaky_relu", "gelu", "hard_sigmoid", "softmax", "squared_error", "multiclass_hinge", "gru_native", "adamw")
VARIANTS = ORACLE.VARIANTS
globals().update({name: f for name, f in vars(ORACLE).items() if name.removesuffix("_vjp") in NAMES})
"""
COMMANDS = [
    ("check", "numpy_oracle", "relu.value"),
    ("clauses", "--check"),
    ("mutants", "relu.value"),
    ("identify", "honest.py", "--json"),
]


@pytest.fixture(scope="module")
def without_frameworks(commands, tmp_path_factory):
    """Status and errors of the commands, all in one process."""
    place = tmp_path_factory.mktemp("empty")
    (place / "honest.py").write_text(HONEST)
    return commands(COMMANDS, before=BLOCK, cwd=place)


@pytest.mark.parametrize("arguments", COMMANDS)
def test_command_runs_where_no_framework_is_installed(without_frameworks, arguments):
    ran = without_frameworks[COMMANDS.index(arguments)]
    assert (ran.status, ran.err) == (0, "")


def test_nothing_of_scipy_is_imported_before_an_oracle_takes_a_function_of_it():
    """It is a sixth of the time that a command takes to start."""
    code = "import sys; from nnspec_conformance.loading import load_subject; load_subject('numpy_oracle')"
    code += "; from nnspec_conformance.suite_loader import load_suite; load_suite()"
    code += "; print([name for name in sys.modules if name.startswith('scipy')])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout == "[]\n"


def test_identify_of_an_honest_subject_finds_all_its_readings(without_frameworks):
    ran = without_frameworks[COMMANDS.index(("identify", "honest.py", "--json"))]
    rows = {row["instance"]: row for row in json.loads(ran.out) if row["implemented"]}
    assert rows["gelu.form"]["found"] == ["exact", "tanh", "sigmoid"]
    assert rows["adamw.coupling"]["found"] == rows["adamw.coupling"]["declared"]
    assert {name: row["found"] for name, row in rows.items() if not {*row["declared"]} <= {*row["found"]}} == {}
    assert len(rows) > 20
