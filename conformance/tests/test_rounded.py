"""Rounded runs made all at once are the runs made one by one."""

import numpy as np
import pytest

from nnspec_conformance import steppers
from nnspec_conformance.inputs import wide
from nnspec_conformance.oracles.stepping import always, each_leaf
from nnspec_conformance.rounded import BLOCK, RoundedRuns, Runs
from nnspec_conformance.steppers import RATES, gradients, trajectory, tree
from nnspec_conformance.tolerance import spread
from nnspec_conformance.trees import mapped


def one_by_one(oracle, params, grads, rates, dtype, **hyper):
    def run(rounded):
        step, now, path = oracle(mapped(rounded, wide(params)), rounded=rounded, **hyper), wide(params), []
        for t, rate in enumerate(rates):
            now = step(mapped(rounded, wide(grads(now) if callable(grads) else grads[t])), rate)
            path.append(now)
        return path

    return spread(run, dtype)


def wants(path):
    return [want for step in path for want in step.values()]


def test_the_trajectories_of_every_optimizer_are_the_same_either_way(suite):
    asked = [name for name, operation in suite.spec.operations.items() if operation.family == "optimizers"]
    assert len(asked) > 5
    for name in asked:
        declared = steppers.of(name)
        given = tree(400), gradients(6), list(RATES)
        together = trajectory(declared.oracle, *given, dtype="float32", **declared.hyper)
        apart = one_by_one(declared.oracle, *given, "float32", **declared.hyper)
        for a, b in zip(wants(together), wants(apart), strict=True):
            np.testing.assert_array_equal(a.value, b.value)
            # not to the last bit: a power of several numbers is computed by other code than that of one
            np.testing.assert_allclose(a.allowed, b.allowed, rtol=1e-6, err_msg=name)


@each_leaf
def by_rank(p, g, *, rank, learning_rate):
    """Arrays of one axis step twice as far."""
    return p - (2 if rank == 1 else 1) * learning_rate * g


def test_a_closed_loop_asks_each_run_by_itself():
    slopes = np.array([1.0, 3.0])
    given = {"w": np.array([3.0, -5.0]), "v": np.ones((2, 2))}, lambda now: {"w": slopes * now["w"], "v": now["v"]}
    together = trajectory(by_rank, *given, [0.25] * 4, dtype="float32", learning_rate=0.25)
    apart = one_by_one(by_rank, *given, [0.25] * 4, "float32", learning_rate=0.25)
    for a, b in zip(wants(together), wants(apart), strict=True):
        np.testing.assert_array_equal((a.value, a.allowed), (b.value, b.allowed))


def test_each_run_has_the_draws_that_it_would_have_alone():
    rounded = RoundedRuns(3, 0.5)
    for shape in ((2, 3), (), (BLOCK,), (5,)):
        got = rounded(np.ones(shape))
        assert (got.shape, type(got)) == ((*shape, 3), Runs)
        if shape == (2, 3):
            alone = [1 + 0.5 * (2 * np.random.default_rng(seed).random(shape) - 1) for seed in range(3)]
            np.testing.assert_array_equal(got, np.stack(alone, -1))
    expected = np.random.default_rng(2).random(2 * BLOCK + 12)[6 + 1 + BLOCK :][:5]
    np.testing.assert_array_equal(got[:, 2], 1 + 0.5 * (2 * expected - 1))


def test_what_is_computed_from_runs_is_not_given_another_axis():
    rounded = RoundedRuns(4, 0.5)
    assert rounded(1 - rounded(0.5) ** 3).shape == (4,)


@pytest.mark.parametrize(("hyper", "refused"), [(0.5, False), (-0.5, True), (float("nan"), True)])
def test_a_check_of_a_rule_is_of_every_run(hyper, refused):
    several = np.array([0.5, hyper]).view(Runs)
    assert always(several >= 0) != refused
    assert always(hyper >= 0) != refused
