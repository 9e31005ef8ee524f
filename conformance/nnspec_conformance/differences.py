"""Differences of a subject's own answers: what they say of a slope, and how far it may be off."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from nnspec_conformance.answers import name_of
from nnspec_conformance.compare import compare
from nnspec_conformance.errors import NotImplementedBySubject
from nnspec_conformance.home import Home
from nnspec_conformance.operations import Array, Place
from nnspec_conformance.tolerance import Want
from nnspec_conformance.trial import Trial

STEP = 2.0**-17  # of the first quotient; the second has half of it
DRAWS = 3  # of which one has to be away from every kink
RELATIVE = 1e-7  # of the sum of all terms
NOISE = 16 * 2.0**-52  # of a call's sum, over the step
FINE = 2.0**-30  # a step that is lost in float32
SETTLED = 1e-6  # what two quotients away from a kink may differ by, of the larger
SAME = 1e-4  # what a slope may differ by between that step and the others, of the sum of all terms
WIDE = (6, 4)  # leading axes of the question with larger numbers
SCALE = 4.0  # and how large they are
MOST_ALONE = 8  # arrays that move by themselves in the lean plan; of more of them some move together


@dataclass(frozen=True)
class Difference:
    """A slope as it is told, and two quotients of differences.

    Attributes:
        along: the arguments that move.
        told: by the gradient.
        far: the quotient at the full step.
        close: the quotient at half of it, or the same where that was not needed.
        allowed: how far what is told may be off.
        is_fine: whether a far smaller step shows the same slope; it does not in a call that computes in float32.
    """

    along: str
    told: float
    far: float
    close: float
    allowed: float
    is_fine: bool = True

    @property
    def want(self) -> Want:
        """What the quotients come to at the step zero."""
        seen, allowed = np.asarray((4 * self.close - self.far) / 3), np.asarray(self.allowed)
        return Want(seen, allowed, np.zeros(()), "float64", "differences")

    @property
    def is_right(self) -> bool:
        return compare(np.asarray(self.told), self.want).ratio <= 1

    @property
    def is_settled(self) -> bool:
        """Whether another step changes nothing; half of it does beside a kink."""
        least = SETTLED * max(abs(self.far), abs(self.close))
        return abs(self.far - self.close) <= max(self.allowed, least) and self.is_fine


def difference(sums: Callable[[float], tuple[float, float]], terms: list[np.ndarray], along: str) -> Difference:
    """What the sum of some terms says of a slope, beside what differences say.

    Args:
        sums: of a step along the direction: the sum whose slope it is, and the sum of the sizes of what is added there.
        terms: the products of gradient and direction.
        along: the arguments that move.
    """
    (above, size), (below, _) = sums(STEP), sums(-STEP)
    far, sizes = (above - below) / (2 * STEP), sum(float(np.abs(t).sum()) for t in terms)
    found = Difference(
        along=along,
        told=sum(float(t.sum()) for t in terms),
        far=far,
        close=far,  # the second quotient is taken where the first says something else
        allowed=RELATIVE * sizes + NOISE * size / STEP,
    )
    if found.is_right:
        return found
    (high, _), (low, _) = sums(STEP / 2), sums(-STEP / 2)
    found = replace(found, close=(high - low) / STEP)
    if found.is_right:
        return found
    fine = (sums(FINE)[0] - sums(-FINE)[0]) / (2 * FINE)
    is_fine = abs(fine - found.close) <= SAME * sizes + NOISE * size / FINE
    return replace(found, is_fine=is_fine)


def expect_where_settled(trial: Trial, drawn: Callable[[int], tuple[str, list[Difference]]]) -> None:
    """Compare at the first draw that is beside no kink.

    Args:
        trial: who is asked.
        drawn: of a seed, the question in words and its differences.

    Raises:
        NotImplementedBySubject: every draw is beside one, or the call is too coarse for differences.
    """
    for seed in range(DRAWS):
        about, found = drawn(seed)
        if all(one.is_settled or one.is_right for one in found):
            for one in found:
                trial.expect(
                    np.asarray(one.told), one.want, f"{about}: along a random direction, by differences, of {one.along}"
                )
            return
    raise NotImplementedBySubject("a place where its differences settle: three draws are beside a kink, or too coarse")


def shares(places: Sequence[Place], lean: bool) -> list[list[Place]]:
    """Each array alone; in the lean plan some of many together, since each is two calls or more.

    Arrays that lie beside one another in a table move in turns of their own: a mistake in one moves its share's sum.
    """
    if not lean or len(places) <= MOST_ALONE:
        return [[place] for place in places]
    return [list(places[i::MOST_ALONE]) for i in range(MOST_ALONE)]


def named_together(home: Home, places: Sequence[Place]) -> str:
    """The arrays in words."""
    return " and ".join(f"'{name_of(home, place)}'" for place in places)


def direction(random: np.random.Generator, x: np.ndarray, array: Array, home: Home) -> np.ndarray:
    """A step for each entry, as large as the entry and at least 1, of random sign; what adds up to 1 still does."""
    if not array.normalized:
        return random.choice([-1.0, 1.0], x.shape) * np.maximum(1.0, np.abs(x))
    axis = next(number for number, name in array.named_axes(home.lengths) if name == array.normalized)
    growth = random.standard_normal(x.shape)
    return x * (growth - (x * growth).sum(axis, keepdims=True))
