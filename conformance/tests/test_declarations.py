"""Blocks that declare an operation wrongly: one line each, with file and line."""

import re
from pathlib import Path

import pytest

from nnspec_conformance.blocks import OPTIONS
from nnspec_conformance.declarations import ARRAY_OPTIONS, ATTRIBUTE_OPTIONS, TABLE_OPTIONS
from nnspec_conformance.errors import SpecError
from nnspec_conformance.operations import FORMS, KINDS
from nnspec_conformance.signatures import signature

TOY = """\
# Toys

/// operation | toy
    form: map
    arrays:
      x: "*batch in"
    result: "*batch in"
    attributes:
      rate: {kind: number, range: "(0, 1)", values: [0.5], required: true}

What a toy does.
///
"""
RATE = '{kind: number, range: "(0, 1)", values: [0.5], required: true}'
BROKEN = {
    "name": ("operation | toy", "operation | Toy", "'Toy' is no name in lower case with underscores"),
    "form": ("form: map", "form: mop", "toy: unknown form 'mop'; use one of map, state map, random map"),
    "no form": ("    form: map\n", "", "unknown form 'None'; use one of"),
    "family": ("form: map", "form: map\n    family: [a, b]", "is no name in lower case with underscores; write opt"),
    "no sentence": ("What a toy does.", "", "has no description; write one sentence"),
    "no result": ('    result: "*batch in"\n', "", "of form 'map' lacks the option 'result'"),
    "option of another form": ('    result: "*', '    state: {h: in}\n    result: "*', "unknown option 'state' of"),
    "stepper without params": (TOY, TOY.replace("form: map", "form: stepper").replace("    arrays:\n", "").replace(
        '      x: "*batch in"\n    result: "*batch in"\n', ""), "of form 'stepper' lacks the option 'params'"),
    "unknown axis of the result": ('result: "*batch in"', 'result: "*batch inn"', "unknown axis 'inn'; known: batch"),
    "unknown axis in arithmetic": ('result: "*batch in"', 'result: "*batch 2*out"', "has the unknown axis 'out'"),
    "unknown axis of a range": (
        'x: "*batch in"', 'x: {axes: "*batch in", range: "[0, classes)"}', "has the unknown axis 'classes'",
    ),
    "unknown axis of a sum": ('x: "*batch in"', 'x: {axes: "*batch in", normalized: out}', "the unknown axis 'out'"),
    "unknown axis of examples": ("    attributes:", "    examples: [row]\n    attributes:", "the unknown axis 'row'"),
    "unknown index": ('x: "*batch in"', 'x: "*batch n{l}"\n      y: in', "'{l}' has the unknown index 'l'; add it to"),
    "one axis and many": ('x: "*batch in"', 'x: "*batch in"\n      y: batch', "'batch' is one axis in one place and"),
    "unstated argument": ('x: "*batch in"', 'x: "*batch in ?"', "argument 'x' has an axis '?'"),
    "no axes": ('x: "*batch in"', 'x: {dtype: float}', "array 'x' has no axes; write them as text"),
    "scalar not quoted": ('x: "*batch in"', 'x: "*batch in"\n      b:', "array 'b' has no axes; write them as text"),
    "dtype": ('x: "*batch in"', 'x: {axes: "*batch in", dtype: int}', "has dtype 'int'; use one of float, integer, b"),
    "option of an array": ('x: "*batch in"', 'x: {axis: "*batch in"}', "unknown option 'axis' of array 'x'; known: ax"),
    "optional first": ('x: "*batch in"', 'x: {axes: "*batch in", optional: true}\n      y: in', "optional ones last"),
    "empty table": ('x: "*batch in"', 'x: "*batch in"\n      w: {table: {}}', "table 'w' has no arrays"),
    "layouts without chooser": (
        'x: "*batch in"', 'x: "*batch in"\n      w: {layouts: {a: {k: in}}}', "needs either 'table', or 'layouts' and",
    ),
    "layouts of no keyword": (
        'x: "*batch in"', 'x: "*batch in"\n      w: {by: kind, layouts: {a: {k: in}}}', "not the values of an attribu",
    ),
    "arrays no mapping": ('arrays:\n      x: "*batch in"', "arrays: [x]", "option 'arrays' is no mapping"),
    "examples no list": ("    attributes:", "    examples: batch\n    attributes:", "option 'examples' is no list"),
    "attribute kind": ("kind: number", "kind: float", "attribute 'rate' has kind 'float'; use one of number, integer"),
    "attribute no mapping": (RATE, "0.5", "attribute 'rate' is no mapping; write {kind: number"),
    "multiples of no axis": ("    attributes:", "    multiples: {heads: 2}\n    attributes:", "unknown axis 'heads'"),
    "multiples of one": ("    attributes:", "    multiples: {in: 1}\n    attributes:", "'in' is no multiple of 1"),
    "seed no number": ("    attributes:", "    seed: no\n    attributes:", "seed is False; write a whole number"),
    "option of an attribute": ("required: true", "needed: true", "unknown option 'needed' of attribute 'rate'"),
    "no tested value": ("values: [0.5], ", "", "needs one of 'values', 'readings' and 'operations'"),
    "no range": ('range: "(0, 1)", ', "", "of kind number has no range; write for instance '(0, inf)'"),
    "range": ('"(0, 1)"', '"0 to 1"', "'0 to 1' is no range; write for instance '(0, inf)' or '[0, 1)'"),
    "value outside": ("[0.5]", "[0.5, 1.0]", "tested value 1.0 is outside its range (0, 1)"),
    "value as text": ("[0.5]", "[1e-3]", "tested value '1e-3' is no number; YAML reads 1e-3 as text, write 1.0e-3"),
    "default outside": ("required: true", "default: 2.0", "default 2.0 is outside its range (0, 1)"),
    "neither required nor default": (", required: true", "", "is neither required nor has a default"),
    "required with default": ("required: true", "required: true, default: 0.5", "is required and has a default"),
    "each step of a map": ("required: true", "required: true, each-step: true", "only a stepper has steps"),
    "rare without readings": ("required: true", "required: true, rare: true", "has no readings of which most inputs"),
    "spares without readings": ("required: true", "required: true, spares: {a: x}", "no readings that could spare"),
    "spares no mapping": ("required: true", "required: true, spares: x", "'spares' is no mapping; write {broadcast:"),
    "spares no array": (RATE, "{kind: choice, readings: toy.form, spares: {a: y}}", "'y', which is no array of"),
    "translated number": ("required: true", "required: true, translated: true", "'rate' is no choice; take 'readings'"),
    "unknown clause": (RATE, "{kind: choice, readings: toy.form}", "'toy.form' is no clause with readings"),
    "unknown family": (RATE, "{kind: choice, operations: toy.form}", "'toy.form' is no clause with operations"),
    "condition below": ("required: true", "required: true, when: {kind: a}", "depends on 'kind', which is no attr"),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_wrong_declaration_is_one_line_with_its_place(spec_of, case):
    old, new, problem = BROKEN[case]
    assert old in TOY
    with pytest.raises(SpecError) as caught:
        spec_of(TOY.replace(old, new, 1))
    assert "toys.md:3: " in str(caught.value)
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)


