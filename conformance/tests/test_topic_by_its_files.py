"""Topics are opened in a copy of the project, each by its own files and nothing else, and everything knows them.

One is the first of its section, one lies in a folder of topics, one is about the reference alone.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONFORMANCE = "conformance/nnspec_conformance"

PAGE = """\
---
order: 1
needs: [components/neurons]
---

# {title}

**{title}** is what this page is about. No more.

/// operation | {name}
    form: map
    arrays: {{x: "*shape"}}
    examples: [shape]
    result: "*shape"
    exempt:
      layouts: its only clause states one answer
      nan: its only clause states one answer
      second: it is linear
      sizes: its only clause states one answer

{factor} times every element.
///

/// clause | {name}.value
    kind: value
{proves}
The result **MUST** be {factor} times the input.
///

/// reference | nnspec.{dotted}.{name}

$$y = {factor} x$$
///
"""
REFERENCE = '''\
"""{title}: a trial. It is taken away again."""

import jax
from jaxtyping import Array, Float

from nnspec.checking import checked

__all__ = ["{name}"]


@checked
@jax.jit
def {name}(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Multiply every element."""
    return {factor} * x
'''
ORACLE = '''\
"""{title}, from its clause."""


def {name}(x):
    return {factor} * x


def {name}_derivative(x):
    return {factor} + 0 * x
'''
SUITE = '''\
"""Tests of {topic}."""

from nnspec_conformance.cases import call, clause
from nnspec_conformance.inputs import normal_draws
from nnspec_conformance.tolerance import ulps
from nnspec_conformance.oracles.{dotted} import {name}


@clause("{name}.value")
def test_value():
    x = normal_draws(1, (3, 4))
    yield call("{name}", x, want=ulps({name}(x.astype(float)), 1, "float32"))
'''
MUTANTS = '''\
"""Wrong versions of {topic}."""

from nnspec_conformance.mutant import Mutants

MUTANTS = Mutants()


@MUTANTS.add("the input comes back", "{name}.value")
def changes_nothing(x):
    return x
'''
ADAPTER = '''\
"""{title}."""

from nnspec.{dotted} import {name}

__all__ = ["{name}"]
'''
BENCHMARK = '''\
"""What {name} takes."""

from nnspec_conformance.benchmarks.core import Workload

SET = "{name}"


def workloads(*, quick=False):
    """No workload yet."""
    return iter(())
'''
TOPICS = {
    "training/halving": {"title": "Halving", "name": "halve", "factor": "0.5", "proves": "    proves: A.8\n"},
    "architectures/trial/tripling": {"title": "Tripling", "name": "triple", "factor": "3", "proves": ""},
}
LOOP = {
    "spec/training/resuming.md": """\
---
species: reference
---

# Resuming

A run can be stopped and taken up again.

/// statement | resuming.state
    proves: C.0

A resumed run **MUST** be the run.
///
""",
    "reference/nnspec/training/resuming.py": '"""Resuming: a trial. It is taken away again."""\n\n__all__ = []\n',
    "reference/tests/test_resuming.py": '''\
import pytest


def forgets(state):
    """Starts anew."""


@pytest.mark.statement("resuming.state", of=lambda state: state, mutants=[forgets])
def test_state(implementation):
    assert implementation(3) == 3
