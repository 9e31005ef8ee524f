"""The figure of architectures/transformer/decoder shows the shapes that there are."""

import numpy as np

from nnspec_conformance.oracles.architectures.transformer import attention, multi_head_attention
from nnspec_conformance.suite.architectures.transformer import test_decoder as suite
from nnspec_site.figures import encoder_decoder_shapes as figure

SIZES = {"B": suite.BATCH, "S": suite.PLACES, "T": suite.TIME, "H": 2, "d": 8}


def filled(words: str) -> tuple[int, ...]:
    return tuple(SIZES[word] for word in words.strip("[]").split(", "))


def test_scores_and_results_have_the_shapes_of_the_figure(monkeypatch):
    asked, found = suite.asking("encoder_decoder"), []

    def seen(q, k, *rest, **given):
        found.append((len(q), q.shape[2], q.shape[1], k.shape[1]))
        return attention.attention(q, k, *rest, **given)

    monkeypatch.setattr(multi_head_attention, "attention", seen)
    y = suite.oracle.encoder_decoder(*asked.arrays, norm="post", epsilon=suite.EPSILON)
    sides = [sides for parts in figure.PARTS.values() for _, *sides in parts if sides[0]]
    assert found == [filled(figure.scores(*pair)) for pair in sides]
    assert np.shape(y) == filled(figure.shape("target"))
    assert asked.source.shape == filled(figure.shape("source"))
