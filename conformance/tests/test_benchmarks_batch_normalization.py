"""The workloads of batch norm: every library computes the same, and what must move at least is by formula."""

import numpy as np
import pytest

from nnspec_conformance.benchmarks import machine
from nnspec_conformance.benchmarks.training import batch_normalization as bench
from nnspec_conformance.oracles.training import batch_normalization as oracle

TRAINING, USE = bench.QUICK.values()


@pytest.fixture(scope="module")
def device():
    return machine.find_device("cpu")


def results(size, direction, device):
    programs = bench.builder(size, direction)(device)
    return {name: [np.asarray(part) for part in program.call()] for name, program in programs.items()}


def test_every_library_has_the_same_results_statistics_and_gradients(device):
    x, scale, bias, mean, variance, g = (a.astype(np.float64) for a in bench.drawn(TRAINING))
    y = oracle.batch_norm(x, scale, bias, epsilon=bench.EPSILON)
    slopes = oracle.batch_norm_vjp(x, scale, bias, g, epsilon=bench.EPSILON)

    found = results(TRAINING, bench.BOTH, device)
    assert {"nnspec", "flax", "flax, two passes"} <= set(found)
    for name, (got, *statistics, dx, dscale, dbias) in found.items():
        reading = "unbiased" if name == "nnspec" or name.startswith("torch") else "biased"
        running = oracle.batch_norm_update(x, mean, variance, decay=bench.DECAY, running_variance=reading)
        for one, want in zip((got, *statistics, dx, dscale, dbias), (y, *running, *slopes), strict=True):
            np.testing.assert_allclose(one, want, rtol=1e-5, atol=2e-6, err_msg=name)


def test_in_use_every_library_has_the_same_result(device):
    x, scale, bias, mean, variance, _ = (a.astype(np.float64) for a in bench.drawn(USE))
    y = oracle.batch_norm_eval(x, mean, variance, scale, bias, epsilon=bench.EPSILON)
    for name, (got,) in results(USE, bench.FORWARD, device).items():
        np.testing.assert_allclose(got, y, rtol=1e-5, atol=2e-6, err_msg=name)


def test_a_second_call_begins_with_the_same_running_statistics(device):
    for name, program in bench.builder(TRAINING, bench.FORWARD)(device).items():
        first, second = (np.asarray(program.call()[1]) for _ in range(2))
        np.testing.assert_array_equal(first, second, err_msg=name)


def test_the_least_is_every_array_once():
    found = {(w.name, w.direction): w.least_bytes / 4 / w.size for w in bench.workloads()}
    assert {(name.partition(",")[0], direction): arrays for (name, direction), arrays in found.items()} == {
        ("training", "forward"): 2,
        ("training", "forward+backward"): 5,
        ("in use", "forward"): 2,
    }


def test_in_use_the_maps_are_read_once_and_written_once(device):
    assert 2 <= bench.passes(bench.SIZES["in use, 112 x 112, 64 channels"], bench.FORWARD, device) < 2.01


def test_in_training_they_are_read_for_the_mean_and_the_variance_and_the_result(device):
    assert bench.passes(bench.SIZES["training, 7 x 7, 2,048 channels"], bench.FORWARD, device) >= 4


def test_where_ours_is_slower_the_note_counts_copies(device):
    entry = {"nnspec": {"seconds": 0.001}, "ratio": {"torch": 2.0}}
    assert "copies of the maps" in str(bench.profiler(TRAINING, bench.BOTH)(device, entry))
    assert bench.profiler(TRAINING, bench.BOTH)(device, entry | {"ratio": {"torch": 0.5}}) is None
