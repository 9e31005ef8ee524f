"""The gate: every way in which specification, tests and tables can be out of step is one line that says what to do."""

from types import SimpleNamespace

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
    expect:
      share: [0.5, 1]
    holds:
      share: [0.1, 1]
    short:
      share: [0, 1]
    proves: A.1

Toys tumble.
///

/// operation | double
    form: map
    arrays: {{x: "*shape"}}
    result: "*shape"

Twice the input.
///
"""
SOURCE = '["A.1"]\npage = "toys"\n'


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


def test_proof_of_an_unlisted_statement_is_named_with_its_line(problems):
    found = problems(proof(), source="")
    assert found == ["spec/toys.md:9: toys-tumble proves A.1, which spec/source.toml does not list"]


def test_clause_says_which_statements_it_proves(suite_of):
    page = PAGE.format(level="MUST").replace("kind: exact", "kind: exact\n    proves: [A.2, A.3]")
    source = SOURCE + '["A.2"]\npage = "toys"\n["A.3"]\npage = "toys"\n'
    assert gate.check(suite_of(page, proof(), source=source)) == []


@pytest.mark.parametrize(
    ("pages", "opened"),
    [
        ("components/games, toys", "toys"),
        ("training/*", "training/adam"),
        ("training/adam", "training/adam"),
        ("architectures/convolutional", "architectures/convolutional/pooling"),
        ("architectures/*", "architectures/convolutional/index"),
    ],
)
def test_statement_needs_a_proof_once_a_page_of_its_name_folder_or_pattern_exists(spec_of, suite_of, pages, opened):
    root = spec_of("# Toys\n").root
    (root / opened).parent.mkdir(parents=True, exist_ok=True)
    (root / f"{opened}.md").write_text("# T\n", encoding="utf-8")
    made = suite_of("# Toys\n", source=f'["A.2"]\npage = "{pages}"\n')
    want = f"spec/source.toml: nothing proves A.2 though spec/{opened}.md is there; give a block 'proves: A.2'"
    assert gate.check(made) == [want]


@pytest.mark.parametrize("pages", ["components/games", "training/*, architectures/gan", "components/toys"])
def test_statement_of_pages_to_come_is_planned(suite_of, pages):
    made = suite_of(PAGE.format(level="MUST"), proof(), source=SOURCE + f'["A.2"]\npage = "{pages}"\n')
    assert (gate.check(made), gate.planned(made.spec)) == ([], ["A.2"])


@pytest.mark.parametrize("form", ["", "games", "trainings/adam", "training/Adam", "training/", "*", "training/*/adam"])
def test_statement_of_an_unknown_page_form(problems, form):
    found = problems(proof(), source=SOURCE + f'["A.2"]\npage = "{form}"\n')
    assert found == [f"spec/source.toml: A.2 names no page: '{form}'; write training/adam or training/*"]


def test_statement_names_no_clauses_of_its_own(problems):
    found = problems(proof(), source=SOURCE + 'clauses = ["double.value"]\n')
    assert found == ["spec/source.toml: A.1 has the unknown entry 'clauses'"]


@pytest.mark.parametrize("need", ["components/toyz", "toys"])
def test_page_that_needs_what_is_no_other_page(suite_of, need):
    page = f"---\nneeds: [{need}]\n---\n" + PAGE.format(level="MUST")
    found = gate.check(suite_of(page, proof(), source=SOURCE))
    assert found == [f"spec/toys.md: needs '{need}', which is no topic; write the name of another page"]


@pytest.mark.parametrize("link", ["[toys](toys.md)", "[toys][]", "[toys][double.value]"])
def test_first_sentence_without_a_link(suite_of, link):
    page = PAGE.format(level="MUST").replace("# Toys\n", f"# Toys\n\nWhat {link} are. See [toys](toys.md).\n")
    found = gate.check(suite_of(page, proof(), source=SOURCE))
    assert found == ["spec/toys.md: the first sentence holds a link, which an index cannot follow; move it down"]
    assert gate.check(suite_of(page.replace(link, "toys"), proof(), source=SOURCE)) == []


def test_reference_to_an_unknown_clause_is_named_with_its_line(problems):
    found = problems(proof(), page="\nSee [double.vlaue][].\n")
    assert found == ["spec/toys.md:31: no clause 'double.vlaue'"]


def test_family_concerns_declared_operations_only(problems):
    family = "\n/// clause | toys.nan\n    kind: exact\n    applies-to: [double, doubel]\n\nIt **MUST** be.\n///\n"
    assert problems(proof(), proof("toys.nan"), page=family) == [
        "spec/toys.md:31: toys.nan concerns the operation 'doubel', which no page declares; did you mean double?"
    ]


def test_clause_concerns_a_declared_operation(problems):
    single = "\n/// clause | toys.nan\n    kind: exact\n\nIt **MUST** be.\n///\n"
    assert problems(proof(), proof("toys.nan"), page=single) == [
        "spec/toys.md:31: toys.nan concerns the operation 'toys', which no page declares; "
        "declare it: /// operation | toys"
    ]


def test_declared_operation_has_a_clause(problems):
    declared = '\n/// operation | halve\n    form: random\n    result: "*shape"\n\nHalf of it.\n///\n'
    assert problems(proof(), page=declared) == [
        "spec/toys.md:31: operation halve has no clause; write one or take the block out"
    ]


def test_the_project_itself_is_in_step(suite):
    assert gate.check(suite) == []


EXERCISE = "\n/// exercise | which-input\n    mutant: {mutant}\n\nWhich?\n\n---\n\nThat.\n///\n"


@pytest.mark.parametrize(
    ("mutant", "found"),
    [
        ("halves", []),
        (
            "halvs",
            [
                "spec/toys.md:31: exercise which-input is made from 'halvs', which is no mutant; did you mean halves?",
            ],
        ),
    ],
)
def test_an_exercise_is_made_from_a_mutant_that_the_suite_has(suite_of, mutant, found):
    suite = suite_of(PAGE.format(level="MUST") + EXERCISE.format(mutant=mutant), proof(), source=SOURCE)
    suite.mutant_modules.append(SimpleNamespace(MUTANTS=[SimpleNamespace(name="halves")]))
    assert gate.check(suite) == found