''',
}
FOLDER = "---\norder: 9\n---\n\n# A folder of topics\n\nIt has a page of its own.\n"


def files_of(topic: str) -> dict[str, str]:
    """Path and text of every file of a topic."""
    section, _, name = topic.rpartition("/")
    words = TOPICS[topic] | {"topic": topic, "dotted": topic.replace("/", ".")}
    templates = {
        f"spec/{topic}.md": PAGE,
        f"reference/nnspec/{topic}.py": REFERENCE,
        f"{CONFORMANCE}/oracles/{topic}.py": ORACLE,
        f"{CONFORMANCE}/suite/{section}/test_{name}.py": SUITE,
        f"{CONFORMANCE}/mutants/{topic}.py": MUTANTS,
        f"{CONFORMANCE}/adapters/reference/{topic}.py": ADAPTER,
        f"{CONFORMANCE}/benchmarks/{topic}.py": BENCHMARK,
    }
    made = {path: text.format(**words) for path, text in templates.items()}
    if section.count("/"):  # a folder of topics is a package in every strand, and has a page
        made |= {f"{Path(path).parent.as_posix()}/__init__.py": "" for path in made if path.endswith(".py")}
        made |= {f"spec/{section}/index.md": FOLDER}
    return made


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The project with three topics more: nothing but new files. What Python has compiled of it comes along."""
    folder = tmp_path_factory.mktemp("copy") / "nnspec"
    ignored = shutil.ignore_patterns("results", "generated", ".*", "build", "site", "dist")
    shutil.copytree(ROOT, folder, ignore=ignored, symlinks=True)
    for files in (*map(files_of, TOPICS), LOOP):
        for name, text in files.items():
            path = folder / name
            assert not path.exists(), f"{name} would have to be changed"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def places(copy):
    """Where the copy's packages are."""
    return [copy / name for name in ("reference", "conformance", "docs")]


COLLECT = """
import json, markdown, pathlib
from nnspec_conformance import gate
from nnspec_conformance.benchmarks import sets
from nnspec_conformance.suite_loader import load_suite
from nnspec_site import navigation, sources
from nnspec_site.build import settings
sources.check()
suite = load_suite()
navigation.stage(suite.spec)
pathlib.Path("known.json").write_text(json.dumps({
    "root": str(suite.spec.root),
    "gate": gate.check(suite),
    "topics": [page.name for page in suite.spec.pages.values() if page.is_topic],
    "navigation": settings()["nav"],
    "api": (navigation.STAGE / "api/training/halving.md").read_text(),
    "index": markdown.markdown("/// topics | all\\n///\\n", extensions=["nnspec_site"]),
    "sets": list(sets.discover()),
}))
"""


@pytest.fixture(scope="module")
def said(commands, copy, places):
    """What the commands say in the copy, after gate, site and benchmarks, whose words are kept in a file."""
    asked = {subject: ["check", subject, *TOPICS] for subject in ("numpy_oracle", "reference")}
    asked |= {"mutants": ["mutants", *TOPICS]}
    return dict(zip(asked, commands([*asked.values()], before=COLLECT, cwd=copy, places=places), strict=True))


@pytest.fixture(scope="module")
def known(said, copy):
    """What the gate, the site and the benchmarks say in the copy."""
    found = json.loads((copy / "known.json").read_text(encoding="utf-8"))
    assert found["root"] == str(copy / "spec")
    return found


def test_the_gate_is_in_step(known):
    assert known["gate"] == []


def test_topics_come_in_their_place(known):
    added = ["architectures/trial/tripling", "training/halving", "training/resuming"]
    assert [topic for topic in known["topics"] if topic in added] == added


def test_they_are_in_the_navigation(known):
    trial = {
        "A folder of topics": [
            "spec/architectures/trial/index.md",
            {"Tripling": "spec/architectures/trial/tripling.md"},
        ]
    }
    architectures = next(entry["Architectures"] for entry in known["navigation"] if "Architectures" in entry)
    assert architectures[0] == "spec/architectures/index.md"
    assert trial in architectures
    index, *training = next(entry["Training"] for entry in known["navigation"] if "Training" in entry)
    added = [{"Halving": "spec/training/halving.md"}, {"Resuming": "spec/training/resuming.md"}]
    assert index == "spec/training/index.md"
    assert [topic for topic in training if topic in added] == added


def test_they_have_a_page_in_the_api_reference(known):
    assert "[Halving](/spec/training/halving.md)" in known["api"]
    assert "::: nnspec.training.halving" in known["api"]
    assert {"architectures.trial.tripling": "api/architectures/trial/tripling.md"} in next(
        entry["API reference"] for entry in known["navigation"] if "API reference" in entry
    )


def test_they_are_in_the_index_with_their_first_sentence(known):
    assert "<strong>Halving</strong> is what this page is about.</span>" in known["index"]
    assert 'href="/spec/architectures/trial/tripling.md">Tripling</a>' in known["index"]


def test_their_benchmarks_are_found(known):
    assert {"halve", "triple"} <= set(known["sets"])


@pytest.mark.parametrize("subject", ["numpy_oracle", "reference"])
def test_a_subject_is_asked_for_them(said, subject):
    told = said[subject].out
    assert re.search(r": (\d+) pass [^:]*\(\1 instances", told), told + said[subject].err
    assert "FAIL" not in told
    assert "training/halving: 1 pass" not in told, "its duties are asked, too"
    assert said[subject].status == 0


def test_their_mutants_are_caught(said):
    assert said["mutants"].status == 0, said["mutants"].err
    assert re.search(r"^(\d+) of \1 mutants caught", said["mutants"].out, re.M)


@pytest.fixture(scope="module")
def tests(said, copy, places):
    """Pytest's words on the layout and the statement, with an oracle of what the reference alone promises."""
    stray = copy / CONFORMANCE / "oracles" / "training" / "resuming.py"
    stray.touch()
    paths = ("conformance/tests/test_layout.py", "reference/tests/test_resuming.py")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-rA", *paths, "-k", "not import"],
        cwd=copy,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, places))},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    stray.unlink()
    return done.stdout


OF_ORACLES = "test_layout.py::test_every_page_has_its_strands_and_every_strand_its_page[oracle]"


def test_the_tests_of_the_layout_and_of_the_statement_pass(tests):
    assert tests.count("PASSED") > 10
    assert "test_resuming.py::test_state[reference]" in tests
    failed = [line for line in tests.splitlines() if line.startswith(("FAILED", "ERROR"))]
    assert [line for line in failed if OF_ORACLES not in line] == []


def test_an_oracle_of_what_the_reference_alone_promises_is_out_of_place(tests):
    """It, and nothing else: what fails is the last of that test's assertions."""
    assert OF_ORACLES in next(line for line in tests.splitlines() if line.startswith("FAILED"))
    assert "has modules of pages about the reference alone" in tests
