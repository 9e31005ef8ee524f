"""Holes: which conditions a question meets, whether the list is what was found, and that a wrong condition is seen."""

from __future__ import annotations

import numpy as np
import pytest

from nnspec_conformance.clauses import own_spec
from nnspec_conformance.cli import main
from nnspec_conformance.errors import HarnessError
from nnspec_conformance.holes import command, table
from nnspec_conformance.holes.conditions import Question, met, pair, possible
from nnspec_conformance.holes.recorder import expected, recorded
from nnspec_conformance.holes.table import Hole
from nnspec_conformance.holes.wrong import is_caught, wrong_under
from nnspec_conformance.layouts import transposed
from nnspec_conformance.mutant import ORACLE
from nnspec_conformance.suite_loader import load_suite

SPEC = own_spec()


def ones(*shape: int, dtype: str = "float32") -> np.ndarray:
    return np.ones(shape, dtype)


def asked(operation: str, *arrays: object, **told: object) -> set[str]:
    return met(Question(SPEC.operations[operation], arrays, told))


# ---- what a question meets

DENSE = (ones(5, 3), ones(3, 4), ones(4))
NETWORK = {"kernel_0": ones(3, 3), "bias_0": ones(3), "kernel_1": ones(3, 1), "bias_1": ones(1)}
MEETS = {
    "float64": ("relu", (ones(4, dtype="float64"),), {}),
    "float32, an array of no multiple of 8 entries": ("relu", (ones(9),), {}),
    "float32, an array of a multiple of 8 entries": ("relu", (ones(2, 8),), {}),
    "out = 1": ("dense", (ones(5, 3), ones(3, 1), ones(1)), {}),
    "in > 16": ("dense", (ones(5, 17), ones(17, 4), ones(4)), {}),
    "in = out": ("dense", (ones(5, 3), ones(3, 3), ones(3)), {}),
    "batch = in": ("dense", (ones(3, 3), ones(3, 4), ones(4)), {}),
    "batch: no axis": ("dense", (ones(3), ones(3, 4), ones(4)), {}),
    "batch: two axes": ("dense", (ones(5, 2, 3), ones(3, 4), ones(4)), {}),
    "batch: 1 entries": ("dense", (ones(1, 3), ones(3, 4), ones(4)), {}),
    "batch: > 64 entries": ("dense", (ones(5, 13, 3), ones(3, 4), ones(4)), {}),
    "kernel not contiguous": ("dense", (ones(5, 3), transposed(ones(3, 4)), ones(4)), {}),
    "layers = 2": ("mlp", (ones(5, 3), NETWORK), {"activation": "tanh"}),
    "n{last} = 1": ("mlp", (ones(5, 3), NETWORK), {"activation": "tanh"}),
    "n{0} = n{inner}": ("mlp", (ones(5, 3), NETWORK), {"activation": "tanh"}),
    "activation = tanh": ("mlp", (ones(5, 3), NETWORK), {"activation": "tanh"}),
    "NaN in kernel_{}": ("mlp", (ones(5, 3), NETWORK | {"kernel_0": np.nan * ones(3, 3)}), {"activation": "tanh"}),
    "infinity in bias": ("dense", (*DENSE[:2], np.inf * ones(4)), {}),
    "zero in x": ("dense", (0 * DENSE[0], *DENSE[1:]), {}),
    "negative_slope left out": ("leaky_relu", (ones(4),), {}),
    "negative_slope zero": ("leaky_relu", (ones(4),), {"negative_slope": 0.0}),
    "negative_slope negative": ("leaky_relu", (ones(4),), {"negative_slope": -0.5}),
    "negative_slope large": ("leaky_relu", (ones(4),), {"negative_slope": 20.0}),
    "form = tanh": ("gelu", (ones(4),), {"form": "tanh"}),
    "with sample_weights": ("huber", (ones(4), ones(4), ones(4)), {}),
    "without sample_weights": ("huber", (ones(4), ones(4)), {}),
    pair("reduction = sum", "with sample_weights"): ("huber", (ones(4), ones(4), ones(4)), {"reduction": "sum"}),
}  # fmt: skip


@pytest.mark.parametrize("condition", MEETS)
def test_question_meets_the_condition(condition):
    operation, arrays, told = MEETS[condition]
    assert condition in asked(operation, *arrays, **told)


@pytest.mark.parametrize("condition", MEETS)
def test_condition_is_one_of_the_operation(condition):
    operation = SPEC.operations[MEETS[condition][0]]
    assert condition in possible(operation, "value", [("form", "tanh")])


OTHERS = ("out = 1", "in > 16", "in = out", "batch = in", "batch: no axis", "batch: two axes", "kernel not contiguous")


@pytest.mark.parametrize("condition", OTHERS)
def test_plain_question_does_not_meet_it(condition):
    assert condition not in asked("dense", *DENSE)


