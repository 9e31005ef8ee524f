"""The parser of the specification: what it reads, and every error with file, line and the likely fix."""

from pathlib import Path

import pytest

from nnspec_conformance.blocks import OPTIONS
from nnspec_conformance.clauses import as_dict, load_spec
from nnspec_conformance.errors import SpecError

GOOD = """\
# Toys

/// clause | double.value
    kind: exact
    source: somebody 2020

`double` **MUST** be twice its input.
///

/// clause | toy.nan
    kind: exact
    applies-to: [double, half]

NaN **MUST NOT** vanish.
///

/// clause | half.rounding
    kind: value
    definition: even
    variants:
      even: ties to even
      up: ties up

`half` **SHOULD** round.
///

/// clause | half.step
    kind: default
    default: 0.5
    candidates: [0.5, 1.0]
    operation: half

Without `step` it **MAY** be one half.
///

/// experiment | toys-tumble
    measure: how often
    predicted: always
    expect:
      share: [0.5, 1]
      tumbles: 14
      time: [0.5, .inf]
    holds:
      share: [1.0e-3, 1e0]
    unless:
      pushed:
        share of the unpushed: [0, 0.1]
    short:
      share: [0, 1]
    seeds: 20
    proves: A.1

Toys tumble.
///
"""


@pytest.fixture
def good(spec_of):
    return spec_of(GOOD)


def test_clauses_are_read_in_the_order_of_the_page(good):
    assert list(good.clauses) == ["double.value", "toy.nan", "half.rounding", "half.step"]


@pytest.mark.parametrize(
    ("clause", "level"),
    [("double.value", "MUST"), ("toy.nan", "MUST NOT"), ("half.rounding", "SHOULD"), ("half.step", "MAY")],
)
def test_level_is_the_bold_word(good, clause, level):
    assert good.clauses[clause].level == level


def test_family_has_an_instance_for_each_operation(good):
    assert good.clauses["toy.nan"].instances == ("toy.nan[double]", "toy.nan[half]")


def test_single_clause_is_about_the_operation_of_its_id(good):
    assert good.clauses["double.value"].operations == ("double",)


def test_operation_can_be_stated(good):
    assert good.clauses["half.step"].operation == "half"


def test_keyword_is_the_last_part_of_the_id(good):
    assert good.clauses["half.rounding"].keyword == "rounding"


def test_line_is_where_the_block_starts(good):
    assert good.clauses["toy.nan"].line == 10


def test_title_is_the_first_heading(good):
    assert good.pages["toys"].title == "Toys"


def test_governing_clauses_are_those_with_variants(good):
    assert [c.id for c in good.governing("half")] == ["half.rounding"]


def test_experiment_says_which_statement_it_proves(good):
    assert good.experiments["toys-tumble"].proves == ("A.1",)


def test_experiment_states_its_numbers(good):
    from nnspec_conformance.intervals import Interval

    found = good.experiments["toys-tumble"]
    assert found.expect == {"share": Interval(0.5, 1), "tumbles": Interval(14, 14), "time": Interval(0.5, float("inf"))}
    assert found.holds == {"share": Interval(0.001, 1)}
    assert found.unless == {"pushed": {"share of the unpushed": Interval(0, 0.1)}}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("share: [0.5, 1]", "share: [0.4, 1]"),
        ("share: [1.0e-3, 1e0]", "share: [0.2, 1]"),
        ("[0, 0.1]", "[0, 0.2]"),
        ("pushed:", "pulled:"),
        ("predicted: always", "predicted: often"),
        ("Toys tumble.", "Some toys tumble."),
    ],
)
def test_hash_of_a_prediction_changes_with_all_that_could_be_bent(good, spec_of, old, new):
    bent = spec_of(GOOD.replace(old, new)).experiments["toys-tumble"]
    assert bent.prediction_hash != good.experiments["toys-tumble"].prediction_hash
    assert bent.text_hash != good.experiments["toys-tumble"].text_hash


@pytest.mark.parametrize(("old", "new"), [("measure: how often", "measure: how soon"), ("share: [0, 1]", "share: 1")])
def test_hash_of_a_prediction_is_of_nothing_else(good, spec_of, old, new):
    found = spec_of(GOOD.replace(old, new)).experiments["toys-tumble"]
    assert found.prediction_hash == good.experiments["toys-tumble"].prediction_hash
    assert (found.text_hash == good.experiments["toys-tumble"].text_hash) == old.startswith("share")


def test_a_proof_may_be_of_several_statements(spec_of):
    made = spec_of(GOOD.replace("kind: value", "kind: value\n    proves: [A.1, B.2]"))
    assert {name: [proof.id for proof in found] for name, found in made.proofs().items()} == {
        "A.1": ["half.rounding", "toys-tumble"],
        "B.2": ["half.rounding"],
    }


def test_clause_as_data_has_its_instances_and_hash(good):
    data = as_dict(good.clauses["toy.nan"])
    assert (data["instances"][0], data["text_hash"]) == ("toy.nan[double]", good.clauses["toy.nan"].text_hash)


