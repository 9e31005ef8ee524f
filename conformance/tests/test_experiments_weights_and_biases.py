"""What a bias separates: the counts of the experiment against theory."""

import numpy as np

from nnspec_conformance.experiments.components.weights_and_biases import bias_separates


def test_points_that_are_not_in_general_position_realize_fewer():
    line = np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0], [4.0, 4.0]])
    assert bias_separates.count(line, affine=True) == 8 < bias_separates.realized(4, 3)


def test_counts_of_cover():
    assert [bias_separates.realized(n, 2) for n in (2, 3, 4)] == [4, 6, 8]
    assert [bias_separates.realized(n, 3) for n in (3, 4, 5)] == [8, 14, 22]
