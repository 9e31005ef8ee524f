"""The file that the table of results asks: every clause and topic, everybody's outcomes, readings where they differ."""

from __future__ import annotations

from nnspec_site import differences


def told(data):
    """Rows in words: clause, operations, and the cells by subject."""
    content = differences.content(data)
    subjects = [name for name, *_ in content["subjects"]]
    rows = {}
    for clause, _, operations, cells, *readings in content["rows"]:
        names = tuple(content["operations"][at] for at in operations)
        rows[content["clauses"][clause][0], names] = dict(zip(subjects, cells, strict=True)), *readings
    return content, rows


def test_family_has_a_letter_for_each_operation_and_one_where_all_are_alike(data):
    _, rows = told(data)
    assert rows["act.nan", ("relu", "tanh")][0] == {"torch": "kp", "reference": "p"}


def test_readings_stand_beside_the_outcomes(data):
    content, rows = told(data)
    assert rows["gelu.form", ()] == ({"torch": "v", "reference": "p"}, ["tanh", "exact, tanh"])
    assert [name for name, *_ in content["subjects"]] == ["torch", "reference"]


def test_definition_is_told_where_there_are_readings(data):
    told = {name: usual for name, _, _, _, *usual in differences.content(data)["clauses"]}
    assert told == {"act.nan": [], "gelu.form": ["exact"], "leaky-relu.slope": ["0.01"]}


def test_every_outcome_has_a_letter_of_its_own(data):
    content = differences.content(data)
    assert len({*differences.LETTERS.values()}) == len(differences.LETTERS) == len(content["outcomes"])
    ranks = {name: rank for name, _, _, rank, _ in content["outcomes"].values()}
    assert ranks["fail"] < ranks["known failure"] < ranks["variant"] < ranks["pass"]


def test_clause_of_another_wording_is_stale_here_too(data):
    data.subjects["torch"]["results"]["gelu.form"]["text_hash"] = "another"
    _, rows = told(data)
    assert rows["gelu.form", ()][0]["torch"] == "s"


def test_words_stand_in_the_order_of_the_clauses(data):
    content, said = differences.content(data), differences.words(data)["words"]
    told = dict(zip([name for name, *_ in content["clauses"]], said, strict=True))
    assert told["gelu.form"] == "gelu MUST be one of these."
