"""The benchmark of generation: all who are timed write the same texts, and the costs are those of the formula."""

import numpy as np

from nnspec_conformance.benchmarks import machine
from nnspec_conformance.benchmarks.architectures.transformer import generation

SIZE = generation.Size(3, 4, 9, features=8, heads=2, hidden=16, layers=2, vocabulary=16)


def test_all_write_the_same_texts(monkeypatch):
    new, random = generation.started(SIZE), np.random.default_rng(0)
    table = {name: random.standard_normal(w.shape).astype(np.float32) for name, w in new.items()}
    table["embedding"][-1] = 0
    monkeypatch.setattr(generation, "started", lambda size: table)  # no two weights alike: a new model repeats itself

    programs = generation.builder(SIZE)(machine.find_device("cpu"))
    texts = {name: np.asarray(program.call()) for name, program in programs.items()}

    assert texts["nnspec"].shape == (3, 9)
    assert len(np.unique(texts["nnspec"])) > 2
    assert (texts["nnspec"][:, 1:] != texts["nnspec"][:, :-1]).any()
    assert (texts["nnspec"] != SIZE.vocabulary - 1).all()  # none has ended
    for name in ("full passes", "flax"):
        np.testing.assert_array_equal(texts[name], texts["nnspec"])


def test_costs_are_counted_place_by_place():
    d, h, layers = SIZE.features, SIZE.hidden, SIZE.layers
    place = layers * (4 * d * d + 2 * d * h) + SIZE.vocabulary * d
    products, numbers = 0, 0
    for seen in range(1, 4 + 9):  # the last token that is written is not read
        products += 3 * (place + 2 * layers * d * seen)
        numbers += (place + 3 * 2 * layers * d * seen) * (seen >= 4)  # the prompt is read in one step

    (quick,) = generation.workloads(quick=True)
    assert (SIZE.products, SIZE.least_numbers) == (products, numbers)
    assert (quick.operations, quick.size) == (2 * next(iter(generation.QUICK.values())).products, 6)