def test_hash_ignores_line_breaks(good, spec_of):
    rewrapped = spec_of(GOOD.replace("be twice its input", "be\ntwice its input"))
    assert rewrapped.clauses["double.value"].text_hash == good.clauses["double.value"].text_hash


@pytest.mark.parametrize(
    ("old", "new", "clause"),
    [
        ("twice its input", "thrice its input", "double.value"),
        ("**MUST** be twice", "**SHOULD** be twice", "double.value"),
        ("ties up", "ties down", "half.rounding"),
        ("definition: even", "definition: up", "half.rounding"),
        ("default: 0.5", "default: 1.0", "half.step"),
    ],
)
def test_hash_changes_with_what_is_asked(good, spec_of, old, new, clause):
    assert spec_of(GOOD.replace(old, new)).clauses[clause].text_hash != good.clauses[clause].text_hash


def test_blocks_in_fenced_code_are_examples(spec_of):
    page = "# T\n\n````\n```\n/// clause | nonsense\n```\n````\n\n~~~\n/// oops | x\n~~~\n"
    assert spec_of(page).blocks == []


def test_retired_table_is_read(spec_of):
    assert spec_of(GOOD, retired='["old.id"]\nreason = "gone"\n').retired == {"old.id": {"reason": "gone"}}


def block(options: str, text: str = "It **MUST** hold.", head: str = "clause | toy.value") -> str:
    indented = "\n".join(f"    {line}" for line in options.splitlines())
    return f"# Toys\n\n/// {head}\n{indented}\n\n{text}\n///\n"


def experiment(expect: str) -> str:
    options = f"measure: m\npredicted: p\nproves: A\nholds: {{share: 1}}\nshort: {{share: 1}}\nexpect: {expect}"
    return block(options, "T.", "experiment | e")


