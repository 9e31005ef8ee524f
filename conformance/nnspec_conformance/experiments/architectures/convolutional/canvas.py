"""Digits of half their size on a canvas: at random places, with exchanged pixels, and moving in short clips."""

from __future__ import annotations

import numpy as np

from nnspec_conformance.experiments.architectures.convolutional import digits

SIDE, SMALL = 28, digits.SIDE // 2
DIRECTIONS = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))  # rows and columns for each frame


def placed(x: np.ndarray, draws: np.random.Generator) -> np.ndarray:
    """Canvases [n, 28, 28, 1], each with one digit; all places are equally probable."""
    places = draws.integers(0, SIDE - SMALL + 1, (len(x), 2))
    return _canvases(_small(x), places)[..., None]


def exchanged(x: np.ndarray, draws: np.random.Generator) -> np.ndarray:
    """The pixels of every image in one other order."""
    order = draws.permutation(SIDE * SIDE)
    return x.reshape(len(x), -1)[:, order].reshape(x.shape)


def clips(x: np.ndarray, draws: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Clips [n, 28, 28, 3] of three frames, in which a digit moves by a pixel a frame, and the number of its direction.

    The middle frame tells nothing about the direction: the places of its digit are those from which all directions are
    possible, and equally probable.
    """
    places = draws.integers(1, SIDE - SMALL, (len(x), 2))
    labels = draws.integers(0, len(DIRECTIONS), len(x))
    moves, small = np.array(DIRECTIONS)[labels], _small(x)
    frames = [_canvases(small, places + time * moves) for time in (-1, 0, 1)]
    return np.stack(frames, -1), labels.astype(np.int32)


def pairs(x: np.ndarray, labels: np.ndarray, draws: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Clips of three frames with two digits of different classes, and the class of the one that moves by two pixels.

    The middle frame does not tell which of the two it is: the places of both are equally probable in it.
    """
    other = np.array([draws.choice(np.flatnonzero(labels != label)) for label in labels])
    places, rests = draws.integers(2, SIDE - SMALL - 1, (2, len(x), 2))
    moves, small = 2 * np.array(DIRECTIONS)[draws.integers(0, len(DIRECTIONS), len(x))], _small(x)
    at_rest = _canvases(small[other], rests)
    frames = [np.maximum(_canvases(small, places + time * moves), at_rest) for time in (-1, 0, 1)]
    return np.stack(frames, -1), labels


def _small(x: np.ndarray) -> np.ndarray:
    """Every square of 2 x 2 pixels by its mean."""
    return x.reshape(len(x), SMALL, 2, SMALL, 2).mean((2, 4))


def _canvases(small: np.ndarray, places: np.ndarray) -> np.ndarray:
    canvas = np.zeros((len(small), SIDE, SIDE), np.float32)
    for image, digit, (row, column) in zip(canvas, small, places, strict=True):
        image[row : row + SMALL, column : column + SMALL] = digit
    return canvas
