"""The workloads of initialization, schedules and early stopping: every peer draws, steps and watches the same."""

import numpy as np
import pytest

from nnspec_conformance.benchmarks import machine
from nnspec_conformance.benchmarks.training import early_stopping, initialization
from nnspec_conformance.benchmarks.training.schedules import warmup

SIZE = 2**16


@pytest.fixture(scope="module")
def device():
    return machine.find_device("cpu")


@pytest.mark.parametrize("name", [n for n in initialization.OPERATIONS if n != initialization.BITS])
def test_every_peer_draws_a_kernel_of_he_s_variance(device, name):
    found = {who: np.asarray(p.call()) for who, p in initialization.builder(name, SIZE)(device).items()}
    assert {"nnspec", "jax"} <= set(found)
    inputs = SIZE // initialization.UNITS
    for who, kernel in found.items():
        wide = 0.774 if who == "torch" and "truncated" in name else 1.0  # PyTorch does not correct for the truncation
        assert kernel.size == SIZE
        assert abs(kernel.var() * inputs / 2 / wide - 1) < 0.05, who


def test_the_bits_are_32_of_each_entry(device):
    for program in initialization.builder(initialization.BITS, SIZE)(device).values():
        bits = np.asarray(program.call()).view(np.uint32)
        assert bits.size == SIZE
        assert abs(np.unpackbits(bits.view(np.uint8)).mean() - 0.5) < 0.01


def test_where_ours_is_slower_the_note_says_what_the_bits_take(device):
    entry = {"nnspec": {"seconds": 0.001}, "ratio": {"torch": 2.0}}
    assert "million draws a second" in str(initialization.profiler(SIZE)(device, entry))
    assert initialization.profiler(SIZE)(device, entry | {"ratio": {"torch": 0.5}}) is None


@pytest.mark.parametrize("name", warmup.NAMES)
def test_a_schedule_adds_no_array_to_a_compiled_step(device, name):
    """Shown in the text of the compiled programs: the instructions whose result is an array are the same."""
    size = 2**14
    plain = warmup.arrays_of(0.1, size, device)
    assert plain
    assert warmup.arrays_of(warmup.schedule(name), size, device) == plain
    assert "as many" in str(warmup.profiler(name)(device, {}))


def test_a_table_of_rates_would_be_seen(device):
    """The same question of a step that looks its rate up in a table as long as the parameters."""
    import jax.numpy as jnp

    size = 2**14
    table = jnp.linspace(0.1, 0.0, size)
    found = warmup.arrays_of(lambda count: jnp.cumsum(table * count)[count], size, device)
    assert len(found) > len(warmup.arrays_of(0.1, size, device))


def test_both_steps_move_the_parameters_by_their_rate(device):
    size = 2**10
    w, _, g = (np.asarray(x) if hasattr(x, "shape") else x for x in warmup.arguments(size, device))
    found = warmup.builder("piecewise_constant", size)(device)
    for program in found.values():
        moved, _ = program.call()
        np.testing.assert_allclose(np.asarray(moved), w - np.float32(0.1) * g, rtol=1e-6, atol=1e-7)


def test_flax_and_the_reference_watch_the_same_series(device):
    size = early_stopping.QUICK_LENGTHS[0]
    found = {name: program.call() for name, program in early_stopping.series_builder(size)(device).items()}
    assert int(found["nnspec"]["stopped"]) == -1
    assert not found["flax"].should_stop
    assert float(found["flax"].best_metric) == float(early_stopping.metrics(size)[int(found["nnspec"]["best"])])
    single = early_stopping.single_builder()(device)
    assert float(single["nnspec"].call().best) == 0.5
    assert float(single["flax"].call().best_metric) == 0.5


def test_the_least_is_every_array_once():
    assert {w.least_bytes // w.size for w in initialization.workloads(quick=True)} == {4}
    assert {w.least_bytes // w.size for w in warmup.workloads(quick=True)} == {12}
    assert {w.least_bytes // w.size for w in early_stopping.workloads(quick=True)} == {4}
