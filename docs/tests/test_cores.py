"""Work is spread over processes, and nobody sees a difference but in the time."""

from __future__ import annotations

import os

import pytest

from nnspec_site import cores


@pytest.fixture(autouse=True)
def forking(monkeypatch):
    """Let processes be made although the limit of a test's time is a thread."""
    monkeypatch.setattr(cores, "forks", lambda: True)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_results_come_in_order(count):
    assert cores.spread(lambda x: x * x, range(7), cores=count) == [0, 1, 4, 9, 16, 25, 36]


def test_several_processes_work_and_one_alone_does_not_fork():
    assert os.getpid() not in cores.spread(lambda _: os.getpid(), range(4), cores=2)
    assert cores.spread(lambda _: os.getpid(), range(4), cores=1) == [os.getpid()] * 4
    assert os.getpid() not in cores.spread(lambda _: os.getpid(), [0], apart=True)


def test_an_error_is_raised_here_as_it_was_there():
    def work(x: int) -> float:
        return 1 / x

    with pytest.raises(ZeroDivisionError, match="division by zero"):
        cores.spread(work, [1, 0, 2], cores=2)


def test_no_items_no_results():
    assert cores.spread(str, [], apart=True) == []
