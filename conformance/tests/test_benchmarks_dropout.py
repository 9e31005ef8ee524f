"""The workloads of dropout: every peer drops the same share by the same scale, and its gradient has that mask."""

import numpy as np
import pytest

from nnspec_conformance.benchmarks import machine
from nnspec_conformance.benchmarks.training import dropout

SIZE = 2**16


@pytest.fixture(scope="module")
def device():
    return machine.find_device("cpu")


def test_every_peer_drops_a_quarter_and_its_gradient_is_by_that_mask(device):
    x, g = dropout.inputs(SIZE)
    found = {name: program.call() for name, program in dropout.builder(SIZE, dropout.BOTH)(device).items()}
    assert {"nnspec", "flax"} <= set(found)
    for y, slope in found.values():
        kept = np.asarray(y) != 0
        np.testing.assert_allclose(np.asarray(y), np.where(kept, x / 0.75, 0), rtol=1e-6)
        np.testing.assert_allclose(np.asarray(slope), np.where(kept, g / 0.75, 0), rtol=1e-6)
        assert abs(kept.mean() - 0.75) < 5 * np.sqrt(0.75 * 0.25 / SIZE)


def test_the_drawing_is_of_as_many_numbers(device):
    for program in dropout.draw_builder(SIZE)(device).values():
        drawn = np.asarray(program.call())
        assert drawn.shape == (SIZE // dropout.ROW, dropout.ROW)
        assert 0.49 < drawn.mean() < 0.51


def test_the_least_is_every_array_once():
    found = {(w.name, w.direction): w.least_bytes for w in dropout.workloads(quick=True)}
    assert found == {
        ("32 random bits", "forward"): 4 * SIZE,
        ("dropout", "forward"): 8 * SIZE,
        ("dropout", "forward+backward"): 16 * SIZE,
    }


def test_where_ours_is_slower_the_note_says_what_the_drawing_takes(device):
    entry = {"nnspec": {"seconds": 0.001}, "ratio": {"torch": 2.0}}
    assert "drawing takes" in str(dropout.profiler(SIZE)(device, entry))
    assert dropout.profiler(SIZE)(device, entry | {"ratio": {"torch": 0.5}}) is None
