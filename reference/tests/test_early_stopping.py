"""Early stopping of the reference: in a loop, compiled, mapped, on every short series, and its refusals."""

import itertools
import math
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nnspec.training.early_stopping import _watched, early_stopping, early_stopping_start, early_stopping_update

RULES = [(1, 0.0), (2, 1.0), (3, 0.0)]


def one_series(series, patience, min_delta):
    """The rule for one series in plain Python."""
    best, at, bad = None, -1, 0
    for t, m in enumerate(series):
        if not math.isnan(m) and (best is None or best - m > min_delta):
            best, at, bad = m, t, 0
        else:
            bad += 1
        if bad == patience:
            return t, at
    return -1, at


@pytest.mark.parametrize(("patience", "min_delta"), RULES)
def test_all_series_of_seven_evaluations(patience, min_delta):
    """Over 0, 1, 2 and NaN: 16,384 in one call."""
    series = list(itertools.product((0.0, 1.0, 2.0, math.nan), repeat=7))
    got = early_stopping(np.array(series, np.float32), patience=patience, min_delta=min_delta)
    want = [one_series(row, patience, min_delta) for row in series]
    np.testing.assert_array_equal(np.stack([got["stopped"], got["best"]], 1), want)


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("baseline", [None, 1.0])
def test_a_loop_is_the_whole_series(mode, baseline):
    rng = np.random.default_rng(2)
    given = {"patience": 2, "min_delta": 0.5, "mode": mode, "warmup": 1}
    for series in rng.integers(0, 5, (20, 8)).astype(np.float32):
        state, stopped = early_stopping_start(baseline), -1
        for t, metric in enumerate(series):
            state = early_stopping_update(state, metric, **given)
            stopped = t if state.stopped and stopped < 0 else stopped
        found = early_stopping(series, baseline, **given)
        assert (int(found["stopped"]), int(found["best"])) == (stopped, int(state.best_at))


def test_after_a_stop_the_state_stays():
    state = early_stopping_start()
    for metric in (1.0, 2.0):
        state = early_stopping_update(state, metric, patience=1)
    later = early_stopping_update(state, 0.0, patience=1)
    assert (float(later.best), int(later.best_at), bool(later.improved)) == (1.0, 0, False)
    assert later.stopped


def test_parameters_are_kept_inside_a_compiled_loop():
    """The parameters of the best evaluation come out of a scan, with a patience that is traced."""
    losses = jnp.array([3.0, 1.0, 2.0, 2.0, 0.0])

    @jax.jit
    def train(patience):
        def epoch(carry, loss):
            params, kept, state = carry
            params = {"w": jnp.where(state.stopped, params["w"], params["w"] + 1)}
            state = early_stopping_update(state, loss, patience=patience)
            kept = jax.tree.map(lambda new, old: jnp.where(state.improved, new, old), params, kept)
            return (params, kept, state), None

        params = {"w": jnp.zeros(2)}
        return jax.lax.scan(epoch, (params, params, early_stopping_start()), losses)[0][:2]

    last, kept = train(2)
    np.testing.assert_array_equal(kept["w"], [2, 2])
    np.testing.assert_array_equal(last["w"], [4, 4])


def test_mapped_over_runs_equals_one_by_one():
    metrics = jnp.asarray(np.random.default_rng(5).integers(0, 4, (6, 9)), jnp.float32)
    mapped = jax.vmap(lambda row: early_stopping(row, patience=2))(metrics)
    for i, row in enumerate(metrics):
        for name, want in early_stopping(row, patience=2).items():
            assert mapped[name][i] == want


def test_no_new_program_for_another_rule():
    metrics = np.ones(13, np.float32)
    early_stopping(metrics, patience=2)
    before = _watched._cache_size()
    early_stopping(metrics, patience=5, min_delta=0.5, mode="max", warmup=3, nan="stops")
    assert _watched._cache_size() == before


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"patience": 0}, "patience must be 1 or more, got 0"),
        ({"min_delta": -0.5}, "min_delta must be zero or positive, got -0.5"),
        ({"min_delta": math.nan}, "min_delta must be zero or positive, got nan"),
        ({"warmup": -1}, "warmup must be 0 or more, got -1"),
        ({"mode": "minimum"}, "mode"),
        ({"nan": "ignored"}, "nan"),
    ],
)
def test_refused_in_one_line(wrong, message):
    start = early_stopping_start()
    for call in (partial(early_stopping, jnp.ones(1)), partial(early_stopping_update, start, 1.0)):
        with pytest.raises(ValueError, match=message) as refused:
            call(**{"patience": 2} | wrong)
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize("metric", [None, "0.5"])
def test_a_metric_that_is_no_number(metric):
    with pytest.raises(TypeError, match="^early_stopping_update: metric"):
        early_stopping_update(early_stopping_start(), metric, patience=1)
