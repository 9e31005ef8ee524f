"""Tests of architectures/transformer/normalization: values, gradients, and the theorems about both."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from nnspec_conformance.cases import Case, ErrorCase, call, clause, gradient, refusal
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.inputs import normal_draws, wide
from nnspec_conformance.oracles.architectures.transformer import normalization as oracle
from nnspec_conformance.tolerance import Want, bound, carried, exact, spread, ulps, unit
from nnspec_conformance.trees import mapped
from nnspec_conformance.trial import Trial
from nnspec_conformance.wanted import value_of

ORACLES = {"layer_norm": oracle.layer_norm, "rms_norm": oracle.rms_norm}
GRADIENTS = {"layer_norm": oracle.layer_norm_vjp, "rms_norm": oracle.rms_norm_vjp}
EPSILON = 0.05  # large enough to matter beside a variance of 1
FEATURES = 5  # of five numbers the variance by n - 1 is a quarter larger
# The page's example: x, scale, bias, epsilon, result, cotangent, gradient of x.
EXAMPLE = {
    "layer_norm": (
        (1, 1, 1, 5), (2, 2, 4, 4), (1, 0, 0, -1), 1.0, (0, -1, -2, 5),
        (1, 0, 0, 0), (0.6875, -0.3125, -0.3125, -0.0625),
    ),
    "rms_norm": (
        (1, 1, 1, 5), (4, 8, 4, 4), None, 9.0, (1, 2, 1, 5),
        (1, 0, 0, 0), (0.984375, -0.015625, -0.015625, -0.078125),
    ),
}  # fmt: skip
LARGE = (1e4, 300, 7, 2)  # mean, features, and seeds: the deviation is 1
STEPS = np.array([3, -20, 7, 45, -11, 2, -30, 9], np.float32) / 16  # exact beside 1,024, in float32


def weights(operation: str, dtype: str, features: int = FEATURES) -> tuple[np.ndarray, ...]:
    """Scale and bias, or scale alone: no entry zero, no two alike."""
    scale = (normal_draws(81, (features,), "float64") + 2).astype(DTYPES[dtype])
    bias = normal_draws(82, (features,), dtype)
    return (scale, bias) if operation == "layer_norm" else (scale,)


def rows(dtype: str = "float32", leading: tuple[int, ...] = (6,), features: int = FEATURES) -> np.ndarray:
    """Rows whose mean is not zero."""
    return (normal_draws(80, (*leading, features), "float64") + 0.5).astype(DTYPES[dtype])


def gradients_for(operation: str) -> Callable[..., tuple[Want, ...]]:
    """What is expected of the gradients: 8 times what they move when every operand is rounded, plus an ulp."""

    def want(x: np.ndarray, *rest: np.ndarray, epsilon: float) -> tuple[Want, ...]:
        given = wide((x, *rest))

        def run(rounded: Callable) -> tuple:
            return GRADIENTS[operation](*mapped(rounded, given), epsilon=epsilon, rounded=rounded)

        return spread(run, str(x.dtype))

    return want


def values(operation: str) -> Iterator[Case]:
    """Every dtype, more than one leading axis, a long row."""
    want, name = value_of(ORACLES[operation]), operation
    for dtype in DTYPES:
        yield call(name, rows(dtype), *weights(name, dtype), epsilon=EPSILON, want=want, note="the variance by n - 1")
    x = rows(leading=(2, 3, 6))
    yield call(name, x, *weights(name, "float32"), epsilon=EPSILON, want=want, note="statistics over other axes, too")
    long = rows(leading=(3,), features=300)
    yield call(name, long, *weights(name, "float32", 300), epsilon=EPSILON, want=want, note="a row in two parts")
    alone = rows(features=1)  # layer norm has the shift, whatever the row is
    yield call(name, alone, *weights(name, "float32", 1), epsilon=EPSILON, want=want, note="a variance by n - 1 of 0")


def gradients(operation: str) -> Iterator[Case]:
    want = gradients_for(operation)
    for dtype, leading in (*((dtype, (6,)) for dtype in DTYPES), ("float32", (2, 3, 6))):
        x, g = rows(dtype, leading), normal_draws(83, (*leading, FEATURES), dtype)
        arrays = (x, *weights(operation, dtype))
        yield gradient(operation, *arrays, epsilon=EPSILON, cotangents=g, want=want, note="statistics held constant")
    (x, scale, *bias), g = (rows(), *weights(operation, "float32")), normal_draws(83, (6, FEATURES), "float32")
    x, scale = x * (np.arange(x.size).reshape(x.shape) % 7 != 3), scale * (np.arange(FEATURES) != 2)
    note = "the result over the scale, for the normalized row"
    yield gradient(operation, x, scale, *bias, epsilon=EPSILON, cotangents=g, want=want, note=note)


# ---- values


@clause("normalization.example")
def test_example(operation: str) -> Iterator[Case]:
    x, scale, bias, epsilon, y, g, dx = (
        np.array([part], np.float32) if isinstance(part, tuple) else part for part in EXAMPLE[operation]
    )
    arrays = (x, scale[0]) if bias is None else (x, scale[0], bias[0])
    yield call(operation, *arrays, epsilon=epsilon, want=ulps(y, 2, "float32", scale=8), note="epsilon beside the root")
    others = tuple(part.sum(0) for part in (g * ORACLES[operation](wide(x), epsilon=epsilon), g)[: len(arrays) - 1])
    want = tuple(ulps(part, 4, "float32", scale=1) for part in (dx, *others))
    yield gradient(operation, *arrays, epsilon=epsilon, cotangents=g, want=want, note="statistics held constant")


@clause("layer-norm.value")
def test_layer_norm() -> Iterator[Case]:
    yield from values("layer_norm")


@clause("rms-norm.value")
def test_rms_norm() -> Iterator[Case]:
    yield from values("rms_norm")


@clause("normalization.weights-left-out")
def test_weights_left_out(operation: str, lean: bool) -> Iterator[Case]:
    want = value_of(ORACLES[operation])
    for dtype in ("float32",) if lean else ("float32", "bfloat16"):
        arrays = (rows(dtype), *weights(operation, dtype))
        for count in range(1, len(arrays)):
            yield call(operation, *arrays[:count], epsilon=EPSILON, want=want, note="zeros for the scale")
    x, g = rows(), normal_draws(83, (6, FEATURES))
    note, back = "a gradient for a weight that is not there", gradients_for(operation)
    for given in ((x,), (x, weights(operation, "float32")[0])):
        yield gradient(operation, *given, epsilon=EPSILON, cotangents=g, want=back, note=note)
    if operation == "layer_norm":
        bias, note = weights(operation, "float32")[1], "no shift where there is no scale"
        ones = np.ones_like(bias)
        dx, _, dbias = back(x, ones, bias, g, epsilon=EPSILON)
        yield call(operation, x, None, bias, epsilon=EPSILON, want=want(x, ones, bias, epsilon=EPSILON), note=note)
        yield gradient(operation, x, None, bias, epsilon=EPSILON, cotangents=g, want=(dx, dbias), note=note)


@clause("layer-norm.large-mean")
def test_large_mean(lean: bool) -> Iterator[Case]:
    centre, features, *seeds = LARGE
    for seed in seeds[:1] if lean else seeds:
        x = (normal_draws(seed, (3, features), "float64") + centre).astype(np.float32)
        yield call("layer_norm", x, epsilon=1e-5, want=value_of(oracle.layer_norm), note="the variance in one pass")
    x = np.array([[40000, 40001, 40002, 40003]], np.float32)  # onnxruntime 28463: NaN
    y = oracle.layer_norm(wide(x), epsilon=1e-5)
    want = carried(y, np.abs(y) * 8 * unit("float32") + 3 * 4 * unit("float32") * 40001.5, "float32")
    yield call("layer_norm", x, epsilon=1e-5, want=want, note="the variance in one pass")


@clause("layer-norm.constant-row")
def test_constant_row(lean: bool) -> Iterator[Case]:
    for dtype in ("float32",) if lean else DTYPES:
        x = np.repeat(np.array([[3], [0], [-7], [1], [100]]), 8, -1).astype(DTYPES[dtype])
        scale, bias = weights("layer_norm", dtype, 8)
        want = exact(np.broadcast_to(bias, x.shape), dtype)
        yield call("layer_norm", x, scale, bias, epsilon=1e-6, want=want, note="zero over zero")


@clause("layer-norm.shift")
def test_shift(trial: Trial) -> None:
    x = np.stack([STEPS, STEPS[::-1] * 2, STEPS * 3 - 1])
    first = trial.call(x, epsilon=EPSILON)
    for added in (4.0, -64.0, 1024.0):
        moved = (x + np.float32(added)).astype(np.float32)
        allowed = value_of(oracle.layer_norm)(moved, epsilon=EPSILON).allowed
        allowed = allowed + value_of(oracle.layer_norm)(x, epsilon=EPSILON).allowed
        want = carried(np.asarray(first, np.float64), allowed, "float32")
        trial.expect(trial.call(moved, epsilon=EPSILON), want, f"the row plus {added:g}", (moved,))


@clause("normalization.multiple")
def test_multiple(trial: Trial) -> None:
    for dtype in [name for name in trial.dtypes if name in ("float32", "float64")]:
        x = rows(dtype)
        first = trial.call(x, epsilon=0.0)
        for exponent in (12, -12, -30):
            scaled = np.ldexp(x, exponent)
            want = ulps(first, 2, dtype)
            trial.expect(trial.call(scaled, epsilon=0.0), want, f"the row times 2^{exponent}", (scaled,))


@clause("normalization.half-precision")
def test_half_precision(operation: str, lean: bool) -> Iterator[Case]:
    def want(x: np.ndarray, epsilon: float) -> Want:
        return ulps(ORACLES[operation](wide(x), epsilon=epsilon), 1, str(x.dtype))

    short = np.array([[300, -200, 250, -400, 100, 350, -150, 500]])
    half = {"squares that overflow": (short, 1e-5), "squares that are lost": (short * 2.0**-22, 1e-12)}
    for note, (x, epsilon) in half.items():
        yield call(operation, x.astype(np.float16), epsilon=epsilon, want=want, note=note)
    nothing = np.zeros((1, 8), np.float16)  # 1e-12 is zero in float16
    yield call(operation, nothing, epsilon=1e-12, want=exact(nothing), note="zero over zero")
    long = np.resize(np.array([1.0, 3.0, 1.5, 5.0]), (1, 4096))
    for dtype in ("bfloat16",) if lean else ("bfloat16", "float16"):
        yield call(operation, long.astype(DTYPES[dtype]), epsilon=1e-5, want=want, note="a sum that stops growing")


# ---- gradients


@clause("layer-norm.gradient")
def test_layer_norm_gradient() -> Iterator[Case]:
    yield from gradients("layer_norm")


@clause("rms-norm.gradient")
def test_rms_norm_gradient() -> Iterator[Case]:
    yield from gradients("rms_norm")


def pulled(trial: Trial, dtype: str, epsilon: float) -> tuple[np.ndarray, tuple[Want, ...], tuple]:
    """The gradient of x that the subject gives, what is expected of it, and the arrays with the cotangent."""
    arrays, g = (rows(dtype), *weights(trial.operation, dtype)), normal_draws(84, (6, FEATURES), dtype)
    dx = trial.vjp(arrays, g, epsilon=epsilon)[0]
    return np.asarray(dx, np.float64), gradients_for(trial.operation)(*arrays, g, epsilon=epsilon), (*arrays, g)


@clause("normalization.long-batch")
def test_long_batch(operation: str, lean: bool) -> Iterator[Case]:
    """Rows that are 1 and -1 when normalized: the gradients of the weights are sums of cotangents, up to the sign."""
    row, terms = np.array([3.0, -3.0, 3.0, -3.0]), np.resize(np.array([1.0, 3.0, 1.5, 2.0]), (5000, 1))
    for dtype in ("bfloat16",) if lean else ("bfloat16", "float16"):
        x, g = (np.broadcast_to(part, (5000, 4)).astype(DTYPES[dtype]) for part in (row, terms))
        arrays = (x, *(np.ones(4, DTYPES[dtype]) for _ in weights(operation, dtype)))
        right = GRADIENTS[operation](*wide((*arrays, g)), epsilon=0.0)
        want = tuple(ulps(part, 1, dtype) for part in right)
        yield gradient(operation, *arrays, epsilon=0.0, cotangents=g, want=want, note="a sum that stops growing")


@clause("layer-norm.gradient-sum")
def test_gradient_sum(trial: Trial) -> None:
    for dtype in [name for name in trial.dtypes if name in ("float32", "float64")]:
        for epsilon in (EPSILON, 2.0):
            dx, want, _ = pulled(trial, dtype, epsilon)
            allowed = want[0].allowed.sum(-1) + bound(0 * dx.sum(-1), np.abs(dx).sum(-1), FEATURES, dtype).allowed
            trial.expect(dx.sum(-1), carried(np.zeros(6), allowed, dtype), f"the sum of a row, epsilon {epsilon:g}")


@clause("normalization.gradient-along")
def test_gradient_along(trial: Trial) -> None:
    for dtype in [name for name in trial.dtypes if name in ("float32", "float64")]:
        for epsilon in (EPSILON, 2.0):
            dx, want, (x, scale, *_, g) = pulled(trial, dtype, epsilon)
            x, a = wide(x), wide(g) * wide(scale)
            y = ORACLES[trial.operation](x, epsilon=epsilon)
            v = (x**2).mean(-1) - (x.mean(-1) ** 2 if trial.operation == "layer_norm" else 0)
            right = epsilon * (v + epsilon) ** -1.5 * (a * y).sum(-1)
            allowed = (want[0].allowed * np.abs(y)).sum(-1)
            trial.expect((dx * y).sum(-1), carried(right, allowed, dtype), f"along the row, epsilon {epsilon:g}")


# ---- defaults and refusals


@clause("normalization.default-epsilon")
def test_default_epsilon(operation: str, default: float) -> Iterator[Case]:
    """Variances near the epsilons that implementations have by default."""
    x = (rows("float64") * np.geomspace(1e-4, 0.1, 6)[:, None]).astype(np.float32)

    def want(x: np.ndarray) -> Want:
        return value_of(ORACLES[operation])(x, epsilon=default)

    yield call(operation, x, want=want, note="another epsilon by default")


@clause("normalization.epsilon-range")
def test_epsilon_range(operation: str) -> Iterator[ErrorCase]:
    for epsilon in (-1e-5, -2.0):
        yield refusal(
            operation, rows(), *weights(operation, "float32"), epsilon=epsilon, valid={"epsilon": -epsilon},
            note="the root of a negative number",
        )  # fmt: skip
