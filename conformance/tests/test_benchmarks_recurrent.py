"""The set of stacked and bidirectional layers: all who are timed compute the same, and costs are by formula."""

import jax
import numpy as np
import pytest

from nnspec_conformance.benchmarks import machine
from nnspec_conformance.benchmarks.architectures import stacked_recurrent

WORKLOADS = {(w.name, w.direction): w for w in stacked_recurrent.workloads(quick=True)}


@pytest.mark.parametrize("key", WORKLOADS, ids=" ".join)
def test_everyone_gives_the_same_states_and_gradients(key):
    found = {name: p.call() for name, p in WORKLOADS[key].build(machine.find_device("cpu")).items()}
    ours = jax.tree.leaves(found.pop("nnspec"))

    assert "flax" in found
    for theirs in found.values():
        for got, want in zip(jax.tree.leaves(theirs), ours, strict=True):
            np.testing.assert_allclose(np.asarray(got), np.asarray(want), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("turned", "layers"), [(False, 3), (True, 2)])
def test_products_are_those_of_every_kernel_at_every_step(turned, layers):
    size = stacked_recurrent.QUICK["8 steps, width 8"]
    _, weights, _ = stacked_recurrent.drawn(size, turned)
    products = size.batch * size.steps * sum(w.size for w in weights.values() if w.ndim == 2)
    name = "bidirectional" if turned else "stack of 3"

    assert len(weights) == 12 * layers
    assert WORKLOADS[f"{name}, 8 steps, width 8", "forward"].operations == 2 * products
