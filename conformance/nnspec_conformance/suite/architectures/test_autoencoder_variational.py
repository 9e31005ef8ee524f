"""Tests of architectures/autoencoder: normal distributions, draws with a gradient, and the evidence bound."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case, ErrorCase, call, clause, gradient, refusal
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.inputs import normal_draws, wide
from nnspec_conformance.oracles.architectures import autoencoder as oracle
from nnspec_conformance.tolerance import Want, bound, exact, spread, statistical, ulps, uncorrelated, unit, variance
from nnspec_conformance.trees import mapped
from nnspec_conformance.trial import Trial
from nnspec_conformance.wanted import value_of

BOUNDS: dict[str, Callable] = {"gaussian_bound": oracle.gaussian_bound, "bernoulli_bound": oracle.coin_bound}
GIVEN: dict[str, dict[str, Any]] = {"gaussian_bound": {"variance": 0.75, "beta": 1.5}, "bernoulli_bound": {"beta": 1.5}}
SLOPES: dict[str, Callable] = {
    "gaussian_bound": oracle.gaussian_bound_vjp,
    "bernoulli_bound": oracle.bernoulli_bound_vjp,
}
SEED = 3
LARGE = (170, 1030)
FOURTH = np.sqrt(96)  # the deviation of the fourth power of a normal number
NOISE = 0.6


def told(function: Callable, readings: dict, *names: str) -> Callable:
    """An oracle with those readings that it has, and its rounding."""

    def bound_to(*arrays: Any, rounded: Callable = lambda part: part, **given: Any) -> Any:
        return function(*arrays, rounded=rounded, **{n: readings[n] for n in names if n in readings} | given)

    return bound_to


def moved_by(vjp: Callable, **readings: str) -> Callable[..., Any]:
    """A written gradient, within what it moves when every operand and all on the way is rounded at random."""

    def want(*operands: Any, **given: Any) -> Any:
        arrays = wide(operands)

        def run(rounded: Callable) -> Any:
            return vjp(*mapped(rounded, arrays), **readings, **given, rounded=rounded)

        return spread(run, str(operands[0].dtype))

    return want


# ---- normal distributions


def normals(dtype: str, prior: int = 2, rows: int = 4, code: int = 3) -> tuple[np.ndarray, ...]:
    """Mean and log-variance, and those of a prior, or of none."""
    drawn = [normal_draws(450 + i, (rows, code), "float64") for i in range(4)]
    return tuple(part.astype(DTYPES[dtype]) for part in drawn[: 2 + prior])


@clause("gaussian-divergence.example")
def test_divergence_example(readings: dict) -> Iterator[Case]:
    mean, log_variance = np.array([[1], [0]], np.float32), np.log(np.array([[0.5], [4]])).astype(np.float32)
    want = ulps([0.25 + np.log(2) / 2, 1.5 - np.log(2)], 4, "float32", scale=1.0)
    yield call("gaussian_divergence", mean, log_variance, want=want, note="the log-variance taken for a deviation")


@clause("gaussian-divergence.code")
def test_divergence(readings: dict, lean: bool) -> Iterator[Case]:
    want = value_of(told(oracle.gaussian_divergence, readings, "code"))
    for dtype in ("float32",) if lean else DTYPES:
        yield call("gaussian_divergence", *normals(dtype), want=want, note="the two distributions exchanged")
    mean, log_variance, _, narrower = normals("float32")
    given, note = (mean, log_variance, None, narrower), "the variance of a prior without a mean"
    yield call("gaussian_divergence", *given, want=want(mean, log_variance, 0 * mean, narrower), note=note)
    for prior in (0, 1):
        yield call(
            "gaussian_divergence", *normals("float32", prior), want=want, note="a sum for a mean, or the reverse"
        )


@clause("gaussian-divergence.gradient")
def test_divergence_gradient(readings: dict, lean: bool) -> Iterator[Case]:
    want = moved_by(oracle.gaussian_divergence_vjp, code=readings["code"])
    for dtype in ("float32",) if lean else DTYPES:
        given = normals(dtype)
        g = np.asarray(normal_draws(456, (len(given[0]),), dtype))
        yield gradient(
            "gaussian_divergence", *given, cotangents=g, want=want, note="without the one that is subtracted"
        )
    given = normals("float32", 0)
    g = np.asarray(normal_draws(456, (len(given[0]),), "float32"))
    yield gradient("gaussian_divergence", *given, cotangents=g, want=want, note="a half too much for the mean")


@clause("gaussian-divergence.near-equal")
def test_near_equal(readings: dict) -> Iterator[Case]:
    for dtype, offs in {"float32": (0.0, 1e-3, 1e-5), "float64": (0.0, 1e-5, 1e-9)}.items():
        mean, log_variance, *_ = normals(dtype)
        for off in offs:
            near = log_variance * (1 + np.asarray(off, log_variance.dtype))
            for given in ((mean, near, mean, log_variance), (np.zeros_like(mean), near - log_variance)):
                s = wide(given[1]) - (wide(given[3]) if len(given) > 2 else 0)
                share = s.shape[-1] if readings["code"] == "mean" else 1
                allowed = 8 * unit(dtype) * np.abs(s).sum(-1) * s.shape[-1] / share
                value = ((np.expm1(s) - s).sum(-1) / 2) / share
                want = Want(value, allowed, np.zeros_like(value), dtype, "8 units of the difference")
                yield call("gaussian_divergence", *given, want=want, note="one subtracted from an exponential near 1")


# ---- draws


def spots(dtype: str, shape: tuple[int, ...] = (64, 5)) -> tuple[np.ndarray, np.ndarray]:
    """Means, and log-variances, each of both signs."""
    return normal_draws(460, shape, dtype), normal_draws(461, shape, dtype)


@clause("reparametrize.gradient")
def test_draw_gradient(trial: Trial) -> None:
    for dtype in trial.dtypes:
        given, g = spots(dtype), normal_draws(462, (64, 5), dtype)
        z = wide(np.asarray(trial.call(*given, seed=SEED)))
        m, c = wide(given[0]), wide(g)
        slope = bound(c * (z - m) / 2, np.abs(c) * (np.abs(z) + np.abs(m)), 2, dtype)
        trial.expect(trial.vjp(given, g, seed=SEED), (exact(c, dtype), slope), f"gradient in {dtype}", given)


@clause("reparametrize.moments")
def test_moments(trial: Trial) -> None:
    for dtype in trial.dtypes:
        m, s = (np.resize(part, LARGE) for part in spots(dtype, (97,)))  # 97 is prime: each column has all of them
        m = (m / 4 + 0.5).astype(m.dtype)
        z = trial.draws(m, s, seeds=1)[0]
        normal_by(trial, (z - wide(m)) / np.exp(wide(s) / 2), f"draws in {dtype}")


def normal_by(trial: Trial, found: np.ndarray, about: str) -> None:
    """Mean, variance and fourth moment of standard normal numbers."""
    n = found.size
    trial.expect(found.mean(), statistical(0.0, 1.0, n), f"mean of the {about}")
    trial.expect((found**2).mean(), variance(1.0, 3.0, n), f"variance of the {about}")
    trial.expect((found**4).mean(), statistical(3.0, float(FOURTH), n), f"fourth moment of the {about}")


@clause("reparametrize.independence")
def test_independence(trial: Trial) -> None:
    nothing = np.zeros(LARGE, np.float32)
    unrelated(trial, *trial.draws(nothing, nothing, seeds=2))


@clause("add-noise.independence")
def test_noise_independence(trial: Trial) -> None:
    unrelated(trial, *trial.draws(np.zeros(LARGE, np.float32), seeds=2, deviation=NOISE))


def unrelated(trial: Trial, one: np.ndarray, other: np.ndarray) -> None:
    """No correlation within the draws of a seed, nor with those of another one."""
    pairs = {
        "neighbouring entries": (one[:, 1:], one[:, :-1]),
        "neighbouring examples": (one[1:], one[:-1]),
        "two seeds": (one, other),
        "two seeds, one entry on": (one.ravel()[1:], other.ravel()[:-1]),
    }
    for about, (first, second) in pairs.items():
        found = np.corrcoef(first.ravel(), second.ravel())[0, 1] if first.std() * second.std() else 1.0
        trial.expect(float(found), uncorrelated(first.size), f"correlation of {about}")


@clause("reparametrize.repeatable")
def test_repeatable(trial: Trial, operation: str) -> None:
    how: dict[str, Any] = {"deviation": NOISE} if operation == "add_noise" else {}
    given = spots("float32")[: 1 if how else 2]
    first, again, other = (np.asarray(trial.call(*given, seed=seed, **how)) for seed in (3, 3, 4))
    trial.expect(again, exact(first), "the same seed")
    trial.require(bool((first != other).any()), "another seed gives the same result")


@clause("add-noise.moments")
def test_noise(trial: Trial) -> None:
    for dtype in trial.dtypes:
        x = (np.resize(spots(dtype, (97,))[0], LARGE) / 4 + 0.75).astype(DTYPES[dtype])
        with trial.part(deviation=NOISE):
            noise = (trial.draws(x, seeds=1, deviation=NOISE)[0] - wide(x)) / NOISE
            normal_by(trial, noise, f"noise in {dtype}, over its deviation")
    with trial.part(deviation=2.0):
        x = spots("float32", LARGE)[0]
        normal_by(trial, (trial.draws(x, seeds=1, deviation=2.0)[0] - wide(x)) / 2, "noise of deviation 2, over it")


@clause("add-noise.gradient")
def test_noise_gradient(trial: Trial) -> None:
    for dtype in trial.dtypes:
        x, g = spots(dtype)
        got = trial.vjp((x,), g, seed=SEED, deviation=NOISE)
        trial.expect(got, (exact(g, dtype),), f"gradient in {dtype}", (x,))


@clause("add-noise.zero")
def test_no_noise() -> Iterator[Case]:
    for dtype in DTYPES:
        x = spots(dtype)[0]
        yield call("add_noise", x, seed=SEED, deviation=0.0, want=exact(x, dtype), note="a smallest deviation")


@clause("add-noise.range")
def test_noise_range() -> Iterator[ErrorCase]:
    given = {"seed": SEED, "valid": {"deviation": NOISE}, "note": "a negative deviation"}
    yield refusal("add_noise", spots("float32")[0], deviation=-0.25, **given)


# ---- the evidence bound


def images(operation: str, dtype: str, rows: int = 3, pixels: int = 5, code: int = 2) -> tuple[np.ndarray, ...]:
    """Images, what the decoder gives for them, and mean and log-variance of their codes."""
    x, y = normal_draws(470, (rows, pixels), "float64"), normal_draws(471, (rows, pixels), "float64")
    if operation == "bernoulli_bound":
        x = np.abs(np.sin(3 * x))
    parts = (x, y, normal_draws(472, (rows, code), "float64"), normal_draws(473, (rows, code), "float64"))
    return tuple(part.astype(DTYPES[dtype]) for part in parts)


@clause("evidence-bound.pixels")
def test_bound(operation: str, readings: dict, lean: bool) -> Iterator[Case]:
    want = value_of(told(BOUNDS[operation], readings, "pixels"))
    for dtype in ("float32",) if lean else DTYPES:
        yield call(operation, *images(operation, dtype), **GIVEN[operation], want=want, note="beta for the pixels")
    given = GIVEN[operation] | {"beta": 0.0}
    yield call(operation, *images(operation, "float32"), **given, want=want, note="a beta of 0 taken for none")


@clause("evidence-bound.gradient")
def test_bound_gradient(operation: str, readings: dict, lean: bool) -> Iterator[Case]:
    want = moved_by(SLOPES[operation], pixels=readings["pixels"])
    for dtype in ("float32",) if lean else ("float32", "float64"):
        given = images(operation, dtype)
        g = np.asarray(normal_draws(474, (len(given[0]),), dtype))
        note = "the sign of the divergence"
        yield gradient(operation, *given, **GIVEN[operation], cotangents=g, want=want, note=note)


@clause("evidence-bound.beta")
def test_beta(operation: str) -> Iterator[ErrorCase]:
    given = GIVEN[operation] | {"beta": -0.5}
    note = "a reward for codes far from their prior"
    yield refusal(operation, *images(operation, "float32"), **given, valid={"beta": 0.5}, note=note)


@clause("bernoulli-bound.range")
def test_pixels_range() -> Iterator[ErrorCase]:
    x, *rest = images("bernoulli_bound", "float32")
    for wrong, note in ((1.5, "above 1"), (-0.25, "below 0")):
        other = x.copy()
        other[1, 2] = wrong
        yield refusal("bernoulli_bound", other, *rest, beta=1.0, valid=(x, *rest), note=f"a pixel {note}")


@clause("bernoulli-bound.extremes")
def test_extremes(readings: dict) -> Iterator[Case]:
    far = np.array([100, -100, 1e4, -1e4, 30, -30, 88.5, -90], np.float32)
    x = np.repeat(np.array([0, 0.25, 1], np.float32), len(far))[:, None]
    nothing = np.zeros((len(x), 2), np.float32)
    given = x, np.tile(far, 3)[:, None], nothing, nothing
    told_here = told(oracle.coin_bound, readings, "pixels")
    yield call("bernoulli_bound", *given, beta=1.0, want=value_of(told_here), note="the logarithm of 0")
    want = partial(back_there, partial(oracle.bernoulli_bound_vjp, pixels=readings["pixels"]))
    g = np.ones(len(x), np.float32)
    yield gradient("bernoulli_bound", *given, beta=1.0, cotangents=g, want=want, note="a probability that is clipped")


def back_there(vjp: Callable, *operands: np.ndarray, **given: Any) -> tuple[Want, ...]:
    """The gradients within units of themselves; x - sigmoid is a difference of numbers up to 1, and so is e^s - 1."""
    found = vjp(*wide(operands), **given)
    return tuple(
        ulps(part, 8, "float32", scale=scale) for part, scale in zip(found, (None, 1.0, 1.0, 1.0), strict=True)
    )


# A linear decoder with orthogonal rows, whose distribution of the code is known.
KERNEL = np.array([[1, 0.5, -0.5, 1], [0.5, -1, 1, 0.5]]) * np.array([[1.0], [0.75]])
BIAS, SPREAD = np.array([0.25, -0.5, 1, 0.75]), 0.5


def posterior(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and log-variance of the code, for each x."""
    total = SPREAD + (KERNEL**2).sum(1)
    return (x - BIAS) @ KERNEL.T / total, np.broadcast_to(np.log(SPREAD / total), (len(x), len(KERNEL)))


