"""A script that does not show its finding is told."""

from __future__ import annotations

import pytest

from nnspec_site import findings_run

STATED = {"message": "got 1, expected 2", "worst": {"got": "1", "expected": "2"}}


def test_a_script_that_tells_of_what_the_page_states_is_right():
    assert findings_run.shown("print('answer[0]: 1.0, right is 2.0')", STATED) is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("x = 1", "the script prints nothing"),
        ("print('refused, as it should be: x')", "the framework refuses what it should"),
        ("import math\nmath.sqrt(-1)", "the script ends with ValueError: math domain error"),
        ("def f(:", "the script ends with SyntaxError: invalid syntax (<script>, line 1)"),
        ("print('answer[0]: 1.5, right is 2.0')", "the script prints answer[0]: 1.5, right is 2.0"),
        ("print([1.0])", "the script prints [1.0]"),
    ],
)
def test_a_script_that_shows_something_else_is_told(text, problem):
    assert findings_run.shown(text, STATED) == problem


@pytest.mark.parametrize(
    ("got", "right", "told", "same"),
    [
        ("0.300000012", "0.3", "answer[0]: 0.30000001192092896, right is 0.3", True),
        ("0.300000012", "0.3", "answer[0]: 0.30000002, right is 0.3", False),
        ("nan", "0", "answer[2]: nan, right is 0.0", True),
        ("inf", "0", "answer[2]: -inf, right is 0.0", False),
        ("0", "2.061e-09", "answer[0]: 0.0, right is 2.0611e-09", True),
        ("0", "2.061e-09", "answer[0]: 0.0, right is 0.0", False),
        ("1.1e-18", "nan", "answer[]: -2.8e-38, right is nan", True),
        ("1.1e-18", "nan", "answer[]: -2.8e-38, right is 0.0", False),
        ("[1, 2]", "an exception", "accepted: [1. 2.]", True),
        ("[1, 2]", "an exception", "answer[0]: 1.0, right is 2.0", False),
    ],
)
def test_numbers_are_the_same_to_three_digits_of_the_deviation(got, right, told, same):
    assert findings_run.as_stated(told, {"worst": {"got": got, "expected": right}}) == same


@pytest.mark.parametrize(
    ("message", "told", "same"),
    [
        ("relu raised ValueError: no such axis", "raised ValueError: no such axis", True),
        ("relu raised ValueError: no such axis", "raised TypeError: no such axis", False),
        ("result has shape (3, 1), expected (3,)", "answer: float32 of shape (3, 1), right is any of shape (3,)", True),
        ("result has shape (3, 1), expected (3,)", "answer: float32 of shape (4,), right is any of shape (3,)", False),
        ("result has dtype float32, expected float16", "answer: float32 of shape (4,), right is float16 of", True),
    ],
)
def test_what_is_no_number_is_compared_by_its_kind(message, told, same):
    assert findings_run.as_stated(told, {"message": message}) == same


def test_finding_of_a_framework_is_shown_as_its_page_states_it(capsys):
    pytest.importorskip("torch")
    assert findings_run.amiss("torch", only="duty.nan[gelu]") == (1, 1, [])


def test_page_that_states_something_else_is_told(monkeypatch, capsys):
    pytest.importorskip("torch")
    entry = {"worst": {"got": "0.5", "expected": "0"}}
    monkeypatch.setattr(findings_run.result_pages.Finding, "entry", property(lambda self: entry))
    monkeypatch.setattr(findings_run.result_pages.Finding, "options", {})
    _, _, (line,) = findings_run.amiss("torch", only="duty.nan[gelu]")
    assert line.startswith(
        "duty.nan[gelu]: the script prints answer[2]: nan, right is "
    )  # of which infinity: the processor
    assert line.endswith("; stated: 0.5, right is 0")
