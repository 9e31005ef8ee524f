"""Tests of architectures/gan: losses by logit, the penalty on a critic's slope, and what is known of distributions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case, ErrorCase, call, clause, gradient, refusal
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.inputs import normal_draws, wide
from nnspec_conformance.oracles.architectures import gan as oracle
from nnspec_conformance.tolerance import Want, bound, spread, ulp, ulps, unit
from nnspec_conformance.trees import mapped
from nnspec_conformance.trial import Trial
from nnspec_conformance.wanted import value_of

KINDS = {"discriminator_loss": oracle.DISCRIMINATOR, "generator_loss": oracle.GENERATOR}
LOSSES = {"discriminator_loss": oracle.discriminator_loss, "generator_loss": oracle.generator_loss}
SLOPES = {"discriminator_loss": oracle.discriminator_loss_vjp, "generator_loss": oracle.generator_loss_vjp}
UNITS = 8  # softplus and sigmoid of a careful program
# The page's example: the kind, the loss of the discriminator, and that of the generator, for the logits 2 and -1.
REAL, FAKE = 2.0, -1.0
EXAMPLE = {"logistic": 0.4401896985611953, "least-squares": 1.0, "hinge": 0.0, "wasserstein": -3.0}
TARGET = 0.75


# ---- losses by logit: no entry beside a kink, both sides of it


def logits(dtype: str, count: int = 24) -> tuple[np.ndarray, np.ndarray]:
    """Logits of real and of made samples, from -4 to 4, none of them 1 or -1."""
    real = np.linspace(-4.1, 4.3, count)
    return real.astype(DTYPES[dtype]), (-0.75 * np.roll(real, 5) + 0.07).astype(DTYPES[dtype])


def arrays(operation: str, dtype: str) -> tuple[np.ndarray, ...]:
    real, fake = logits(dtype)
    return (real, fake) if operation == "discriminator_loss" else (fake,)


def loss_of(operation: str, readings: dict) -> Callable[..., Want]:
    """The loss, within units of itself; the hinge subtracts numbers near 1."""

    def want(*logits: np.ndarray, **given: Any) -> Want:
        told = {name: reading for name, reading in readings.items() if name in ("halves", "squares")}
        scale = 1.0 if given["kind"] == "hinge" else None
        if given["kind"] == "wasserstein":  # two logits may cancel
            scale = np.abs(wide(logits)).max(0) / 4
        return ulps(LOSSES[operation](*wide(logits), **told | given), UNITS, str(logits[0].dtype), scale=scale)

    return want


def slopes_of(operation: str, readings: dict) -> Callable[..., tuple[Want, ...]]:
    def want(*operands: np.ndarray, **given: Any) -> tuple[Want, ...]:
        told = {name: reading for name, reading in readings.items() if name in ("halves", "squares")}
        found, dtype = SLOPES[operation](*wide(operands), **told | given), str(operands[0].dtype)
        return tuple(ulps(g, UNITS, dtype) for g in found)

    return want


def weights_for(x: np.ndarray) -> np.ndarray:
    """Cotangents that differ and multiply exactly."""
    return np.resize(np.array([1.0, -0.5, 2.0, 0.25, -1.0], x.dtype), x.shape)


def pulled_back(vjp: Callable, inside: bool = False) -> Callable[..., tuple[Want, ...]]:
    """What a written gradient moves when every operand is rounded at random, and what it computes on the way."""

    def want(*operands: np.ndarray, **given: Any) -> tuple[Want, ...]:
        arrays = wide(operands)

        def run(rounded: Callable) -> tuple:
            return vjp(*mapped(rounded, arrays), **given, **({"rounded": rounded} if inside else {}))

        return spread(run, str(operands[0].dtype))

    return want


def values(operation: str, readings: dict, kinds: tuple[str, ...], lean: bool, note: str) -> Iterator[Case]:
    want = loss_of(operation, readings)
    for kind in kinds:
        for dtype in ("float32", "float16") if lean else DTYPES:
            yield call(operation, *arrays(operation, dtype), kind=kind, want=want, note=note)


@clause("discriminator-loss.example")
def test_example(readings: dict) -> Iterator[Case]:
    given, half = (np.array([REAL], np.float32), np.array([FAKE], np.float32)), readings["halves"] == "mean"
    for kind, loss in EXAMPLE.items():
        if kind == "least-squares" and readings["squares"] == "whole":
            loss = 2 * loss
        want = ulps([loss / 2 if half else loss], 4, "float32", scale=1.0)
        yield call("discriminator_loss", *given, kind=kind, want=want, note="real and made samples exchanged")


@clause("discriminator-loss.value")
def test_discriminator_loss(readings: dict, lean: bool) -> Iterator[Case]:
    yield from values("discriminator_loss", readings, oracle.DISCRIMINATOR, lean, "real and made samples exchanged")


@clause("discriminator-loss.halves")
def test_halves(readings: dict, lean: bool) -> Iterator[Case]:
    yield from values("discriminator_loss", readings, ("logistic", "hinge"), lean, "a sum of halves for their mean")
    zero = np.zeros(3, np.float32)
    want = loss_of("discriminator_loss", readings)
    yield call("discriminator_loss", zero, zero, kind="logistic", want=want, note="log 4 or log 2 at the equilibrium")


@clause("gan.squares")
def test_squares(operation: str, readings: dict, lean: bool) -> Iterator[Case]:
    yield from values(operation, readings, ("least-squares",), lean, "the half of the square")


@clause("generator-loss.value")
def test_generator_loss(readings: dict, lean: bool) -> Iterator[Case]:
    yield from values("generator_loss", readings, oracle.GENERATOR, lean, "another loss under the name")


@clause("gan.gradient")
def test_gradient(operation: str, readings: dict, lean: bool) -> Iterator[Case]:
    want = slopes_of(operation, readings)
    for kind in KINDS[operation]:
        for dtype in ("float32",) if lean else DTYPES:
            given = arrays(operation, dtype)
            g = weights_for(given[0])
            yield gradient(operation, *given, kind=kind, cotangents=g, want=want, note="a mean over the batch")


@clause("gan.extremes")
def test_extremes(operation: str, readings: dict) -> Iterator[Case]:
    far = np.array([100, -100, 1e4, -1e4, 30, -30, 88.5, -90, 17, -17], np.float32)
    given = (far, -far[::-1]) if operation == "discriminator_loss" else (far,)
    for kind in KINDS[operation]:
        yield call(operation, *given, kind=kind, want=loss_of(operation, readings), note="the logarithm of 0")
        want = slopes_of(operation, readings)
        yield gradient(operation, *given, kind=kind, cotangents=weights_for(far), want=want, note="a clipped logit")


@clause("generator-loss.saturation")
def test_saturation() -> Iterator[Case]:
    a = -np.array([0.5, 3, 10, 20, 40, 60, 80], np.float32)
    want, one = slopes_of("generator_loss", {}), np.ones_like(a)
    for kind in ("minimax", "non-saturating"):
        yield gradient("generator_loss", a, kind=kind, cotangents=one, want=want, note="one loss for the other")


@clause("discriminator-loss.kinks")
def test_kinks(trial: Trial, readings: dict) -> None:
    real, fake = np.array([1, 1, 3], np.float32), np.array([-1, 2, -1], np.float32)
    half = 0.5 if readings["halves"] == "mean" else 1.0
    for_real, for_fake = trial.vjp((real, fake), np.ones_like(real), kind="hinge")
    for name, g, kink in (("real", for_real, real == 1), ("fake", for_fake, fake == -1)):
        least, most = (-half, 0.0) if name == "real" else (0.0, half)
        inside = bool(((g[kink] >= least) & (g[kink] <= most)).all())
        trial.require(inside, f"at the kink the gradient for {name} is {g[kink]}, not between {least:g} and {most:g}")


# ---- the penalty


def critic(dtype: str, points: int = 6) -> tuple[np.ndarray, ...]:
    """Points and a critic with slopes on both sides of every target that is asked."""
    x, kernel = normal_draws(301, (points, 3), "float64"), normal_draws(302, (3, 4), "float64")
    bias, read = normal_draws(303, (4,), "float64") / 2, normal_draws(304, (4,), "float64")
    return tuple(part.astype(DTYPES[dtype]) for part in (x, kernel, bias, 0.3 * read))


def penalty(readings: dict) -> Callable[..., Any]:
    def told(*arrays: Any, rounded: Callable = lambda part: part, **given: Any) -> Any:
        return oracle.gradient_penalty(*arrays, rounded=rounded, **readings | given)

    return told


@clause("gradient-penalty.value")
def test_penalty(readings: dict, lean: bool) -> Iterator[Case]:
    want = value_of(penalty(readings))
    for dtype in ("float32",) if lean else ("float32", "float64"):
        for target in (1.0, TARGET, 0.0):
            note = "the length of all slopes together, or 1 for a target of 0"
            yield call("gradient_penalty", *critic(dtype), target=target, want=want, note=note)


@clause("gradient-penalty.sides")
def test_sides(readings: dict) -> Iterator[Case]:
    want = value_of(penalty(readings))
    for target in (0.25, 2.0):
        yield call("gradient_penalty", *critic("float32"), target=target, want=want, note="a slope below the target")


@clause("gradient-penalty.gradient")
def test_penalty_gradient(readings: dict, lean: bool) -> Iterator[Case]:
    want = pulled_back(partial(oracle.gradient_penalty_vjp, **readings), inside=True)
    for dtype in ("float32",) if lean else ("float32", "float64"):
        given = critic(dtype)
        g = weights_for(given[0][:, 0])
        note = "the slope taken for a constant"
        yield gradient("gradient_penalty", *given, target=TARGET, cotangents=g, want=want, note=note)


@clause("gradient-penalty.at-target")
def test_at_target() -> Iterator[Case]:
    """A critic of one unit, which stands at 1: its slope is (0.6, 0.8)."""
    given = tuple(np.array(part, np.float32) for part in ([[0, 0]], [[0.6], [0.8]], [1], [1]))
    u = unit("float32")
    allowed = Want(np.zeros(1), np.full(1, (4 * u) ** 2), np.zeros(1), "float32", "exact")
    yield call("gradient_penalty", *given, target=1.0, want=allowed, note="the slope squared, less the target")
    want = tuple(
        Want(np.zeros(part.shape), np.full(part.shape, 16 * u), np.zeros(part.shape), "float32", "exact")
        for part in given
    )
    g = np.ones(1, np.float32)
    yield gradient("gradient_penalty", *given, target=1.0, cotangents=g, want=want, note="a slope times 2")


@clause("gradient-penalty.no-slope")
def test_no_slope(trial: Trial, readings: dict) -> None:
    x, kernel, bias, read = critic("float32")
    given = (x, kernel, bias, np.zeros_like(read))
    found = np.asarray(trial.call(*given, target=TARGET))
    right = 0.0 if readings["sides"] == "one" else TARGET**2
    trial.require(bool((found == right).all()), f"the penalty without a slope is {found[0]}, right is {right}")
    gradients = trial.vjp(given, np.ones(len(x), np.float32), target=TARGET)
    names = ("x", "kernel", "bias", "read")
    bad = [name for name, g in zip(names, gradients, strict=True) if not np.isfinite(np.asarray(g)).all()]
    trial.require(not bad, f"where the slope is 0 the gradient is not finite for {', '.join(bad)}")


# ---- distributions


def distributions(dtype: str) -> tuple[np.ndarray, ...]:
    """What a discriminator says, and two distributions, over five points; one pair is nearly the same."""
    weights = np.abs(normal_draws(305, (2, 4, 5), "float64")) + 0.1
    weights[1, 3] = weights[0, 3] * (1 + 0.02 * np.arange(5))
    p, q = weights / weights.sum(-1, keepdims=True)
    d = 0.05 + 0.9 * np.abs(np.sin(np.arange(20.0))).reshape(4, 5)
    return tuple(part.astype(DTYPES[dtype]) for part in (d, p, q))


def divergence(form: str) -> Callable[..., Want]:
    """The divergence, within the rounding of the sum of its terms, and of 2p and p + q in their quotient."""

    def want(p: np.ndarray, q: np.ndarray) -> Want:
        a, b = wide((p, q))
        terms = np.abs(oracle.plogp(a, 2 * a / np.where(a + b == 0, 1, a + b)))
        terms = terms + np.abs(oracle.plogp(b, 2 * b / np.where(a + b == 0, 1, a + b)))
        found = bound(oracle.jensen_shannon(a, b), (terms + a + b).sum(-1) / 2, p.shape[-1] + 2, str(p.dtype))
        if form == "divergence":
            return found
        root = np.sqrt(np.maximum(found.value, 0))
        moved = np.maximum(
            np.sqrt(found.value + found.allowed) - root, root - np.sqrt(np.maximum(found.value - found.allowed, 0))
        )
        return Want(root, moved + 2 * ulp(root, found.dtype), found.flushed, found.dtype, found.tolerance)

    return want


@clause("gan-value.value")
def test_gan_value() -> Iterator[Case]:
    for dtype in ("float32", "float64"):
        yield call("gan_value", *distributions(dtype), want=value_of(oracle.value), note="log d for log(1 - d)")


def slopes_of_the_game(d: np.ndarray, p: np.ndarray, q: np.ndarray, g: np.ndarray) -> tuple[Want, ...]:
    """The gradients; 1 - d is rounded, which moves its logarithm by a unit of 1."""
    dtype, (d, p, q, g) = str(d.dtype), wide((d, p, q, g))
    of_d, of_p, of_q = oracle.gan_value_vjp(d, p, q, g)
    size = np.abs(g)[..., None]
    quotients = bound(of_d, size * (p / d + q / (1 - d)), 4, dtype)
    return quotients, ulps(of_p, 8, dtype), ulps(of_q, 8, dtype, scale=size)


@clause("gan-value.gradient")
def test_gan_value_gradient() -> Iterator[Case]:
    for dtype in ("float32", "float64"):
        given = distributions(dtype)
        g, note = weights_for(given[0][:, 0]), "the half of the made samples left out"
        yield gradient("gan_value", *given, cotangents=g, want=slopes_of_the_game, note=note)


@clause("gan-value.optimum")
def test_optimum() -> Iterator[Case]:
    for dtype in ("float32", "float64"):
        _, p, q = distributions(dtype)
        d = (p / (p + q)).astype(p.dtype)
        a, b = wide((p, q))
        value = 2 * oracle.jensen_shannon(a, b) - np.log(4)
        sizes = np.abs(oracle.plogp(a, a / (a + b))) + np.abs(oracle.plogp(b, b / (a + b))) + a + b
        want = bound(value, sizes.sum(-1), p.shape[-1] + 2, dtype)
        yield call("gan_value", d, p, q, want=want, note="the half of the generator alone")
        off = bound(np.zeros_like(a), 2 * (a + b), 3, dtype)
        back = (off, *(ulps(part, 8, dtype, scale=1.0) for part in (np.log(a / (a + b)), np.log(b / (a + b)))))
        g = np.ones(len(p), p.dtype)
        yield gradient("gan_value", d, p, q, cotangents=g, want=back, note="no sign between the two halves")


@clause("gan-value.edges")
def test_edges(operation: str, readings: dict) -> Iterator[Case]:
    p, q = (np.array(part, np.float32) for part in ([[0.5, 0.5, 0, 0]], [[0, 0.25, 0.75, 0]]))
    d, note = np.array([[1, 0.5, 0, 0]], np.float32), "0 times the logarithm of 0"
    if operation == "gan_value":
        value = 0.5 * np.log(0.5) + 0.25 * np.log(0.5)
        yield call(operation, d, p, q, want=ulps([value], 8, "float32", scale=1.0), note=note)
    else:
        yield call(operation, p, q, want=divergence(readings["form"]), note=note)


@clause("jensen-shannon.form")
def test_form(readings: dict) -> Iterator[Case]:
    for dtype in ("float32", "float64"):
        _, p, q = distributions(dtype)
        yield call("jensen_shannon", p, q, want=divergence(readings["form"]), note="the root, or another base")


@clause("jensen-shannon.ends")
def test_ends(readings: dict) -> Iterator[Case]:
    _, p, _ = distributions("float32")
    apart = tuple(np.array(part, np.float32) for part in ([[0.25, 0.75, 0, 0]], [[0, 0, 0.5, 0.5]]))
    for pair in ((p, p), apart):
        yield call("jensen_shannon", *pair, want=divergence(readings["form"]), note="a logarithm to base 2")


@clause("jensen-shannon.gradient")
def test_divergence_gradient(readings: dict) -> Iterator[Case]:
    def want(p: np.ndarray, q: np.ndarray, g: np.ndarray) -> tuple[Want, ...]:
        a, b, c = wide((p, q, g))
        found, size = oracle.jensen_shannon_vjp(a, b, c, form=readings["form"]), np.abs(c[..., None]) / 2
        if readings["form"] == "distance":
            size = size / (2 * oracle.jensen_shannon(a, b, form="distance")[..., None])
        return tuple(ulps(part, UNITS, str(p.dtype), scale=size) for part in found)

    for dtype in ("float32", "float64"):
        _, p, q = (part[:3] for part in distributions(dtype))
        g = weights_for(p[:, 0])
        yield gradient("jensen_shannon", p, q, cotangents=g, want=want, note="without the half")


@clause("gan-value.range")
def test_range(operation: str) -> Iterator[ErrorCase]:
    d, p, q = distributions("float32")
    first = np.zeros_like(p)
    first[1, 1] = 1
    given = (d, p, q) if operation == "gan_value" else (p, q)
    for wrong, note in ((1.5, "above 1"), (-0.25, "below 0")):
        for at in range(len(given)):
            bad = [np.where(first == 1, np.float32(wrong), x) if i == at else x for i, x in enumerate(given)]
            yield refusal(operation, *bad, valid=given, note=f"array {at} has a probability {note}")