def log_density(x: np.ndarray) -> np.ndarray:
    """The logarithm of the density of x, without a code."""
    covariance = KERNEL.T @ KERNEL + SPREAD * np.eye(x.shape[1])
    off = x - BIAS
    square = np.einsum("ni,ij,nj->n", off, np.linalg.inv(covariance), off)
    return -(square + np.linalg.slogdet(covariance)[1] + x.shape[1] * oracle.LOG_2_PI) / 2


def averaged(bounds: Callable, x: np.ndarray, mean: np.ndarray, log_variance: np.ndarray, pixels: str) -> np.ndarray:
    """The mean bound over the code: at the ends of one deviation in each direction, which is exact for a square."""
    count = (
        x.shape[1] if pixels == "mean" else 1
    )  # a mean over the pixels is a sum with another beta, over their number
    ends = list(itertools.product((-1, 1), repeat=mean.shape[1]))
    codes = [mean + np.array(end) * np.exp(log_variance / 2) for end in ends]
    rows = [np.tile(x, (len(ends), 1)), np.concatenate(codes) @ KERNEL + BIAS]
    rows += [np.tile(part, (len(ends), 1)) for part in (mean, log_variance)]
    return count * np.reshape(bounds(*rows, variance=SPREAD, beta=1 / count), (len(ends), -1)).mean(0)


