"""The gate: every way in which specification, tests and tables can be out of step is one line that says what to do."""

import pytest

from nnspec_conformance import gate
from nnspec_conformance.cases import clause

PAGE = """\
# Toys

/// clause | double.value
    kind: exact

`double` **{level}** be twice its input, see [double.value][].
///

/// experiment | toys-tumble
    measure: how often
    predicted: always
    source-id: A.1

Toys tumble.
///
"""
SOURCE = '["A.1"]\npage = "toys"\nexperiments = ["toys-tumble"]\n'


def proof(clause_id="double.value"):
    @clause(clause_id)
    def proves():
        return iter(())

    return proves


@pytest.fixture
def problems(suite_of):
    def check(*tests, level="MUST", page="", **tables):
        return gate.check(suite_of(PAGE.format(level=level) + page, *tests, **({"source": SOURCE} | tables)))

    return check


def test_all_in_step_has_no_problem(problems):
    assert problems(proof()) == []


@pytest.mark.parametrize("level", ["MUST", "SHOULD"])
def test_clause_without_a_test_is_named_with_its_line(problems, level):
    assert problems(level=level) == [
        "spec/toys.md:3: double.value has no test; write one or give a reason in untestable.toml"
    ]


def test_permission_needs_no_test(problems):
    assert problems(level="MAY") == []


def test_untestable_clause_needs_no_test(problems):
    assert problems(untestable='["double.value"]\nreason = "no finite run decides it"\n') == []


def test_untestable_needs_a_reason(problems):
    assert problems(untestable='["double.value"]\n') == ["spec/untestable.toml: double.value has no reason; say why"]


def test_untestable_clause_that_has_a_test(problems):
    found = problems(proof(), untestable='["double.value"]\nreason = "r"\n')
    assert found == ["spec/toys.md:3: double.value has a test and stands in untestable.toml; take it out there"]


def test_untestable_that_is_no_clause(problems):
    found = problems(proof(), untestable='["triple.value"]\nreason = "r"\n')
    assert found == ["spec/untestable.toml: triple.value is no clause; take it out"]


def test_test_of_an_unknown_clause(problems):
    found = problems(proof(), proof("triple.value"))
    assert found == ["test_gate.py::proves: proves 'triple.value', which no page has"]


@pytest.mark.parametrize("dead", ["double.value", "toys-tumble"])
def test_retired_id_is_not_used_again(problems, dead):
    found = problems(proof(), retired=f'["{dead}"]\nreason = "gone"\n')
    assert [f"{dead} is retired; ids are never used again" in f for f in found] == [True]


def test_retired_id_needs_a_reason(problems):
    assert problems(proof(), retired='["old.id"]\n') == ["spec/retired.toml: old.id has no reason; say why"]


def test_experiment_that_cites_an_unlisted_statement(problems):
    found = problems(proof(), source="")
    assert found == ["spec/source.toml: experiment cites A.1, which is not listed"]


@pytest.mark.parametrize(("kind", "word"), [("clauses", "clause"), ("experiments", "experiment")])
def test_source_that_names_what_does_not_exist(problems, kind, word):
    found = problems(proof(), source=SOURCE + f'["A.2"]\npage = "toys"\n{kind} = ["nobody.knows"]\n')
    assert found == [f"spec/source.toml: A.2 names no {word}: nobody.knows"]


def test_statement_of_an_open_page_leads_somewhere(problems):
    found = problems(proof(), source=SOURCE + '["A.2"]\npage = "toys, games"\n')
    assert found == ["spec/source.toml: A.2 leads nowhere though its page is open; name a clause or experiment"]


def test_statement_of_a_page_to_come_is_planned(suite_of):
    made = suite_of(PAGE.format(level="MUST"), proof(), source=SOURCE + '["A.2"]\npage = "games"\n')
    assert (gate.check(made), gate.planned(made.spec)) == ([], ["A.2"])


def test_reference_to_an_unknown_clause_is_named_with_its_line(problems):
    found = problems(proof(), page="\nSee [double.vlaue][].\n")
    assert found == ["spec/toys.md:17: no clause 'double.vlaue'"]


def test_the_project_itself_is_in_step(suite):
    assert gate.check(suite) == []
