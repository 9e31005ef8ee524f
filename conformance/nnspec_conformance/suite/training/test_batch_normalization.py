"""Tests of training/batch_normalization: training, use, running statistics, and the theorems about them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from nnspec_conformance.cases import Case, ErrorCase, call, clause, gradient, refusal
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.errors import Refused
from nnspec_conformance.inputs import normal_draws, wide
from nnspec_conformance.oracles.training import batch_normalization as oracle
from nnspec_conformance.tolerance import Shape, Want, bound, carried, exact, spread, ulps, unit
from nnspec_conformance.trees import mapped
from nnspec_conformance.trial import Trial
from nnspec_conformance.wanted import value_of

EPSILON = 0.05  # large enough to matter beside a variance of 1
FEATURES = 3
EXAMPLES = (6,)  # of six numbers the variance by n - 1 is a fifth larger
IMAGES = (2, 3, 4)  # examples, rows and columns
ORACLES = {"batch_norm": oracle.batch_norm, "batch_norm_eval": oracle.batch_norm_eval}
X, Y, COTANGENT, SLOPE = (1, 1, 1, 5), (0, 0, 0, 4), (1, 0, 0, 0), (0.6875, -0.3125, -0.3125, -0.0625)  # of the page
WIDE_DTYPES = ("float32", "float64")


def batch(dtype: str = "float32", leading: tuple[int, ...] = EXAMPLES, seed: int = 120) -> np.ndarray:
    """Features of different mean and size; no mean is larger than two deviations."""
    x = normal_draws(seed, (*leading, FEATURES), "float64") * [1.0, 2.0, 0.5] + [0.5, -1.0, 0.75]
    return x.astype(DTYPES[dtype])


def weights(dtype: str = "float32", features: int = FEATURES) -> tuple[np.ndarray, np.ndarray]:
    """Scale and shift: no entry zero, no two alike."""
    scale = (normal_draws(121, (features,), "float64") + 2).astype(DTYPES[dtype])
    return scale, normal_draws(122, (features,), dtype)


def statistics(dtype: str = "float32") -> tuple[np.ndarray, np.ndarray]:
    """A running mean and a running variance, neither of them those of the batch or of a start."""
    return np.array([-0.75, 0.5, 1.25]).astype(DTYPES[dtype]), np.array([0.5, 2.5, 1.5]).astype(DTYPES[dtype])


def given(operation: str, dtype: str = "float32", leading: tuple[int, ...] = EXAMPLES) -> tuple[np.ndarray, ...]:
    """The arrays of a call without scale and shift."""
    return (batch(dtype, leading), *(statistics(dtype) if operation == "batch_norm_eval" else ()))


def of_training(x: np.ndarray, *rest: np.ndarray, epsilon: float) -> tuple[Want, ...]:
    """What is expected of the gradients: 8 times what they move when every operand is rounded, plus an ulp."""
    arrays = wide((x, *rest))
    return spread(lambda r: oracle.batch_norm_vjp(*mapped(r, arrays), epsilon=epsilon, rounded=r), str(x.dtype))


def of_use(x: np.ndarray, *rest: np.ndarray, epsilon: float) -> tuple[Want | Shape, ...]:
    arrays = wide((x, *rest))
    found = spread(lambda r: oracle.batch_norm_eval_vjp(*mapped(r, arrays), epsilon=epsilon, rounded=r), str(x.dtype))
    return (found[0], Shape(None), Shape(None), *found[3:])


# ---- values


@clause("batch-norm.example")
def test_example() -> Iterator[Case]:
    x, y, g, dx = (np.array(part, np.float32)[:, None] for part in (X, Y, COTANGENT, SLOPE))
    arrays = (x, np.array([2], np.float32), np.array([1], np.float32))
    yield call("batch_norm", *arrays, epsilon=1.0, want=ulps(y, 2, "float32", scale=4), note="epsilon beside the root")
    want = (ulps(dx, 4, "float32", scale=1), *(ulps(np.array([s]), 4, "float32", scale=1) for s in (-0.5, 1.0)))
    yield gradient("batch_norm", *arrays, epsilon=1.0, cotangents=g, want=want, note="statistics held constant")


@clause("batch-norm-update.example")
def test_update_example(readings: dict) -> Iterator[Case]:
    arrays = (np.array(X, np.float32)[:, None], np.zeros(1, np.float32), np.ones(1, np.float32))
    variance = {"unbiased": 1.75, "biased": 1.5}[readings["running_variance"]]
    want = tuple(ulps(np.array([y]), 2, "float32", scale=1) for y in (0.5, variance))
    yield call("batch_norm_update", *arrays, decay=0.75, want=want, note="the decay the other way round")


@clause("batch-norm.value")
def test_value(lean: bool) -> Iterator[Case]:
    want, name = value_of(oracle.batch_norm), "batch_norm"
    for dtype in DTYPES:
        yield call(name, batch(dtype), *weights(dtype), epsilon=EPSILON, want=want, note="the variance by n - 1")
    yield call(name, batch(leading=IMAGES), *weights(), epsilon=EPSILON, want=want, note="a mean for each position")
    nothing = np.array([0, 1, 1], np.float32), np.array([1, 0, 1], np.float32)
    zeros = [weight * where for weight, where in zip(weights(), nothing, strict=True)]
    yield call(name, batch(), *zeros, epsilon=EPSILON, want=want, note="a weight of zero for one left out")
    for leading in ((2,), (5,), (17,), (300,)) if lean else ((2,), (5,), (8,), (17,), (64, 3), (300,)):
        x = batch(leading=leading)
        yield call(name, x, *weights(), epsilon=EPSILON, want=want, note="a batch in two parts")


@clause("batch-norm-eval.value")
def test_eval() -> Iterator[Case]:
    want, name = value_of(oracle.batch_norm_eval), "batch_norm_eval"
    for dtype in DTYPES:
        arrays = (*given(name, dtype), *weights(dtype))
        yield call(name, *arrays, epsilon=EPSILON, want=want, note="the statistics of the batch")
    for leading in (IMAGES, (1,)):
        yield call(name, *given(name, leading=leading), *weights(), epsilon=EPSILON, want=want, note="a batch of one")


def only(place: int, readings: dict) -> Callable:
    """The running mean or the running variance; the other may be whatever it is."""
    right = value_of(oracle.batch_norm_update)

    def want(*arrays: np.ndarray, **attributes: float) -> tuple:
        found = right(*arrays, **{"running_variance": readings["running_variance"]} | attributes)
        return tuple(w if i == place else Shape(w.value.shape, w.dtype) for i, w in enumerate(found))

    return want


@clause("batch-norm-update.mean")
def test_mean(readings: dict, lean: bool) -> Iterator[Case]:
    want, name = only(0, readings), "batch_norm_update"
    for dtype in WIDE_DTYPES:
        for decay in (0.75, 0.0) if dtype == "float32" else (0.75,):
            arrays = (batch(dtype), *statistics(dtype))
            yield call(name, *arrays, decay=decay, want=want, note="the decay the other way round")
    arrays = (batch(leading=IMAGES), *statistics())
    yield call(name, *arrays, decay=0.75, want=want, note="a mean for each position")


@clause("batch-norm-update.variance")
def test_variance(readings: dict) -> Iterator[Case]:
    def want(*arrays: np.ndarray, **attributes: float) -> tuple:
        told = {"running_variance": readings["running_variance"]} | attributes
        return value_of(oracle.batch_norm_update)(*arrays, **told)

    name = "batch_norm_update"
    for dtype in WIDE_DTYPES:
        arrays = (batch(dtype), *statistics(dtype))
        yield call(name, *arrays, decay=0.75, want=want, note="another divisor")
    for leading in ((2,), (17,)):
        x = batch(leading=leading) * (np.arange(FEATURES * leading[0]).reshape(*leading, FEATURES) % 5 != 1)
        arrays = (x, *statistics())
        yield call(name, *arrays, decay=0.75, want=want, note="another divisor")
    arrays = (batch(leading=IMAGES), *statistics())
    yield call(name, *arrays, decay=0.75, want=want, note="a divisor that counts the examples, not the positions")


@clause("batch-norm.weights-left-out")
def test_weights_left_out(operation: str) -> Iterator[Case]:
    arrays, want = given(operation), value_of(ORACLES[operation])
    for count in range(2):
        note = "zeros for the scale"
        yield call(operation, *arrays, *weights()[:count], epsilon=EPSILON, want=want, note=note)
    if operation == "batch_norm":
        yield gradient(
            operation, *arrays, epsilon=EPSILON, cotangents=normal_draws(123, arrays[0].shape), want=of_training,
            note="a gradient for a weight that is not there",
        )  # fmt: skip


# ---- gradients


@clause("batch-norm.gradient")
def test_gradient() -> Iterator[Case]:
    for dtype, leading in (*((dtype, EXAMPLES) for dtype in DTYPES), ("float32", IMAGES)):
        arrays, g = (batch(dtype, leading), *weights(dtype)), normal_draws(123, (*leading, FEATURES), dtype)
        note = "statistics held constant"
        yield gradient("batch_norm", *arrays, epsilon=EPSILON, cotangents=g, want=of_training, note=note)


@clause("batch-norm-eval.gradient")
def test_eval_gradient() -> Iterator[Case]:
    name = "batch_norm_eval"
    for dtype, leading in (*((dtype, EXAMPLES) for dtype in DTYPES), ("float32", IMAGES)):
        arrays, g = (*given(name, dtype, leading), *weights(dtype)), normal_draws(123, (*leading, FEATURES), dtype)
        note = "the gradient of training"
        yield gradient(name, *arrays, epsilon=EPSILON, cotangents=g, want=of_use, note=note)


def pulled(trial: Trial, dtype: str, epsilon: float) -> tuple[np.ndarray, tuple[Want, ...], tuple]:
    """The gradient of x that the subject gives, what is expected of it, and the arrays with the cotangent."""
    arrays, g = (batch(dtype), *weights(dtype)), normal_draws(124, (*EXAMPLES, FEATURES), dtype)
    dx = trial.vjp(arrays, g, epsilon=epsilon)[0]
    return np.asarray(dx, np.float64), of_training(*arrays, g, epsilon=epsilon), (*arrays, g)


@clause("batch-norm.gradient-sum")
def test_gradient_sum(trial: Trial) -> None:
    for dtype in [name for name in trial.dtypes if name in WIDE_DTYPES]:
        for epsilon in (EPSILON, 2.0):
            dx, want, _ = pulled(trial, dtype, epsilon)
            allowed = want[0].allowed.sum(0) + bound(0 * dx.sum(0), np.abs(dx).sum(0), len(dx), dtype).allowed
            zeros = carried(np.zeros(FEATURES), allowed, dtype)
            trial.expect(dx.sum(0), zeros, f"the sum over the batch, epsilon {epsilon:g}")


@clause("batch-norm.gradient-along")
def test_gradient_along(trial: Trial) -> None:
    for dtype in [name for name in trial.dtypes if name in WIDE_DTYPES]:
        for epsilon in (EPSILON, 2.0):
            dx, want, (x, scale, _, g) = pulled(trial, dtype, epsilon)
            x, a = wide(x), wide(g) * wide(scale)
            normal = oracle.batch_norm(x, epsilon=epsilon)
            right = epsilon * (x.var(0) + epsilon) ** -1.5 * (a * normal).sum(0)
            allowed = (want[0].allowed * np.abs(normal)).sum(0)
            about = f"along the feature, epsilon {epsilon:g}"
            trial.expect((dx * normal).sum(0), carried(right, allowed, dtype), about)


@clause("batch-norm.multiple")
def test_multiple(trial: Trial) -> None:
    for dtype in [name for name in trial.dtypes if name in WIDE_DTYPES]:
        x = batch(dtype)
        first = trial.call(x, epsilon=0.0)
        for exponent in (12, -12, -30):
            scaled = np.ldexp(x, exponent)
            about = f"the batch times 2^{exponent}"
            trial.expect(trial.call(scaled, epsilon=0.0), ulps(first, 2, dtype), about, (scaled,))


@clause("batch-norm.gradient-multiple")
def test_gradient_multiple(trial: Trial) -> None:
    x, g = batch(), normal_draws(125, (*EXAMPLES, FEATURES))
    first = np.asarray(trial.vjp((x,), g, epsilon=0.0)[0], np.float64)
    for exponent in (6, -6):
        got = np.ldexp(np.asarray(trial.vjp((np.ldexp(x, exponent),), g, epsilon=0.0)[0], np.float64), exponent)
        want = ulps(first, 4, "float32", scale=np.abs(first).max())
        trial.expect(got, want, f"2^{exponent} times the gradient of the batch times 2^{exponent}")


@clause("batch-norm.whole-batch")
def test_whole_batch(trial: Trial) -> None:
    x = batch() + np.repeat([[0], [8]], 3, 0).astype(np.float32)
    whole = np.asarray(trial.call(x, epsilon=EPSILON), np.float64)
    halves = np.concatenate([np.asarray(trial.call(half, epsilon=EPSILON), np.float64) for half in (x[:3], x[3:])])
    right = np.concatenate([oracle.batch_norm(wide(half), epsilon=EPSILON) for half in (x[:3], x[3:])])
    apart = right - oracle.batch_norm(wide(x), epsilon=EPSILON)
    about = "what the halves give less what the whole batch gives"
    trial.expect(halves - whole, carried(apart, np.full(apart.shape, 64 * unit("float32") * 8), "float32"), about)


@clause("batch-norm-eval.folded")
def test_folded(trial: Trial) -> None:
    x, kernel = np.array([[1, -2], [3, 4], [-5, 2]]), np.array([[2, -1, 3], [1, 4, -2]])
    (m, s), (scale, bias), b = statistics(), weights(), np.array([1, -3, 2])
    u = (x @ kernel + b).astype(np.float32)  # exact
    arrays = (u, m, s, scale, bias)
    r = wide(scale) / np.sqrt(wide(s) + EPSILON)
    folded = x @ (kernel * r) + (b - wide(m)) * r + wide(bias)
    allowed = value_of(oracle.batch_norm_eval)(*arrays, epsilon=EPSILON).allowed
    trial.expect(trial.call(*arrays, epsilon=EPSILON), carried(folded, allowed, "float32"), "the folded layer", arrays)


# ---- many steps


def batches(count: int) -> list[np.ndarray]:
    return [batch(seed=200 + k) + np.float32(0.25 * (k % 5)) for k in range(count)]


def moments(xs: list[np.ndarray], reading: str) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of each batch, in float64."""
    found = [wide(x) for x in xs]
    ddof = 1 if reading == "unbiased" else 0
    return np.array([x.mean(0) for x in found]), np.array([x.var(0, ddof=ddof) for x in found])