def held_to(trial: Trial, mean: np.ndarray, log_variance: np.ndarray, x: np.ndarray, about: str) -> None:
    """The mean bound is the logarithm of the density, less the divergence from the true distribution of the code."""
    pixels = trial.readings["pixels"]

    def asked(*rows: np.ndarray, **given: Any) -> np.ndarray:
        return np.asarray(trial.call(*mapped(lambda part: part.astype(np.float32), tuple(rows)), **given), np.float64)

    def run(rounded: Callable) -> np.ndarray:
        def bounds(*rows: np.ndarray, **given: Any) -> np.ndarray:
            return oracle.gaussian_bound(*map(rounded, rows), pixels=pixels, rounded=rounded, **given)

        return averaged(bounds, x, mean, log_variance, pixels)

    moved = spread(run, "float32")
    right = log_density(x) - oracle.gaussian_divergence(mean, log_variance, *posterior(x))
    want = Want(right, moved.allowed, moved.flushed, "float32", moved.tolerance)
    trial.expect(averaged(asked, x, mean, log_variance, pixels), want, about, (x,))


@clause("gaussian-bound.tight")
def test_tight(trial: Trial) -> None:
    x = normal_draws(480, (3, 4), "float64")
    held_to(trial, *posterior(x), x, "mean bound over the true distribution of the code")


@clause("gaussian-bound.gap")
def test_gap(trial: Trial) -> None:
    x = normal_draws(480, (3, 4), "float64")
    mean, log_variance = posterior(x)
    for about, given in {
        "the standard normal distribution": (np.zeros_like(mean), np.zeros_like(mean)),
        "another mean": (mean + np.array([0.5, -1]), log_variance),
        "another variance": (mean, log_variance + np.array([-1, 0.5])),
    }.items():
        held_to(trial, *given, x, f"mean bound over {about}")


@clause("gaussian-bound.variance")
def test_variance() -> Iterator[ErrorCase]:
    for wrong in (0.0, -0.5):
        given = {"beta": 1.0, "valid": {"variance": 0.75}, "note": "a variance that is not positive"}
        yield refusal("gaussian_bound", *images("gaussian_bound", "float32"), variance=wrong, **given)
