"""Progress: nothing of a short run, a line now and then of a long one, and what took longest at its end."""

import time

import pytest

from nnspec_conformance import progress as module
from nnspec_conformance.experiments import core
from nnspec_conformance.progress import progress


@pytest.fixture
def long(monkeypatch):
    """Every run counts as a long one."""
    monkeypatch.setattr(module, "EVERY", 0.0)


def test_a_short_run_says_nothing(capsys):
    assert list(progress([1, 2, 3], "counting")) == [1, 2, 3]
    assert capsys.readouterr() == ("", "")


def test_a_long_run_says_how_far_it_is(long, capsys):
    list(progress(["a", "b"], "counting"))
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[:2] == ["counting: 0 of 2 in 0 s, now a", "counting: 1 of 2 in 0 s, now b"]


def test_lines_come_at_intervals(monkeypatch, capsys):
    monkeypatch.setattr(module, "EVERY", 0.05)
    for _ in progress(range(20), "counting"):
        time.sleep(0.01)
    lines = [line for line in capsys.readouterr().err.splitlines() if "now" in line]
    assert 1 <= len(lines) <= 5


def test_lines_come_while_one_item_takes_long(monkeypatch, capsys):
    monkeypatch.setattr(module, "EVERY", 0.1)
    monkeypatch.setattr(module, "LOOK", 0.02)
    for item in progress(["a", "b"], "counting", slowest=False):
        time.sleep(0.4 if item == "b" else 0)
    lines = capsys.readouterr().err.splitlines()
    time.sleep(0.2)
    assert 1 <= len(lines) <= 4
    assert {*lines} == {"counting: 1 of 2 in 0 s, now b"}
    assert capsys.readouterr().err == ""


def test_of_a_run_inside_another_the_inner_one_tells(monkeypatch, capsys):
    monkeypatch.setattr(module, "EVERY", 0.1)
    monkeypatch.setattr(module, "LOOK", 0.02)
    for _ in progress(["a"], "outer", slowest=False):
        for _ in progress([1], "inner", slowest=False):
            time.sleep(0.3)
    assert {line.split(":")[0] for line in capsys.readouterr().err.splitlines()} == {"inner"}


def test_a_long_run_ends_with_its_ten_slowest(long, capsys):
    for item in progress(range(12), "counting"):
        time.sleep(0.03 if item in (4, 7) else 0)
    _, told = capsys.readouterr().err.split("counting: the slowest of 12 in 0 s\n")
    names = [line.split()[-1] for line in told.splitlines()]
    assert set(names[:2]) == {"4", "7"}
    assert len(names) == 10


def test_an_interrupted_run_tells_its_slowest_too(long, capsys):
    items = progress(range(5), "counting")
    next(items), next(items), next(items)
    items.close()
    assert "counting: the slowest of 3 in" in capsys.readouterr().err


def test_what_is_printed_meanwhile_stays_where_it_was_sent(long, capsys):
    for item in progress(["a", "b"], "counting"):
        print(f"found {item}")
    assert capsys.readouterr().out == "found a\nfound b\n"


def test_a_terminal_shows_a_bar_and_no_lines(long, capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich asks the environment too
    assert list(progress(["a", "b"], "counting", slowest=False)) == ["a", "b"]
    err = capsys.readouterr().err
    assert "counting: b" in err
    assert "now b" not in err


def test_seeds_of_an_experiment_are_watched_and_not_ranked(long, capsys):
    assert list(core.watched([3, 4], "toy, seeds")) == [3, 4]
    err = capsys.readouterr().err
    assert err.splitlines() == ["toy, seeds: 0 of 2 in 0 s, now 3", "toy, seeds: 1 of 2 in 0 s, now 4"]
