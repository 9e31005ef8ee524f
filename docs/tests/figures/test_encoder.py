"""The figure of architectures/transformer/encoder is what the definition says."""

import numpy as np

from nnspec_site.figures import causal_cone


def test_all_results_see_the_whole_sequence_or_what_comes_before_and_no_padding():
    everything, causal = causal_cone.depends()
    n = causal_cone.LENGTH
    assert everything[:n, :n].all()
    np.testing.assert_array_equal(causal[:n, :n], np.tri(n, dtype=bool))
    assert not everything[:, n:].any()
    assert not causal[:, n:].any()