@clause("batch-norm-update.hundred-steps")
def test_hundred_steps(trial: Trial) -> None:
    decay, count = 0.9, 100
    xs, state = batches(count), statistics()
    start = wide(state)
    for x in xs:
        state = trial.call(x, *state, decay=decay)
    powers = (1 - decay) * decay ** np.arange(count - 1, -1, -1.0)
    for what, got, first, of in zip(
        ("mean", "variance"), state, start, moments(xs, trial.readings["running_variance"]), strict=True
    ):
        want = decay**count * first + powers @ of
        step = 16 * unit("float32") * np.maximum(np.abs(of).max(0), np.abs(first))  # of a step: a batch's sum and three
        allowed = carried(want, step / (1 - decay), "float32")
        trial.expect(got, allowed, f"the running {what} after {count} steps")


@clause("batch-norm-update.cumulative")
def test_cumulative(trial: Trial) -> None:
    decays = (0.0, 1 / 2, 2 / 3, 3 / 4)
    xs, state = batches(4), statistics()
    for x, decay in zip(xs, decays, strict=True):
        state = trial.call(x, *state, decay=decay)
    of = moments(xs, "biased")[0]
    want = carried(of.mean(0), 4 * 16 * unit("float32") * np.abs(of).max(0), "float32")
    trial.expect(state[0], want, "the running mean after four steps")