def test_steps_meet_ranks_and_counts():
    operation = SPEC.operations["momentum"]
    params = {"a": ones(2, 3, 4), "b": ones()}
    found = met(Question(operation, (params,), {"learning_rate": 0.1}, grads=[params] * 12, rates=[None, 0.5]))
    assert {
        "a parameter of three axes or more",
        "a parameter of no axis",
        "more than 10 steps",
        "another rate",
    } <= found


def test_answer_of_zeros_tells_only_of_its_contents():
    question = Question(SPEC.operations["relu"], (-0.0 * ones(9),), {}, telling=False)
    assert met(question) == {"zero in x"}


def test_choice_beside_one_that_excludes_it_is_no_condition():
    found = possible(SPEC.operations["parameter_count"], "value", [])
    assert pair("layer = gru", "use_scale = True") not in found


# ---- the list

HOLE = Hole("full", "value", "float16", "dense")
PAGE = "components/layers"


@pytest.fixture
def lists(tmp_path, monkeypatch):
    monkeypatch.setattr(table, "LISTS", tmp_path)
    monkeypatch.setattr(table, "common_reasons", lambda: {"lean": table.Reason("lean", "it is dear", plan="lean")})
    return tmp_path


def test_list_is_read_as_it_was_written(lists):
    long = "for a reason that is told at length, " * 8
    holes = {HOLE: "no reason but this", HOLE._replace(condition="in > 16"): long, HOLE._replace(plan="lean"): "lean"}
    table.write_list(holes, table.listed(PAGE))
    found = table.read_list(table.listed(PAGE))
    assert {hole: " ".join(reason.split()) for hole, reason in found.items()} == {
        hole: " ".join(reason.split()) for hole, reason in holes.items()
    }


def test_list_that_agrees_is_in_step(lists):
    table.write_list({HOLE: "no reason but this"}, table.listed(PAGE))
    assert list(table.problems(PAGE, {HOLE})) == []


def test_hole_that_is_not_listed_is_refused(lists):
    table.write_list({HOLE: "no reason but this"}, table.listed(PAGE))
    (problem,) = table.problems(PAGE, {HOLE, HOLE._replace(condition="in > 16")})
    assert "the full plan compares no value of dense with 'in > 16'; ask it, or list it" in problem


def test_hole_that_is_closed_is_refused(lists):
    table.write_list({HOLE: "no reason but this"}, table.listed(PAGE))
    (problem,) = table.problems(PAGE, set())
    assert problem.startswith("layers.toml: it is asked now: the full plan compares no value of dense with 'float16'")


@pytest.mark.parametrize(("reason", "said"), [("", "no reason"), ("unheard", "the reason 'unheard'")])
def test_hole_without_a_reason_is_refused(lists, reason, said):
    table.write_list({HOLE: reason}, table.listed(PAGE))
    (problem,) = table.problems(PAGE, {HOLE})
    assert f"1 holes of {PAGE} have {said}" in problem


def test_new_holes_get_a_common_reason_and_old_ones_keep_theirs(lists):
    table.write_list({HOLE: "no reason but this"}, table.listed(PAGE))
    lean, other = HOLE._replace(plan="lean", condition="in > 16"), HOLE._replace(condition="in = 1")
    found = table.merged(PAGE, [(HOLE, "dtype"), (lean, "length"), (other, "length")], add=True)
    assert found == {HOLE: "no reason but this", lean: "lean", other: ""}


def test_file_that_is_no_list_is_one_line(lists):
    table.listed(PAGE).parent.mkdir(parents=True)
    table.listed(PAGE).write_text("[[holes]]\nreason = 1\n")
    (problem,) = table.problems(PAGE, {HOLE})
    assert "layers.toml: no list of holes" in problem


def test_hole_that_stands_there_twice_is_refused(lists):
    table.listed(PAGE).parent.mkdir(parents=True)
    entry = '[[holes]]\nreason = "so it is"\nplan = "full"\nwhat = "value"\n[holes.open]\n"float16" = "dense dense"\n'
    table.listed(PAGE).write_text(entry)
    with pytest.raises(HarnessError, match="twice"):
        table.read_list(table.listed(PAGE))


def test_record_is_read_as_it_was_written(tmp_path):
    holes = {HOLE, HOLE._replace(plan="lean", condition="in > 16"), HOLE._replace(operation="mlp")}
    table.write_record(holes, 99, "0123", tmp_path / "layers.json")
    assert table.read_record(tmp_path / "layers.json") == ("0123", 99, holes)


def test_every_common_reason_is_one_of_some_hole():
    used = {reason for path in table.LISTS.glob("*/**/*.toml") for reason in table.read_list(path).values()}
    assert set(table.common_reasons()) <= used


# ---- the command


