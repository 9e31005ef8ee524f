"""Few rounded runs first: a verdict is that of all of them, and who wants values alone has none made."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from nnspec_conformance import asking
from nnspec_conformance.compare import compare
from nnspec_conformance.rounded import AT_FIRST, FEW, at_most, most_runs
from nnspec_conformance.tolerance import spread, ulp
from nnspec_conformance.trees import leaves

X = np.random.default_rng(3).standard_normal((40, 30))


def product(rounded):
    """Two arrays of several operations."""
    a = rounded(X)
    return rounded(a @ a.T), rounded(np.tanh(a))


def squares(rounded):
    """Of one array, entry by entry."""
    return rounded(rounded(X) ** 2)


@pytest.mark.parametrize(("run", "together"), [(product, False), (squares, False), (squares, True)])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float64"])
def test_fewer_runs_never_allow_more(run, together, dtype):
    every = leaves(spread(run, dtype, together=together))
    with at_most(FEW):
        few = leaves(spread(run, dtype, together=together))
    for less, more in zip(few, every, strict=True):
        assert np.array_equal(less.value, more.value)
        assert np.all(less.allowed <= more.allowed)
        assert np.any(less.allowed < more.allowed)


def test_values_alone_take_one_run():
    seen = []

    def run(rounded):
        seen.append(rounded)
        return rounded(X)

    with at_most(0):
        want = spread(run, "float32")
    assert len(seen) == 1
    assert np.array_equal(want.value, X)
    assert np.array_equal(want.allowed, ulp(X, "float32"))


def test_the_least_limit_holds():
    with at_most(0):
        with at_most(FEW):
            assert most_runs() == 0
        assert most_runs() == 0
    assert most_runs() is None


@pytest.mark.parametrize(
    ("forms", "few", "record", "asked"),
    [
        (("map",), 0.5, None, [FEW]),  # within the smaller spread
        (("map",), 3.0, None, [FEW, None]),  # beyond it: only the whole spread tells
        (("map",), np.inf, None, [FEW]),  # refused, or of another shape: no spread makes it right
        (("map",), 0.5, print, [None]),  # what is recorded has its tolerance
        ((), 3.0, None, [None]),  # no duty
    ],
)
def test_what_is_beyond_few_runs_is_asked_with_all(monkeypatch, forms, few, record, asked):
    limits = []

    def run_instance(suite, subject, instance, record=None):
        limits.append(most_runs())
        ratio = few if most_runs() else few / 4
        entry = SimpleNamespace(failed=ratio > 1, finding=SimpleNamespace(ratio=ratio))
        return SimpleNamespace(entries=[entry], seconds=1.0)

    monkeypatch.setattr(asking, "run_instance", run_instance)
    suite = SimpleNamespace(instances={"duty.x[y]": (SimpleNamespace(forms=forms), "y")})
    result = asking._result(suite, None, "duty.x[y]", record)
    assert limits == asked
    assert result.seconds == len(asked)


@pytest.fixture
def counted():
    """The oracle, and how many runs of it were made."""
    made = []

    def run(rounded):
        made.append(rounded)
        return rounded(X) ** 2

    return run, made


def test_runs_are_made_when_somebody_asks_what_is_allowed(counted):
    run, made = counted
    want = spread(run, "float32")
    assert len(made) == 1
    assert compare(X**2, want, known=0.0).ratio == 0
    assert len(made) == 1  # the numbers themselves: it matters not what is allowed
    assert want.allowed.shape == X.shape
    assert len(made) == 17


def test_an_answer_within_the_reach_of_the_first_runs_has_no_more_made(counted):
    run, made = counted
    want = spread(run, "float32")
    near = np.float32(X**2)
    assert compare(near, want, known=0.9).message is None
    assert len(made) == 1 + AT_FIRST[0]
    compare(near, want)
    assert len(made) == 17


@pytest.mark.parametrize("off", [0.0, 0.3, 0.9, 1.1, 5.0])
@pytest.mark.parametrize("known", [0.0, 0.5, 1.0, 2.0])
def test_the_largest_finding_is_that_of_all_runs(counted, off, known):
    run, _ = counted
    every = spread(run, "bfloat16")
    got = every.value + off * every.allowed * (np.arange(X.size).reshape(X.shape) == 7)
    right, found = compare(got, every), compare(got, spread(run, "bfloat16"), known=known)
    assert (right.message is None) == (found.message is None)
    assert max(found.ratio, known) == max(right.ratio, known)


def test_another_tolerance_is_made_of_that_of_all_runs(counted):
    run, made = counted
    want = spread(run, "float32")
    wider = want.allowing(lambda allowed: 2 * allowed, value=want.value + 1)
    assert len(made) == 1
    assert np.array_equal(wider.allowed, 2 * want.allowed)
    assert np.array_equal(wider.value, X**2 + 1)
    assert all(np.all(one <= wider.allowed) for one in want.allowing(lambda allowed: 2 * allowed).approaches())
