"""``nnspec experiments``: what it prints, when it refuses to record, and one line for bad input."""

import importlib.resources
import json
import subprocess
import sys

import jsonschema
import numpy as np
import pytest

from nnspec_conformance import cli
from nnspec_conformance.clauses import load_spec
from nnspec_conformance.experiments import Effect, Outcome, command, core, record

SCHEMA = json.loads(
    importlib.resources.files("nnspec_conformance.experiments").joinpath("experiment.schema.json").read_text()
)
TOYS = """# Toys

/// experiment | toy
    measure: how often
    predicted: half, because toys have two sides
    expect:
      ratio: [0.45, 0.55]
    holds:
      ratio: [0.1, 1]
    unless:
      nobody pushes:
        rival: [0.8, 1]
    short:
      ratio: [0.3, 0.7]
    seeds: 7
    proves: A.1

Toys tumble.
///
"""


def main(arguments):
    """``nnspec experiments`` with these arguments."""
    return cli.main(["experiments", *arguments])


def written(folder):
    """What the file of the toys' page says of the toy."""
    made = json.loads((folder / "toys.json").read_text())
    jsonschema.validate(made, SCHEMA)
    return made["experiments"]["toy"]


@pytest.fixture
def toy(monkeypatch, tmp_path):
    """One experiment of our own, on a page of its own, whose number the test sets."""
    path = tmp_path / "spec" / "toys.md"
    path.parent.mkdir()
    path.write_text(TOYS, encoding="utf-8")
    committed = {}

    def put(ratio, rival=0.0, **recorded):
        def run(seeds):
            if ratio is None:
                raise RuntimeError("no\nluck")
            effect = Effect("size", 0.5, (0.25, np.inf))
            return Outcome({"ratio": ratio, "rival": rival}, effect, [{"seeds": seeds}])

        monkeypatch.setattr(core, "discover", lambda: {"toy": core.Registered("toy", run, {"seeds": 2})})
        if recorded:
            text = load_spec(path.parent).experiments["toy"]
            committed["toy"] = {"date": "2026-01-01", "text_hash": text.text_hash, "when": None} | recorded
        return path

    monkeypatch.setattr(command, "load_spec", lambda: load_spec(path.parent))
    monkeypatch.setattr(command, "load_experiments", lambda: committed)
    monkeypatch.setattr(command, "COMMITTED", tmp_path / "results")
    return put


