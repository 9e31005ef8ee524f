"""Nine speakers who say two vowels: 640 utterances of 7 to 29 frames, each of 12 numbers.

M. Kudo, J. Toyama and M. Shimbo, Japanese Vowels, UCI Machine Learning Repository, 1999 (CC BY 4.0), as aeon 1.6.0
ships it, with its split. The numbers are stored in millionths, so that none is changed.
"""

from __future__ import annotations

import importlib.resources
from dataclasses import dataclass

import numpy as np

LONGEST, NUMBERS, SPEAKERS = 29, 12, 9


@dataclass(frozen=True)
class Utterances:
    """Sequences of frames, and who speaks.

    Attributes:
        x: [utterances, 29, 12], zeros behind the end.
        lengths: how many frames each has.
        speakers: from 0 to 8.
    """

    x: np.ndarray
    lengths: np.ndarray
    speakers: np.ndarray

    def each(self) -> list[np.ndarray]:
        """The frames of every utterance."""
        return [x[:n] for x, n in zip(self.x, self.lengths, strict=True)]


def utterances(part: str) -> Utterances:
    """The utterances to learn from, ``train``, or to test with, ``test``."""
    file = importlib.resources.files(__package__ or "").joinpath("japanese_vowels.npz")
    with file.open("rb") as opened, np.load(opened) as stored:
        frames, lengths, speakers = (stored[f"{part}_{name}"] for name in ("frames", "lengths", "speakers"))
    x = np.zeros((len(lengths), LONGEST, NUMBERS))
    x[np.arange(LONGEST) < lengths[:, None]] = frames / 1e6
    return Utterances(x, lengths.astype(np.int32), speakers.astype(np.int32) - 1)


def summaries(found: Utterances) -> np.ndarray:
    """Mean and deviation of each of the twelve numbers over an utterance: what is left without the order."""
    return np.array([np.concatenate([frames.mean(0), frames.std(0)]) for frames in found.each()])