BROKEN = {
    "unknown block": (block("kind: exact", head="clouse | toy.value"), 3, "unknown block 'clouse'; use one of clause"),
    "unknown option": (block("kind: exact\ncolour: red"), 5, "unknown option 'colour' of block 'clause'; known: "),
    "unknown option of figure": (block("alt: a\nsrc: b", head="figure | x"), 5, "unknown option 'src' of block 'fig"),
    "option of a block without": (block("a: b", head="matrix | all"), 4, "unknown option 'a' of block 'matrix'; known"),
    "no end": ("# T\n\n/// clause | toy.value\n    kind: exact\n\nIt **MUST** hold.\n", 3, "does not end; add a line"),
    "next block first": (
        "/// clause | toy.value\n    kind: exact\n\nIt **MUST**.\n/// matrix | all\n///\n", 1, "does not end; add a",
    ),
    "end without start": ("# T\n\n///\n", 3, "a block ends here that never started; remove the line"),
    "indented block": ("# T\n\n- item\n  /// clause | toy.value\n", 4, "an indented block is printed as text; start"),
    "open fence": ("# T\n\n```python\ncode\n", 3, "code that starts here does not end; add a line with ```"),
    "bad YAML": (block("kind: exact\nsource: a: b"), 5, "are not YAML; quote a value that holds ': '"),
    "option twice": (block("kind: exact\nkind: value"), 5, "options of 'toy.value': 'kind' stands twice; keep one"),
    "reading twice": (block("kind: exact\nvariants: {a: x, a: y}"), 5, "'a' stands twice; keep one"),
    "options no mapping": (block("- kind"), 4, "must be 'name: value' lines, indented by four"),
    "options too far left": ("/// clause | toy.value\n  kind: exact\n\nIt **MUST**.\n///\n", 2, "indent them by four"),
    "no blank line": ("/// clause | toy.value\n    kind: exact\nIt **MUST**.\n///\n", 3, "put a blank line between"),
    "id without aspect": (block("kind: exact", head="clause | toy"), 3, "'toy' is not of the form topic.aspect"),
    "id with capitals": (block("kind: exact", head="clause | Toy.value"), 3, "is not of the form topic.aspect"),
    "no id": (block("kind: exact", head="clause"), 3, "clause id '' is not of the form"),
    "no kind": (block("source: me"), 3, "has kind 'None'; use one of exact, value"),
    "unknown kind": (block("kind: exakt"), 3, "has kind 'exakt'; use one of exact"),
    "no level": (block("kind: exact", "It must hold."), 3, "has 0 bold level words []; write exactly one of MUST NOT"),
    "two levels": (block("kind: exact", "It **MUST** and **SHOULD**."), 3, "has 2 bold level words ['MUST', 'SHOULD']"),
    "foreign level": (block("kind: exact", "It **SHALL** hold."), 3, "has 1 bold level words ['SHALL']; write exactly"),
    "bare level": (block("kind: exact", "It **MUST** and MUST."), 3, "has a level word that is not bold"),
    "definition unknown": (block("kind: exact\ndefinition: c\nvariants: {a: x, b: y}"), 3, "definition 'c' is none of"),
    "definition missing": (block("kind: exact\nvariants: {a: x, b: y}"), 3, "definition 'None' is none of its"),
    "definition alone": (block("kind: exact\ndefinition: a"), 3, "has a definition but no variants; list its readings"),
    "variants no mapping": (block("kind: exact\nvariants: [a, b]"), 3, "option 'variants' is no dict; write {a: ."),
    "operations no list": (block("kind: exact\napplies-to: 4"), 3, "option 'applies-to' is no list; write [relu,"),
    "family of nobody": (block("kind: exact\napplies-to: relu"), 3, "no operation is of the family 'relu'; write"),
    "candidates no list": (block("kind: default\ndefault: 1\ncandidates: 1"), 3, "option 'candidates' is no list"),
    "no default": (block("kind: default\ncandidates: [1]"), 3, "of kind default lacks the option 'default'; add it"),
    "default no candidate": (block("kind: default\ndefault: 2\ncandidates: [1]"), 3, "none of its candidates; list it"),
    "proves no text": (block("kind: exact\nproves: [4.1]"), 3, "'proves' is [4.1]; write A.4.1 or [A.4.1, A.5]"),
    "duplicate id": (block("kind: exact") * 2, 10, "duplicate id toy.value, first at toys.md:3; ids are unique"),
    "experiment without measure": (
        block("predicted: p\nproves: A", "T.", "experiment | e"), 3, "lacks the option 'measure'; add it before",
    ),
    "experiment without prediction": (
        block("measure: m\nproves: A", "T.", "experiment | e"), 3, "lacks the option 'predicted'; add it before",
    ),
    "experiment without source": (
        experiment("{share: 1}").replace("proves: A", "seeds: 3"), 3, "lacks the option 'proves'; add it before",
    ),
    "experiment of unknown kind": (
        experiment("{share: 1}\nkind: guess"), 3, "has kind 'guess'",
    ),
    "experiment without numbers": (
        block("measure: m\npredicted: p\nproves: A", "T.", "experiment | e"), 3, "lacks the option 'expect'; add it",
    ),
    "experiment whose interval is reversed": (
        experiment("{share: [0.5, 0.4]}"), 3, "experiment e, 'expect', share: the interval [0.5, 0.4] is reversed",
    ),
    "experiment whose interval is none": (
        experiment("{share: about half}"), 3, "'about half' is no interval; write [0.45, 0.55], [0.5, .inf] or 14",
    ),
    "experiment with seeds that are no count": (experiment("{share: 1}\nseeds: many"), 3, "'seeds' is 'many'; write a"),
    "experiment with three bounds": (experiment("{share: [0, 1, 2]}"), 3, "[0, 1, 2] is no interval; write [0.45, "),
    "experiment with a bound that is no number": (experiment("{share: [.nan, 1]}"), 3, "is reversed; write the"),
    "experiment whose numbers have no names": (
        experiment("[0.5, 1]"), 3, "experiment e: 'expect' is no mapping; write lines 'name: [low, high]'",
    ),
    "experiment whose conditions have no numbers": (
        experiment("{share: 1}\nunless: it rains"), 3, "experiment e: 'unless' is no mapping; write a condition and",
    ),
    "experiment id": (block("measure: m", "T.", "experiment | E 1"), 3, "experiment id 'E 1' is not lower case"),
    "duplicate experiment": (
        experiment("{share: 1}") * 2, 15, "duplicate id e, first at",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_broken_page_is_refused_in_one_line_that_names_file_line_and_fix(tmp_path, name):
    page, line, words = BROKEN[name]
    (tmp_path / "toys.md").write_text(page, encoding="utf-8")

    with pytest.raises(SpecError) as caught:
        load_spec(tmp_path)

    assert str(caught.value).startswith(f"{tmp_path / 'toys.md'}:{line}: ")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_page_that_is_not_utf_8_is_refused_at_its_line(tmp_path):
    (tmp_path / "toys.md").write_bytes(b"# Toys\n\nna\xefve\n")
    with pytest.raises(SpecError, match=r"toys\.md:3: byte 0xef is not UTF-8; save the file as UTF-8"):
        load_spec(tmp_path)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ('["a.b"]\nreason = \n', 2, "not TOML"),
        ('# comment\n"a.b" = "reason"\n', 2, "'a.b' is no table; write it under a heading"),
    ],
)
def test_broken_table_is_refused_at_its_line(spec_of, text, line, words):
    with pytest.raises(SpecError, match=rf"untestable\.toml:{line}: .*{words}"):
        spec_of(GOOD, untestable=text)


def test_package_without_a_specification_says_reinstall(tmp_path, monkeypatch):
    monkeypatch.setattr("nnspec_conformance.clauses.__file__", str(tmp_path / "a" / "b" / "clauses.py"))
    with pytest.raises(SpecError, match="no specification beside this package; reinstall nnspec"):
        load_spec()


def test_contributing_tells_every_option_of_a_clause_and_every_block():
    told = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert {option for option in OPTIONS["clause"] if f"`{option}`" not in told} == set()
    assert {block for block in OPTIONS if f"`{block}`" not in told and f"/// {block} |" not in told} == set()
