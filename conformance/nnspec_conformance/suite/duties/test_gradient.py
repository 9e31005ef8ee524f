"""The duty of the gradient: that of the call itself, as differences of calls show it along random directions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from nnspec_conformance.answers import at, by_place, held, in_full, name_of, pairs, replaced, slopes, value
from nnspec_conformance.cases import clause
from nnspec_conformance.clauses import own_spec
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
SAME = 1e-4  # what a slope may differ by between that step and the others, of the sum of all terms
WIDE = (6, 4)  # leading axes of the question with larger numbers
SCALE = 4.0  # and how large they are


@dataclass(frozen=True)
class Difference:
    """A gradient times a direction, and two quotients of differences along it.

    Attributes:
        along: the arguments that move.
        told: by the gradient.
        far: the quotient at the full step.
        close: the quotient at half of it.
        allowed: how far the gradient may be off.
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
        """What both quotients come to at the step zero."""
        seen, allowed = np.asarray((4 * self.close - self.far) / 3), np.asarray(self.allowed)
        return Want(seen, allowed, np.zeros(()), "float64", "differences")

    @property
    def is_right(self) -> bool:
        return compare(np.asarray(self.told), self.want).ratio <= 1

    @property
    def is_settled(self) -> bool:
        """Whether another step changes nothing; half of it does beside a kink."""
        return abs(self.far - self.close) <= self.allowed and self.is_fine


@clause("duty.gradient")
def test_gradient(operation: str, readings: dict, lean: bool, trial: Trial) -> None:
    if "float64" not in trial.dtypes:
        raise NotImplementedBySubject("float64, in which differences are taken")
    home = Home(own_spec().operations[operation], readings)
    with trial.part():
        differs(trial, home)
    if not in_full(trial, lean):
        return
    with trial.part():
        leading = WIDE if home.stars else home.leading
        differs(trial, replace(home, leading=leading), scale=SCALE, may_refuse="another shape")
    free = [a.name for a in home.operation.attributes if not a.readings]
    for other in home.with_each(free):
        with trial.part(**{k: v for k, v in other.attributes.items() if home.attributes.get(k) != v}):
            differs(trial, other)


def differs(trial: Trial, home: Home, *, scale: float = 1.0, may_refuse: str = "") -> None:
    """Compare at the first draw that is beside no kink.

    Raises:
        NotImplementedBySubject: every draw is beside one, or the call is too coarse for differences.
    """
    for seed in range(DRAWS):
        arrays = home.arrays("float64", seed=seed, scale=scale)
        cotangents = home.cotangents("float64", seed=seed)
        asked = slopes(home, arrays, cotangents, may_refuse=may_refuse)
        gradients = by_place(arrays, trial.ask(asked))
        found = list(differences(trial, home, arrays, cotangents, gradients, seed))
        if all(one.is_settled or one.is_right for one in found):
            about = f"{asked.describe(trial.setting.told)}: along a random direction, by differences, of"
            for one in found:
                trial.expect(np.asarray(one.told), one.want, f"{about} {one.along}")
            return
    raise NotImplementedBySubject("a place where its differences settle: three draws are beside a kink, or too coarse")


def differences(
    trial: Trial, home: Home, arrays: tuple, cotangents: object, gradients: dict, seed: int
) -> Iterator[Difference]:
    """All arguments that carry a gradient at once, and each alone."""
    moving = {place: array for place, array in held(home, arrays).items() if place in gradients and array.gradient}
    random = np.random.default_rng(seed)
    step = {place: direction(random, at(arrays, place), array, home) for place, array in moving.items()}
    alone = [[place] for place in moving] if len(moving) > 1 else []

    def sums(places: list[Place], h: float) -> tuple[float, float]:
        ahead = {place: np.asarray(at(arrays, place) + h * step[place]) for place in places}
        return total(trial, home, replaced(arrays, ahead), cotangents)

    for places in [list(moving), *alone]:
        (above, size), (below, _) = sums(places, STEP), sums(places, -STEP)
        (high, _), (low, _) = sums(places, STEP / 2), sums(places, -STEP / 2)
        terms = [gradients[place].astype(np.float64) * step[place] for place in places]
        sizes = sum(float(np.abs(t).sum()) for t in terms)
        found = Difference(
            along="all arguments" if len(places) > 1 else f"'{name_of(home, places[0])}'",
            told=sum(float(t.sum()) for t in terms),
            far=(above - below) / (2 * STEP),
            close=(high - low) / STEP,
            allowed=RELATIVE * sizes + NOISE * size / STEP,
        )
        if not found.is_right:
            fine = (sums(places, FINE)[0] - sums(places, -FINE)[0]) / (2 * FINE)
            found = replace(found, is_fine=abs(fine - found.close) <= SAME * sizes + NOISE * size / FINE)
        yield found


def direction(random: np.random.Generator, x: np.ndarray, array: Array, home: Home) -> np.ndarray:
    """A step for each entry, as large as the entry and at least 1, of random sign; what adds up to 1 still does."""
    if not array.normalized:
        return random.choice([-1.0, 1.0], x.shape) * np.maximum(1.0, np.abs(x))
    axis = next(number for number, name in array.named_axes(home.lengths) if name == array.normalized)
    growth = random.standard_normal(x.shape)
    return x * (growth - (x * growth).sum(axis, keepdims=True))


def total(trial: Trial, home: Home, arrays: tuple, cotangents: object) -> tuple[float, float]:
    """The sum of the products of a call's answer with the cotangents, and of their sizes."""
    terms = [c * y.astype(np.float64) for c, y in pairs(cotangents, trial.ask(value(home, arrays)))]
    return sum(float(t.sum()) for t in terms), sum(float(np.abs(t).sum()) for t in terms)