# ---- hard numbers


@clause("batch-norm.large-mean")
def test_large_mean(lean: bool) -> Iterator[Case]:
    for seed in (7,) if lean else (7, 2):
        x = (normal_draws(seed, (300, 3), "float64") + 1e4).astype(np.float32)
        yield call("batch_norm", x, epsilon=1e-5, want=value_of(oracle.batch_norm), note="the variance in one pass")
    x = (1e5 + np.arange(7) * 0.05).astype(np.float32)[:, None]  # flax 1491
    y = oracle.batch_norm(wide(x), epsilon=1e-5)
    moved = 3 * 7 * unit("float32") * 1e5 / np.sqrt(wide(x).var() + 1e-5)
    want = carried(y, np.abs(y) * 8 * unit("float32") + moved, "float32")
    yield call("batch_norm", x, epsilon=1e-5, want=want, note="a negative variance")


@clause("batch-norm.constant-feature")
def test_constant_feature(lean: bool) -> Iterator[Case]:
    for dtype in ("float32",) if lean else DTYPES:
        x = np.repeat(np.array([[3, 0, -7, 1, 100]]), 8, 0).astype(DTYPES[dtype])
        scale, bias = weights(dtype, 5)
        want = exact(np.broadcast_to(bias, x.shape), dtype)
        yield call("batch_norm", x, scale, bias, epsilon=1e-6, want=want, note="zero over zero")


