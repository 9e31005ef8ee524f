"""Figures of architectures/stacked_recurrent are what the definition says."""

import numpy as np

from nnspec_site.figures import bidirectional_halves


def test_the_halves_see_what_comes_before_and_what_comes_after_and_no_padding():
    forward, backward = bidirectional_halves.depends()
    n = bidirectional_halves.LENGTH
    np.testing.assert_array_equal(forward[:n, :n], np.tri(n, dtype=bool))
    np.testing.assert_array_equal(backward[:n, :n], np.tri(n, dtype=bool).T)
    assert not forward[:, n:].any()
    assert not backward[:, n:].any()


def test_the_framed_state_of_each_half_has_seen_the_whole_sequence():
    for half, found in enumerate(bidirectional_halves.depends()):
        assert found[bidirectional_halves.last(half), : bidirectional_halves.LENGTH].all()
