"""Reference statements: found without running, proven by tests that fail on wrong implementations."""

import re
from pathlib import Path

import pytest

from nnspec_conformance import gate
from nnspec_conformance.errors import SpecError
from nnspec_conformance.statements import StatementTest, find_tests

pytest_plugins = ["pytester"]

CONFTEST = Path(__file__).resolve().parents[2] / "reference" / "tests" / "conftest.py"
PAGE = """\
---
species: reference
---

# The loop

It resumes.

/// statement | loop.resumes
    proves: C.0

A resumed run **MUST** be the run.
///
"""
SOURCE = '["C.0"]\npage = "toys"\n'
TESTS = '''\
import pytest


def resume(state):
    return state + 1


def forgets(state):
    """Starts from zero."""
    return 1


@pytest.mark.statement("loop.resumes", of=resume, mutants=[forgets])
def test_resumes(implementation):
    assert implementation(4) == 5
'''


@pytest.fixture
def tests_of(tmp_path):
    """Writes a file of tests, and finds those that prove statements."""

    def find(text: str) -> list[StatementTest] | None:
        folder = tmp_path / "tests"
        (folder / "training").mkdir(parents=True, exist_ok=True)
        (folder / "training" / "test_loop.py").write_text(text, encoding="utf-8")
        return find_tests(folder)

    return find


@pytest.fixture
def problems(suite_of, tests_of):
    def check(tests: str, page: str = PAGE, **tables: str) -> list[str]:
        suite = suite_of(page, **({"source": SOURCE} | tables))
        suite.statement_tests = tests_of(tests)
        return gate.check(suite)

    return check


def test_statement_is_read_with_its_page_level_and_proof(suite_of):
    spec = suite_of(PAGE).spec
    made = spec.statements["loop.resumes"]
    assert (made.page, made.line, made.level, made.proves) == ("toys", 9, "MUST", ("C.0",))
    assert spec.pages["toys"].species == "reference"
    assert spec.proofs() == {"C.0": [made]}


def test_statement_may_have_no_options(suite_of):
    page = "# T\n\n/// statement | loop.stops\n\nIt **MUST** stop.\n///\n"
    assert suite_of(page).spec.statements["loop.stops"].text == "It **MUST** stop."


def test_statement_is_never_put_to_a_subject(suite_of):
    assert suite_of(PAGE).instances == {}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("**MUST**", "will", "statement loop.resumes has 0 bold level words []; write exactly one of"),
        ("| loop.resumes", "| loop", "statement id 'loop' is not of the form topic.aspect"),
        ("proves: C.0", "kind: exact", "unknown option 'kind' of block 'statement'; known: proves, source"),
        (
            "# The loop",
            "# The loop\n\n/// clause | loop.resumes\n    kind: exact\n\nIt **MUST**.\n///",
            "duplicate id loop",
        ),
    ],
)
def test_wrong_statement_is_refused(suite_of, old, new, words):
    with pytest.raises(SpecError, match=".") as caught:
        suite_of(PAGE.replace(old, new))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_tests_are_found_with_their_mutants_and_their_stories(tests_of):
    assert tests_of(TESTS) == [
        StatementTest("loop.resumes", "training/test_loop.py::test_resumes", {"forgets": "Starts from zero."})
    ]


def test_a_mark_is_read_without_running_the_file(tests_of):
    assert len(tests_of("raise SystemExit\n\n" + TESTS) or []) == 1


def test_without_tests_at_hand_nothing_is_said(tmp_path, suite_of):
    suite = suite_of(PAGE, source=SOURCE)
    suite.statement_tests = find_tests(tmp_path / "nowhere")
    assert (suite.statement_tests, gate.check(suite)) == (None, [])


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"loop.resumes", of', "NAME, of", "the mark of a statement has its id as the first argument, as text"),
        ("mutants=[forgets]", "mutants=MUTANTS", "mutants is a list of functions of this file, by name"),
        ("mutants=[forgets]", "mutants=[lambda state: 1]", "mutants is a list of functions of this file, by name"),
        ('    """Starts from zero."""\n', "", "the wrong implementation forgets does not say what it does wrong"),
    ],
)
def test_mark_that_cannot_be_read(tests_of, old, new, words):
    with pytest.raises(SpecError, match=words) as caught:
        tests_of(TESTS.replace(old, new))
    assert re.match(r"\S+test_loop\.py:1[23]: ", str(caught.value))


def test_statement_with_a_test_and_a_mutant_is_in_step(problems):
    assert problems(TESTS) == []


def test_statement_without_a_test_is_named_with_its_line(problems):
    assert problems("") == [
        "spec/toys.md:9: loop.resumes has no test in reference/tests; "
        "mark one with @pytest.mark.statement('loop.resumes', ...)"
    ]


def test_test_without_a_wrong_implementation(problems):
    found = problems(TESTS.replace("mutants=[forgets]", "mutants=[]"))
    assert found == [
        "reference/tests/training/test_loop.py::test_resumes: "
        "has no wrong implementation to fail on; add it to 'mutants'"
    ]


def test_test_of_an_unknown_statement(problems):
    test = TESTS[TESTS.index("@pytest") :]
    found = problems(f"{TESTS}\n\n{test.replace('loop.resumes', 'loop.stops')}")
    assert found == ["reference/tests/training/test_loop.py::test_resumes: proves 'loop.stops', which no page states"]


def test_retired_id_of_a_statement(problems):
    found = problems(TESTS, retired='["loop.resumes"]\nreason = "gone"\n')
    assert found == ["spec/toys.md:9: loop.resumes is retired; ids are never used again, choose another"]


def test_clause_on_a_page_about_the_reference_alone(problems):
    page = PAGE + "\n/// clause | loop.other\n    kind: exact\n\nIt **MAY** be.\n///\n"
    want = "spec/toys.md:15: loop.other is a clause on a page about the reference alone; write a statement"
    assert problems(TESTS, page)[0] == want


def test_reference_to_a_statement_leads_to_it(problems):
    assert problems(TESTS, PAGE + "\nSee [loop.resumes][].\n") == []


# ------------------------------------------------------------------ how such a test runs
@pytest.fixture
def run(pytester):
    """Pytest's own words on a file of tests beside the reference's conftest."""

    def pytest_on(text: str) -> str:
        pytester.makeconftest(CONFTEST.read_text(encoding="utf-8"))
        pytester.makepyfile(test_loop=text)
        return str(pytester.runpytest_inprocess("-v", "--strict-markers", "-p", "no:nnspec").stdout)

    return pytest_on


def test_it_holds_on_the_reference_and_fails_on_each_mutant(run):
    more = TESTS + "\n\ndef test_beside():\n    assert resume(1) == 2\n"
    told = run(more)
    assert "test_resumes[reference] PASSED" in told
    assert "test_resumes[wrong:forgets] PASSED" in told
    assert "3 passed" in told


def test_a_mutant_on_which_it_holds_fails_the_run(run):
    told = run(TESTS.replace("return 1\n", "return state + 1\n"))
    assert "test_resumes[wrong:forgets] FAILED" in told
    assert "holds on the wrong implementation forgets too, and so proves nothing" in told


def test_a_mutant_that_breaks_down_is_not_caught(run):
    told = run(TESTS.replace("return 1\n", "raise KeyError(state)\n"))
    assert "test_resumes[wrong:forgets] FAILED" in told
    assert "KeyError" in told


def test_a_reference_on_which_it_does_not_hold_fails_the_run(run):
    told = run(TESTS.replace("return state + 1\n", "return state\n"))
    assert "test_resumes[reference] FAILED" in told