@clause("batch-norm.half-precision")
def test_half_precision(lean: bool) -> Iterator[Case]:
    def want(x: np.ndarray, epsilon: float) -> Want:
        return ulps(oracle.batch_norm(wide(x), epsilon=epsilon), 1, str(x.dtype))

    short = np.array([[300, -200, 250, -400, 100, 350, -150, 500]]).T.astype(np.float16)
    yield call("batch_norm", short, epsilon=1e-5, want=want, note="squares that overflow")
    long = np.resize(np.array([1.0, 3.0, 1.5, 5.0]), (4096, 1))
    for dtype in ("bfloat16",) if lean else ("bfloat16", "float16"):
        yield call("batch_norm", long.astype(DTYPES[dtype]), epsilon=1e-5, want=want, note="a sum that stops growing")


# ---- defaults, a batch of one, refusals


@clause("batch-norm.default-epsilon")
def test_default_epsilon(operation: str, default: float) -> Iterator[Case]:
    """Variances near the epsilons that implementations have by default."""
    sizes = np.geomspace(1e-3, 0.1, FEATURES)
    x = (batch("float64") * sizes).astype(np.float32)
    rest = (sizes.astype(np.float32), (sizes**2).astype(np.float32)) if operation == "batch_norm_eval" else ()

    def want(*arrays: np.ndarray) -> Want:
        return value_of(ORACLES[operation])(*arrays, epsilon=default)

    yield call(operation, x, *rest, want=want, note="another epsilon by default")


