"""The benchmark of the training loop: every loop takes the same steps, and costs are those of the weights."""

import tempfile
from pathlib import Path

import numpy as np
import pytest

from nnspec_conformance.benchmarks import machine
from nnspec_conformance.benchmarks.training import loop

SIZE = loop.QUICK
BUILT = {loop.EPOCH: loop.epoch_builder, loop.MADE: loop.data_builder, loop.KEPT: loop.checkpoint_builder}


@pytest.mark.parametrize("name", BUILT)
def test_every_loop_takes_the_same_steps(name):
    """The mean loss over an epoch is one of as many steps."""
    programs = BUILT[name](SIZE)(machine.find_device("cpu"))
    found = {who: program.call() for who, program in programs.items()}
    for who, value in found.items():
        assert value == pytest.approx(found["nnspec"], rel=1e-5), who


def test_the_loss_tells_rates_orders_and_steps(monkeypatch):
    """What would make two loops differ changes their losses by more than what is allowed above."""
    device = machine.find_device("cpu")
    right = loop.by_hand(SIZE, device)()
    assert abs(loop.by_hand(SIZE, device, steps=SIZE.steps - 1)() / right - 1) > 1e-3
    for name, value in (("RATE", 2 * loop.RATE), ("SEED", loop.SEED + 1)):
        with monkeypatch.context() as patch:
            patch.setattr(loop, name, value)
            assert abs(loop.by_hand(SIZE, device)() / right - 1) > 1e-4, name


def test_each_run_writes_its_checkpoint_and_leaves_nothing(monkeypatch, tmp_path):
    from nnspec.training import _loop_files

    written = []
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = _loop_files._write
    monkeypatch.setattr(_loop_files, "_write", lambda path, *rest: written.append(path) or before(path, *rest))
    call = loop.checkpoint_builder(SIZE)(machine.find_device("cpu"))["nnspec"].call
    assert call() == call()
    assert len({Path(path).parent for path in written}) == len(written) == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("size", [loop.FULL, loop.QUICK], ids=["full", "quick"])
def test_costs_are_those_of_the_arrays(size):
    x, labels, table = loop.drawn(size)
    assert size.parameters == sum(w.size for w in table.values())
    assert x.nbytes + labels.nbytes + size.steps * 6 * 4 * size.parameters == size.least_bytes
    products = [table[f"kernel_{i}"].size for i in range(2)]
    assert size.operations == 2 * len(x) * (2 * products[0] + 3 * products[1])


def test_profiles_say_where_time_goes(monkeypatch):
    monkeypatch.setattr(loop, "interleave", lambda calls, **how: dict(zip(calls, (0.2, 0.08, 0.1, 0.04), strict=True)))
    slower = {"ratio": {"torch": 1.2}, "nnspec": {"seconds": 0.2}, "peers": {"no checkpoint": {"seconds": 0.16}}}
    device = machine.find_device("cpu")
    assert loop.step_profiler(SIZE)(device, slower) == (
        "by fit a step takes 30.00 ms, start and end of a run 50.0 ms; "
        "by the compiled loop a step takes 15.00 ms, start and end of a run 25.0 ms"
    )
    assert loop.step_profiler(SIZE)(device, {"ratio": {"torch": 1.0}}) is None
    assert loop.checkpoint_profile(SIZE)(device, slower) == (
        "the checkpoint, of 0.0 MiB, takes 40.0 ms: 25 % of the epoch of 5 steps, or 1 steps"
    )


@pytest.mark.parametrize(("whole", "share"), [(0.2, 0), (0.14, 75), (0.12, 100), (0.1, 100)])
def test_what_passes_meanwhile_is_a_share_of_the_shorter(monkeypatch, whole, share):
    monkeypatch.setattr(loop, "interleave", lambda calls, **how: {"data": 0.08, "steps": 0.12})
    told = loop.data_profiler(SIZE)(machine.find_device("cpu"), {"nnspec": {"seconds": whole}})
    assert told == (
        f"the data alone take 80.0 ms and the steps alone 120.0; {share} % of the shorter of the two passes meanwhile"
    )


def test_data_are_those_of_each_step():
    found = list(loop.made(SIZE)(0))
    x, labels, _ = loop.drawn(SIZE)
    assert len(found) == SIZE.steps
    assert np.array_equal(np.concatenate([part for _, part in found]), labels)
    noise = np.concatenate([part for part, _ in found]) - x
    assert 0.5 * loop.NOISE < noise.std() < 2 * loop.NOISE