def test_only_a_reading_can_spare_an_array(spec_of):
    clause = """
/// clause | toy.form
    kind: error
    operation: toy
    definition: refused
    variants: {refused: an error, taken: what it gives}
    why: One of them is what you mean.

It **MUST** be treated as declared.
///
"""
    given = "{kind: choice, readings: toy.form, spares: {took: x}}"
    with pytest.raises(SpecError, match=r"spares an array where it is 'took', which is no reading of toy\.form"):
        spec_of(TOY.replace(RATE, given).replace("rate:", "form:") + clause)


def test_a_default_is_stated_once(spec_of):
    clause = (
        "\n/// clause | toy.rate\n    kind: default\n    default: 0.5\n    candidates: [0.5]\n\nIt **SHOULD**.\n///\n"
    )
    with pytest.raises(SpecError, match=r"'rate': a clause states its default, 0\.5; take 'default' or 'required' out"):
        spec_of(TOY + clause)


def test_a_condition_names_a_choice_that_there_is(spec_of):
    page = TOY.replace(
        "    attributes:\n", "    attributes:\n      layer: {kind: choice, values: [a, b], required: true}\n"
    ).replace("required: true}\n\n", "required: true, when: {layer: c}}\n\n")
    with pytest.raises(SpecError, match="'rate': its condition layer = 'c' is none of a, b"):
        spec_of(page)


def test_an_operation_is_declared_once(spec_of):
    with pytest.raises(SpecError, match=r"duplicate id toy, first at toys\.md:3; ids are unique"):
        spec_of(TOY + TOY)


def test_a_keyword_of_one_choice_brings_that_choice_along(spec_of):
    page = TOY.replace(
        "    attributes:\n",
        "    attributes:\n"
        "      layer: {kind: choice, values: [a, b], required: true}\n"
        '      width: {kind: integer, range: "[1, inf)", values: [4], required: true, when: {layer: b}}\n',
    )
    settings = [{k: v for k, v in s.items() if k != "rate"} for s in spec_of(page).operations["toy"].settings()]
    assert settings[:2] == [{"layer": "a"}, {"layer": "b", "width": 4}]


def test_a_clause_on_a_family_applies_to_whatever_says_that_it_is_of_it(spec_of):
    clause = "\n/// clause | toys.shape\n    kind: shape\n    applies-to: toys\n\nIt **MUST** hold.\n///\n"
    member = TOY.replace("form: map", "form: map\n    family: toys")
    made = spec_of(clause + member + member.replace("| toy", "| doll") + TOY.replace("| toy", "| ball"))
    assert made.clauses["toys.shape"].instances == ("toys.shape[toy]", "toys.shape[doll]")


GUIDE = (Path(__file__).resolve().parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "option", sorted({*OPTIONS["operation"], *ARRAY_OPTIONS, *TABLE_OPTIONS, *ATTRIBUTE_OPTIONS, *KINDS, *FORMS})
)
def test_every_option_is_told(option):
    told = GUIDE.split("## Declare an operation")[1].split("\n## ")[0]
    assert re.search(rf"[`{{ ]{option}[`:]", told)


def test_the_example_that_is_told_is_right(spec_of):
    example = GUIDE.split("## Declare an operation")[1].split("```")[1]
    assert signature(spec_of(f"# Toys\n{example}").operations["dense"]) == "dense(x, kernel, bias)"
