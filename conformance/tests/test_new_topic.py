"""``nnspec new-topic``: what it writes is in step at once; one clause fails until the author has written the others."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from nnspec_conformance import cli
from nnspec_conformance.clauses import load_spec, own_spec
from nnspec_conformance.errors import HarnessError
from nnspec_conformance.new_topic import write, written
from nnspec_conformance.operations import FORMS

ROOT = Path(__file__).resolve().parents[2]
TOPICS = {form: f"training/trial_of_{form.replace(' ', '_')}" for form in FORMS}

WRITTEN = len(FORMS) + 1  # clauses beside the unwritten ones: a map has one about its gradient, too


def name_of(form):
    return TOPICS[form].rpartition("/")[2]


def owed_by_optimizers():
    """Ids of the clauses that an optimizer joins by its family; how fast it has to be is told for each by itself."""
    everybody = {"momentum", "gradient_descent"}
    clauses = own_spec().clauses.values()
    return [clause.id for clause in clauses if everybody <= {*clause.applies_to} and clause.kind != "convergence"]


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The project with a topic of each form; what Python has compiled of it comes along, and is valid there."""
    folder = tmp_path_factory.mktemp("copy") / "nnspec"
    ignored = shutil.ignore_patterns("results", "generated", ".*", "build", "site", "dist")
    shutil.copytree(ROOT, folder, ignore=ignored, symlinks=True)
    for form, topic in TOPICS.items():
        write(folder, written(topic, form, own_spec()))
    return folder


@pytest.fixture(scope="module")
def duties(copy):
    """The instances of duties that the topics owe."""
    names = {*map(name_of, FORMS)}
    clauses = [clause for clause in load_spec(copy / "spec").clauses.values() if clause.forms]
    return [clause.instance(name) for clause in clauses for name in clause.operations if name in names]


@pytest.fixture(scope="module")
def places(copy):
    """Where the copy's packages are."""
    return [copy / name for name in ("reference", "conformance", "docs")]


@pytest.fixture(scope="module")
def run(copy, places):
    """Runs Python in the copy."""

    def python(*arguments):
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, places))}
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=copy,
            env=environment,
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )

    return python


@pytest.fixture(scope="module")
def said(commands, copy, places):
    """What the commands say in the copy."""
    topics = list(TOPICS.values())
    asked = {subject: ["check", subject, *topics] for subject in ("numpy_oracle", "reference", "flax_optax")}
    owed = [f"{name}[{name_of('stepper')}]" for name in owed_by_optimizers()]
    asked |= {f"family of {subject}": ["check", subject, *owed] for subject in ("numpy_oracle", "reference")}
    asked |= {"gate": ["clauses", "--check"], "mutants": ["mutants", *topics]}
    return dict(zip(asked, commands([*asked.values()], cwd=copy, places=places), strict=True))


def test_the_gate_asks_for_the_holes_and_for_nothing_else(said):
    lines = said["gate"].err.splitlines()
    assert [line for line in lines if "nobody looked for its holes" not in line] == []
    assert {*TOPICS.values()} <= {line.split(": ")[1] for line in lines}  # the copy has no records of the others


@pytest.mark.parametrize("subject", ["numpy_oracle", "reference"])
def test_the_unwritten_clause_fails_and_nothing_else(said, subject, duties):
    out = said[subject].out
    assert said[subject].status == 1, out + said[subject].err
    for form in FORMS:
        slug = name_of(form).replace("_", "-")
        assert f"FAIL  {slug}.unwritten" in out
        assert f"the clauses of {TOPICS[form]} are not written yet; then take this one away" in " ".join(out.split())
    assert out.count("FAIL  ") == len(FORMS), out
    without = (
        sum("duty.layouts[" in name for name in duties) if subject == "reference" else 0
    )  # arrays of JAX have no strides
    told = f", {without} not asked" if without else ""
    assert f"{WRITTEN + len(duties) - without} pass, {len(FORMS)} fail{told}" in out