def test_short_form_has_an_expectation_of_its_own_and_no_outcome(toy, capsys):
    toy(0.6)
    assert main(["toy"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "ratio 0.3 to 0.7 came 0.6 as expected" in shown
    assert "the claim is measured by --slow" in shown
    assert "holds" not in shown


def test_short_form_that_comes_otherwise_exits_1(toy, capsys):
    toy(0.8)
    assert main(["toy"]) == 1
    shown = capsys.readouterr().out
    assert "ratio 0.3 to 0.7 came 0.8 NOT as expected" in " ".join(shown.split())
    assert shown.splitlines()[-1] == "experiments that did not come as they should: toy"


@pytest.mark.parametrize(
    ("ratio", "rival", "shown"),
    [
        (0.5, 0.0, ["0.45 to 0.55 came 0.5 met", "prediction met", "claim holds ("]),
        (0.8, 0.0, ["0.45 to 0.55 came 0.8 missed", "prediction missed", "claim holds ("]),
        (0.5, 0.9, ["prediction met", "claim holds when nobody pushes ("]),
        (0.0, 0.0, ["0.1 to 1 came 0 against the claim", "prediction missed", "claim does not hold ("]),
    ],
)
def test_full_form_prints_expected_came_and_two_words(toy, capsys, ratio, rival, shown):
    toy(ratio, rival)
    assert main(["toy", "--slow"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert [words for words in shown if words not in printed] == []


@pytest.mark.parametrize("recorded", [("holds", "met"), ("does not hold", "missed")])
def test_an_outcome_that_contradicts_the_committed_one_exits_1(toy, capsys, recorded):
    toy(0.8, outcome=recorded[0], prediction=recorded[1])
    assert main(["--slow"]) == 1
    words = f"CONTRADICTS the committed outcome of 2026-01-01: {recorded[0]}; prediction {recorded[1]}"
    assert words in capsys.readouterr().out


def test_out_writes_valid_json_with_the_seeds_of_the_block(toy, tmp_path):
    toy(0.5, 0.9, outcome="holds when", prediction="met")
    assert main(["--slow", "--out", str(tmp_path)]) == 0
    result = written(tmp_path)
    assert (result["form"], result["seeds"], result["rows"]) == ("full", 7, [{"seeds": 7}])
    assert (result["outcome"], result["when"], result["prediction"]) == ("holds when", "nobody pushes", "met")
    assert result["effect"]["interval"] == [0.25, "inf"]


# Recording


@pytest.fixture
def repository(toy):
    """The toy's page in a repository of its own, with nothing committed yet."""
    page = toy(0.5)

    def git(*arguments):
        identity = ["-c", "user.name=T", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
        made = subprocess.run(
            ["git", "-C", page.parent, *identity, *arguments], capture_output=True, text=True, check=True
        )
        return made.stdout.strip()

    git("init", "-q")
    return page, git


def refused(arguments, capsys):
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    return error


def test_record_refuses_a_prediction_that_was_never_committed(repository, capsys):
    _, git = repository
    git("commit", "-q", "--allow-empty", "-m", "nothing")
    assert "the prediction of toy is not committed as it stands (toys.md:3)" in refused(["--slow", "--record"], capsys)


def test_record_refuses_a_prediction_that_has_been_bent(repository, capsys, tmp_path):
    page, git = repository
    git("add", ".")
    git("commit", "-q", "-m", "prediction")
    page.write_text(TOYS.replace("[0.45, 0.55]", "[0.45, 0.95]"), encoding="utf-8")
    assert "commit it before the run whose result you record" in refused(["--slow", "--record"], capsys)
    assert not (tmp_path / "results").exists()


def test_record_stores_the_predictions_hash_and_commit(repository, tmp_path):
    page, git = repository
    git("add", ".")
    git("commit", "-q", "-m", "prediction")
    page.write_text(TOYS.replace("measure: how often", "measure: how often indeed"), encoding="utf-8")
    (page.parent / "others.md").write_text("# Others\n", encoding="utf-8")
    assert main(["--slow", "--record"]) == 0
    result = written(tmp_path / "results" / "experiments")
    hash = load_spec(page.parent).experiments["toy"].prediction_hash
    assert result["recorded"] == {"hash": hash, "commit": git("rev-parse", "HEAD"), "known": None}


@pytest.mark.parametrize(
    ("before", "known"),
    [
        (None, "2026-01-01"),  # recorded before predictions had to be committed first
        ({"hash": "another", "commit": "0" * 40, "known": None}, "2026-01-01"),
        ({"hash": "this", "commit": "0" * 40, "known": None}, None),
        ({"hash": "this", "commit": "0" * 40, "known": "2025-12-31"}, "2025-12-31"),
    ],
)
def test_a_prediction_written_after_a_result_says_so(toy, before, known):
    text = load_spec(toy(0.5).parent).experiments["toy"]
    if before:
        before = before | {"hash": text.prediction_hash if before["hash"] == "this" else before["hash"]}
    assert record.recorded(text, "1" * 40, {"date": "2026-01-01", "recorded": before})["known"] == known
    assert record.recorded(text, "1" * 40, None)["known"] is None


def test_record_needs_a_repository(toy, capsys, monkeypatch):
    toy(0.5)
    monkeypatch.setattr(record, "_git", lambda folder, *arguments: None)
    assert "is in no repository" in refused(["--slow", "--record"], capsys)


def test_record_needs_the_full_form(toy, capsys):
    toy(0.5)
    assert refused(["--record"], capsys) == ("nnspec: --record needs --slow: only full forms are recorded\n")


@pytest.mark.parametrize(("arguments", "name"), [([], "raito"), (["--slow"], "ratoi")])
def test_an_interval_of_a_number_that_is_not_measured_is_one_line(toy, capsys, arguments, name):
    page = toy(0.5)
    old = "short:\n      ratio" if not arguments else "holds:\n      ratio"
    page.write_text(TOYS.replace(old, old.replace("ratio", name)), encoding="utf-8")
    error = refused(arguments, capsys)
    assert f"has intervals for ['{name}'], which the run does not measure; it does: ['ratio', 'rival']" in error


# Bad input


def test_an_experiment_that_breaks_is_one_line_and_exits_2(toy, capsys):
    toy(None)
    assert main(["toy"]) == 2
    assert capsys.readouterr().err == "nnspec: toy broke: RuntimeError: no luck\n"


def test_an_unknown_id_is_one_line_and_exits_2(capsys):
    assert main(["xor-needs"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("nnspec: unknown experiment 'xor-needs'; known: adam-faster, ")
    assert error.count("\n") == 1


def test_list_marks_a_stale_result(toy, capsys):
    toy(0.5, outcome="holds", prediction="missed")
    command.load_experiments()["toy"]["text_hash"] = "old"
    assert main(["--list"]) == 0
    assert "holds; prediction missed, stale: the text has changed since" in capsys.readouterr().out


@pytest.mark.parametrize("option", ["--help", "--list"])
def test_help_and_list_run_nothing_and_import_little(option):
    light = (
        "import contextlib, sys\nfrom nnspec_conformance.cli import main\n"
        f"with contextlib.suppress(SystemExit):\n    main(['experiments', '{option}'])\n"
        "print({'jax', 'torch', 'nnspec', 'numpy', 'scipy', 'sklearn', 'rich'} & set(sys.modules))"
    )
    shown = subprocess.run([sys.executable, "-c", light], capture_output=True, text=True, check=True).stdout
    assert shown.splitlines()[-1] == "set()"


def test_discovery_imports_no_framework():
    discover = "from nnspec_conformance.experiments import core; core.discover()"
    light = f"import sys; {discover}; print({{'jax', 'torch', 'nnspec'}} & set(sys.modules))"
    assert (
        subprocess.run([sys.executable, "-c", light], capture_output=True, text=True, check=True).stdout.strip()
        == "set()"
    )