@clause("batch-norm-update.default-decay")
def test_default_decay(readings: dict, default: float) -> Iterator[Case]:
    def want(*arrays: np.ndarray) -> tuple:
        return only(0, readings)(*arrays, decay=default)

    yield call("batch_norm_update", batch(), *statistics(), want=want, note="another decay by default")


@clause("batch-norm.single")
def test_single(trial: Trial) -> None:
    x, (scale, bias) = batch(leading=(1,)), weights()
    trial.call(batch(), scale, bias, epsilon=EPSILON)
    try:
        got = trial.call(x, scale, bias, epsilon=EPSILON)
    except Refused:
        trial.require(trial.readings["single"] == "refused", "a batch of one is refused")
        return
    trial.require(trial.readings["single"] == "zeros", "a batch of one is taken")
    trial.expect(got, exact(bias[None]), "a batch of one", (x, scale, bias))


@clause("batch-norm.epsilon-range")
def test_epsilon_range(operation: str) -> Iterator[ErrorCase]:
    for epsilon in (-1e-5, -2.0):
        yield refusal(
            operation, *given(operation), *weights(), epsilon=epsilon, valid={"epsilon": -epsilon},
            note="the root of a negative number",
        )  # fmt: skip


@clause("batch-norm-update.decay-range")
def test_decay_range() -> Iterator[ErrorCase]:
    for decay in (-0.25, 1.25):
        yield refusal(
            "batch_norm_update", batch(), *statistics(), decay=decay, valid={"decay": 0.75},
            note="an average that is none",
        )  # fmt: skip


@clause("batch-norm-update.empty")
def test_empty() -> Iterator[ErrorCase]:
    rest = statistics()
    yield refusal("batch_norm_update", batch()[:0], *rest, decay=0.75, valid=(batch(), *rest), note="the mean is NaN")