@pytest.fixture
def looked(lists, monkeypatch, tmp_path):
    """The command, as if one hole were found in whatever topic is asked for."""
    monkeypatch.setattr(command, "look", lambda suite, page: (9, {HOLE: "dtype"}))
    monkeypatch.setattr(command, "record_of", lambda page: tmp_path / "record.json")
    return lambda *more: main(["holes", PAGE, *more])


def test_command_names_a_hole_that_is_not_listed(looked, capsys):
    assert looked() == 1
    assert "the full plan compares no value of dense with 'float16'" in capsys.readouterr().err


def test_command_keeps_the_list_and_the_record(looked, capsys, lists):
    table.write_list({HOLE: "no reason but this"}, table.listed(PAGE))
    assert looked("--record") == 0
    assert table.read_record(lists / "record.json")[1:] == (9, {HOLE})
    assert "9 conditions, 1 open, 0 more for a subject that compiles" in capsys.readouterr().out


def test_a_list_grows_only_where_it_is_told_to(looked, capsys):
    assert looked("--record") == 1
    assert "list it with a reason" in capsys.readouterr().err
    assert not table.read_list(table.listed(PAGE))
    looked("--add")
    assert {*table.read_list(table.listed(PAGE))} == {HOLE}


def test_record_that_is_current_is_not_made_again(looked, capsys):
    table.write_list({HOLE: "no reason but this"}, table.listed(PAGE))
    looked("--record")
    capsys.readouterr()
    assert looked("--if-stale") == 0
    assert capsys.readouterr().out == "the record of holes is current\n"


def test_record_of_other_files_is_made_again(looked, capsys, monkeypatch):
    table.write_list({HOLE: "no reason but this"}, table.listed(PAGE))
    looked("--record")
    monkeypatch.setattr(command, "inputs", lambda suite, page: "of others")
    capsys.readouterr()
    looked("--if-stale")
    assert "9 conditions" in capsys.readouterr().out


def test_topic_that_is_none_is_one_line(capsys):
    assert main(["holes", "components/layer"]) == 2
    assert capsys.readouterr().err.startswith(
        "nnspec: no topic 'components/layer' has operations; did you mean components/layers"
    )


def test_gate_names_a_topic_that_nobody_looked_at(monkeypatch, tmp_path):
    monkeypatch.setattr(table, "record_of", lambda page: tmp_path / "none.json")
    assert "components/layers: nobody looked for its holes" in "\n".join(table.out_of_step(load_suite()))


# ---- what is wrong under one condition is caught, or on the list

WEIGHTED = pair("reduction = sum", "with sample_weights")
WRONG = [
    ("dense", "value", "in = out"), ("dense", "value", "bias not contiguous"), ("dense", "value", "NaN in bias"),
    ("dense", "gradient", "batch: > 64 entries"), ("dense", "gradient", "zero in kernel"),
    ("dense", "gradient", "float16, an array of a multiple of 8 entries"),
    ("leaky_relu", "gradient", "negative_slope negative"), ("leaky_relu", "gradient", "negative_slope left out"),
    ("huber", "gradient", WEIGHTED), ("huber", "value", "delta large"), ("huber", "gradient", "batch: no axis"),
    ("euclidean_norm", "value", "n > 64"), ("embedding_lookup", "value", "batch: three axes or more"),
    ("elman_step", "value", "recurrent_kernel not contiguous"), ("elman_step", "gradient", "in > 64"),
    ("max_pool", "gradient", "channels = 1"),
]  # fmt: skip


@pytest.fixture(scope="module")
def suite():
    return load_suite()


@pytest.mark.parametrize(("operation", "what", "condition"), WRONG)
def test_wrong_under_one_condition_is_caught_or_listed(suite, operation, what, condition):
    subject = wrong_under(suite, operation, what, condition)
    hole = Hole("full", what, condition, operation)
    caught = is_caught(suite, subject, operation)
    assert condition in expected(suite, ORACLE, suite.spec.operations[operation])[what]
    assert caught != (hole in table.read_list(table.listed(suite.spec.operations[operation].page)))


def test_adapter_right_in_the_lean_plan_only_fails_in_the_full_one(suite):
    condition = "batch: no axis"
    path = table.listed("components/layers")
    assert Hole("lean", "gradient", condition, "dense") in table.read_list(path)
    assert not is_caught(suite, wrong_under(suite, "dense", "gradient", condition, lean=True), "dense")
    assert is_caught(suite, wrong_under(suite, "dense", "gradient", condition), "dense")


def test_conditions_are_recorded_where_numbers_are_compared_only(suite_of):
    found = recorded(load_suite(), ORACLE, "components/neurons", "lean")
    told = {(fact.operation, fact.what) for fact in found}
    assert ("neuron", "gradient") in told
    assert ("neuron", "value") in told
