"""The benchmarks of encoder and decoder: all who are timed compute the same layer, and the same gradients."""

import jax
import numpy as np
import pytest

from nnspec_conformance.benchmarks import machine
from nnspec_conformance.benchmarks.architectures.transformer import decoder, encoder


@pytest.mark.parametrize("module", [encoder, decoder], ids=["encoder", "decoder"])
def test_all_compute_the_same_layer(module, monkeypatch):
    drawn = encoder.Layer.drawn

    def with_own_biases(self, size):  # those that are timed are zeros and ones, as in a new layer
        (x, weights, *source), g = drawn(self, size)
        random = np.random.default_rng(1)
        moved = {name: w + 0.3 * random.standard_normal(w.shape, np.float32) for name, w in weights.items()}
        return (x, moved, *source), g

    monkeypatch.setattr(encoder.Layer, "drawn", with_own_biases)
    for workload in module.workloads(quick=True):
        found = {name: program.call() for name, program in workload.build(machine.find_device("cpu")).items()}
        ours = jax.tree.leaves(found.pop("nnspec"))
        assert "flax" in found
        for name, theirs in found.items():
            for got, want in zip(jax.tree.leaves(theirs), ours, strict=True):
                np.testing.assert_allclose(np.asarray(got), want, rtol=1e-4, atol=1e-4, err_msg=name)