@pytest.mark.parametrize("subject", ["numpy_oracle", "reference"])
def test_a_new_optimizer_keeps_what_every_optimizer_owes(said, subject):
    ran, count = said[f"family of {subject}"], len(owed_by_optimizers())
    assert ran.status == 0, ran.out + ran.err
    assert count > 10
    told = f"{count - 1} pass, 1 not asked" if subject == "reference" else f"{count} pass"  # duty.layouts
    assert f"{told} ({count} instances" in ran.out


def test_mutants_are_caught(said):
    assert said["mutants"].status == 0, said["mutants"].out + said["mutants"].err
    assert re.search(r"^(\d+) of \1 mutants caught", said["mutants"].out, re.M)


def test_a_framework_does_not_implement_it_yet(said, duties):
    assert f"{len(FORMS) + WRITTEN + len(duties)} not implemented" in said["flax_optax"].out


def test_layout_and_reference_keep_their_rules(run):
    tests = ("conformance/tests/test_layout.py", "reference/tests/test_lint.py", "reference/tests/test_borrowed.py")
    done = run("-m", "pytest", "-q", "-p", "no:cacheprovider", *tests, "-k", "(test_layout and not import) or trial")
    assert done.returncode == 0, done.stdout


def test_what_is_written_is_clean(run, copy):
    pytest.importorskip("ruff", reason="ruff is not installed")
    paths = [
        path
        for topic in TOPICS.values()
        for path in written(topic, "map", own_spec(), "nobody")
        if path.endswith(".py")
    ]
    for arguments in (("check", "--no-cache"), ("format", "--check", "--no-cache")):
        done = run("-m", "ruff", *arguments, *paths)
        assert done.returncode == 0, done.stdout + done.stderr


def test_without_the_unwritten_clause_everything_holds(run, copy, duties):
    """The author takes clause and test away; here, of the map."""
    topic = TOPICS["map"]
    page, suite = (
        copy / f"spec/{topic}.md",
        copy / f"conformance/nnspec_conformance/suite/training/test_{name_of('map')}.py",
    )
    before = page.read_text(), suite.read_text()
    head, _, rest = before[0].partition("/// clause |")
    page.write_text(head + "/// clause |" + rest.partition("/// clause |")[2])
    suite.write_text(before[1].partition('\n\n@clause("trial-of-map.unwritten")')[0] + "\n")
    try:
        done = run("-m", "nnspec_conformance.cli", "check", "numpy_oracle", topic)
    finally:
        page.write_text(before[0])
        suite.write_text(before[1])
    count = 2 + sum(f"[{name_of('map')}]" in name for name in duties)
    assert f"{count} instances in" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0


# ---- refusals


def test_forms_of_the_command_are_those_of_the_declarations():
    assert cli.FORMS == FORMS


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("momentum", "map"), "'momentum' is no topic; write a section and a name, such as training/momentum"),
        (("training/Momentum", "map"), "'training/Momentum' is no topic"),
        (("training/momentum", "maps"), "'maps' is no form; use one of map, state map"),
        (("training/relu", "map"), "components/activations declares 'relu' already; give another with --operation"),
    ],
)
def test_a_wrong_name_is_told_in_one_line(arguments, message):
    with pytest.raises(HarnessError, match=message):
        written(*arguments, own_spec())


def test_nothing_is_written_over(copy):
    files = written(TOPICS["map"], "map", own_spec())
    with pytest.raises(
        HarnessError, match=r"trial_of_map\.md: exists already; choose another topic or take it away first"
    ):
        write(copy, files)


def test_a_folder_that_is_no_checkout_is_refused(tmp_path):
    with pytest.raises(HarnessError, match="is no checkout of nnspec"):
        write(tmp_path, {})


def test_statements_that_the_page_opens_are_proven_by_the_unwritten_clause():
    topic = "training/trial_of_statements"
    source = {"T.1": {"page": topic}, "T.2": {"page": topic}, "T.3": {"page": "training/momentum"}}
    page = written(topic, "map", replace(own_spec(), source=source))[f"spec/{topic}.md"]
    assert "    proves: [T.1, T.2]" in page


def test_a_folder_of_topics_is_a_package_in_every_strand():
    files = written("architectures/trial/tripling", "map", own_spec())
    assert "reference/nnspec/architectures/trial/__init__.py" in files
    assert "conformance/nnspec_conformance/adapters/torch/architectures/__init__.py" in files
