"""Tests of training/group_normalization: values, gradients, which features are a group, and what follows."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from nnspec_conformance.cases import Case, ErrorCase, call, clause, gradient, refusal
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.errors import Refused
from nnspec_conformance.inputs import normal_draws, wide
from nnspec_conformance.oracles.architectures.transformer.normalization import layer_norm
from nnspec_conformance.oracles.training import group_normalization as oracle
from nnspec_conformance.suite.training._long_means import (
    LONG,
    TAIL,
    Normalized,
    normalized_in_turn,
    pulled_back_in_turn,
)
from nnspec_conformance.tolerance import Want, bound, carried, exact, spread, ulp, ulps, unit
from nnspec_conformance.trees import mapped
from nnspec_conformance.trial import Trial
from nnspec_conformance.wanted import value_of

ORACLES = {"group_norm": oracle.group_norm, "instance_norm": oracle.instance_norm}
GRADIENTS = {"group_norm": oracle.group_norm_vjp, "instance_norm": oracle.instance_norm_vjp}
EPSILON = 0.05  # large enough to matter beside a variance of 1
FEATURES, PLACES, IMAGES = 6, (5,), (2, 4)
SIZES = ((1, (4, 4, 4), 4, 4), (17, (2, 1, 3), 20, 5), (2, (70,), 68, 17))  # examples, places, features, groups
WIDE_DTYPES = ("float32", "float64")
# Examples, places, features, groups: lengths are alike, one, or above 64. A group has 70 numbers at most: the bound
# of a value has no term for longer sums, that of larger groups has.
LENGTHS = {
    "group_norm": (
        (8, (8,), 8, 2), (5, (5,), 5, 1), (1, (3, 1, 2), 6, 3), (65, (2,), 4, 2), (1, (70,), 4, 4), (3, (5,), 68, 17),
        (17, (1,), 6, 2), (4, (), 8, 2), (2, (6,), 1, 1),
    ),
    "instance_norm": (
        (8, (8,), 8, 8), (5, (5,), 5, 5), (1, (3, 1, 2), 6, 6), (65, (2,), 4, 4), (1, (70,), 4, 4), (3, (5,), 68, 68),
        (2, (6,), 1, 1),
    ),
}  # fmt: skip
# Groups of 127 to 2,050 numbers, on either side of a power of two, and of one.
LARGER = {
    "group_norm": (
        (1, (43,), 9, 3), (2, (7, 10), 6, 3), (1, (1025,), 4, 2), (3, (16, 4), 8, 2), (1, (127,), 2, 2),
    ),
    "instance_norm": (
        (1, (129,), 3, 3), (2, (7, 20), 3, 3), (1, (41, 50), 2, 2), (3, (16, 16), 2, 2), (1, (127,), 2, 2),
    ),
}  # fmt: skip
# The page's example: two places with four features in two groups.
X, SCALE, BIAS = ((1, 1, 6, 6), (1, 5, 10, 6)), (2, 2, 4, 4), (1, 0, 0, -1)
Y, COTANGENT = ((0, -1, -2, -3), (0, 3, 6, -3)), ((1, 0, 0, 0), (0, 0, 0, 0))
SLOPE = ((0.6875, -0.3125, 0, 0), (-0.3125, -0.0625, 0, 0))


def examples(
    dtype: str = "float32", places: tuple[int, ...] = PLACES, batch: int = 3, features: int = FEATURES
) -> np.ndarray:
    """Features of different mean and size; no mean is larger than two deviations."""
    sizes = np.resize([1.0, 2, 0.5, 1.5, 0.75, 1.25], features)
    means = np.resize([0.5, -1, 0.75, 0, 0.25, -0.5], features)
    drawn = normal_draws(140, (batch, *places, features), "float64") * sizes + means
    return drawn.astype(DTYPES[dtype])


def weights(dtype: str = "float32", features: int = FEATURES) -> tuple[np.ndarray, np.ndarray]:
    """Scale and shift: no entry zero, no two alike."""
    scale = (normal_draws(141, (features,), "float64") + 2).astype(DTYPES[dtype])
    return scale, normal_draws(142, (features,), dtype)


def told(operation: str, groups: int = 2, **others: float) -> dict:
    """The keywords of a call: an instance norm has no groups."""
    return others | ({"groups": groups} if operation == "group_norm" else {})


def gradients_for(operation: str) -> Callable[..., tuple[Want, ...]]:
    """What is expected of the gradients: 8 times what they move when every operand is rounded, plus an ulp."""

    def want(x: np.ndarray, *rest: np.ndarray, **attributes: float) -> tuple[Want, ...]:
        given, attributes = wide((x, *rest)), {k: a for k, a in attributes.items() if k != "single"}
        return spread(lambda r: GRADIENTS[operation](*mapped(r, given), **attributes, rounded=r), str(x.dtype))

    return want


def values(operation: str, *, lean: bool) -> Iterator[Case]:
    """Every dtype, places in one and more axes, other numbers of groups, of features and of examples."""
    want, note = value_of(ORACLES[operation]), "the variance by n - 1"
    for dtype in DTYPES:
        given = told(operation, epsilon=EPSILON)
        yield call(operation, examples(dtype), *weights(dtype), **given, want=want, note=note)
    note = "statistics of each place"
    for places, groups in ((IMAGES, 3), ((70,), 2)):
        given = told(operation, groups, epsilon=EPSILON)
        yield call(operation, examples(places=places), *weights(), **given, want=want, note=note)
    for batch, places, features, groups in () if lean else SIZES:
        x, given = examples(places=places, batch=batch, features=features), told(operation, groups, epsilon=EPSILON)
        yield call(operation, x, *weights(features=features), **given, want=want, note="another size")
    nothing = np.array([0, 1, 1, 0, 1, 1], np.float32), np.array([1, 0, 1, 1, 1, 0], np.float32)
    zeros = [weight * where for weight, where in zip(weights(), nothing, strict=True)]
    given = told(operation, epsilon=EPSILON)
    yield call(operation, examples(), *zeros, **given, want=want, note="a weight of zero for one left out")


# ---- values


@clause("group-norm.example")
def test_example() -> Iterator[Case]:
    x, y, g, dx = (np.array([part], np.float32) for part in (X, Y, COTANGENT, SLOPE))
    arrays, given = (x, np.array(SCALE, np.float32), np.array(BIAS, np.float32)), {"groups": 2, "epsilon": 1.0}
    want = ulps(y, 2, "float32", scale=8)
    yield call("group_norm", *arrays, **given, want=want, note="groups of features that lie apart")
    others = ((-0.5, 0, 0, 0), (1, 0, 0, 0))
    wants = tuple(ulps(np.array(part, np.float64), 4, "float32", scale=1) for part in (dx, *others))
    yield gradient("group_norm", *arrays, **given, cotangents=g, want=wants, note="statistics held constant")


@clause("group-norm.value")
def test_group_norm(lean: bool) -> Iterator[Case]:
    yield from values("group_norm", lean=lean)
    given, want = told("group_norm", 3, epsilon=EPSILON), value_of(oracle.group_norm)
    yield call("group_norm", examples(places=()), *weights(), **given, want=want, note="an example without places")


@clause("instance-norm.value")
def test_instance_norm(lean: bool) -> Iterator[Case]:
    yield from values("instance_norm", lean=lean)


@clause("group-norm.contiguous")
def test_contiguous() -> Iterator[Case]:
    want, note = value_of(oracle.group_norm), "groups of features that lie apart"
    for features, groups in ((4, 2), (6, 3), (12, 4)):
        x = np.arange(features, dtype=np.float32) ** 2
        yield call("group_norm", x[None], groups=groups, epsilon=EPSILON, want=want, note=note)


@clause("group-normalization.weights-left-out")
def test_weights_left_out(operation: str) -> Iterator[Case]:
    want, given = value_of(ORACLES[operation]), told(operation, epsilon=EPSILON)
    for count in range(2):
        yield call(operation, examples(), *weights()[:count], **given, want=want, note="zeros for the scale")
    g, note = normal_draws(143, (3, *PLACES, FEATURES)), "a gradient for a weight that is not there"
    yield gradient(operation, examples(), **given, cotangents=g, want=gradients_for(operation), note=note)


@clause("group-norm.one-group")
def test_one_group() -> Iterator[Case]:
    def want(x: np.ndarray, scale: np.ndarray, bias: np.ndarray, groups: int, epsilon: float) -> Want:
        x64, s, b = wide((x, scale, bias))

        def run(r: Callable) -> np.ndarray:
            rows = layer_norm(r(x64).reshape(len(x64), -1), epsilon=epsilon, rounded=r).reshape(x64.shape)
            return r(r(rows * r(s)) + r(b))

        return spread(run, str(x.dtype))

    for places in (PLACES, ()):
        given = {"groups": 1, "epsilon": EPSILON}
        yield call("group_norm", examples(places=places), *weights(), **given, want=want, note="a mean for each place")


@clause("group-norm.groups-of-one")
def test_groups_of_one() -> Iterator[Case]:
    def want(*arrays: np.ndarray, groups: int, epsilon: float) -> Want:
        return value_of(oracle.instance_norm)(*arrays, epsilon=epsilon)

    given = {"groups": FEATURES, "epsilon": EPSILON}
    yield call("group_norm", examples(), *weights(), **given, want=want, note="groups and their features exchanged")


# ---- theorems


def scaled(trial: Trial, x: np.ndarray, factors: np.ndarray, about: str, *, dtype: str) -> None:
    """The result stays where the numbers are multiplied by powers of two."""
    given = told(trial.operation, epsilon=0.0)
    first, other = trial.call(x, **given), (x * factors).astype(x.dtype)
    trial.expect(trial.call(other, **given), ulps(first, 2, dtype), about, (other,))


@clause("group-normalization.multiple")
def test_multiple(trial: Trial) -> None:
    for dtype in [name for name in trial.dtypes if name in WIDE_DTYPES]:
        factors = 2.0 ** np.array([12, -12, -30])[:, None, None]
        scaled(trial, examples(dtype), factors, "examples times 2^12, 2^-12 and 2^-30", dtype=dtype)


@clause("instance-norm.contrast")
def test_contrast(trial: Trial) -> None:
    factors = 2.0 ** np.array([8, -8, 0, 3, -20, 1])
    scaled(trial, examples(), factors, "features times powers of two of their own", dtype="float32")


@clause("group-normalization.gradient")
def test_gradient(operation: str) -> Iterator[Case]:
    note = "statistics held constant"
    for dtype, places in (*((dtype, PLACES) for dtype in DTYPES), ("float32", IMAGES)):
        arrays, g = (examples(dtype, places), *weights(dtype)), normal_draws(143, (3, *places, FEATURES), dtype)
        given = told(operation, epsilon=EPSILON)
        yield gradient(operation, *arrays, **given, cotangents=g, want=gradients_for(operation), note=note)


@clause("group-normalization.gradient-sum")
def test_gradient_sum(trial: Trial) -> None:
    groups = 2 if trial.operation == "group_norm" else FEATURES
    for dtype in [name for name in trial.dtypes if name in WIDE_DTYPES]:
        for epsilon in (EPSILON, 2.0):
            arrays, g = (examples(dtype), *weights(dtype)), normal_draws(144, (3, *PLACES, FEATURES), dtype)
            given = told(trial.operation, epsilon=epsilon)
            dx = np.asarray(trial.vjp(arrays, g, **given)[0], np.float64)
            allowed = gradients_for(trial.operation)(*arrays, g, **given)[0].allowed

            def added(y: np.ndarray) -> np.ndarray:
                return y.reshape(3, -1, groups, FEATURES // groups).sum((1, 3))

            terms = dx[0].size // groups
            sums = added(allowed) + bound(0 * added(dx), added(np.abs(dx)), terms, dtype).allowed
            want = carried(np.zeros((3, groups)), sums, dtype)
            trial.expect(added(dx), want, f"the sums of the groups, epsilon {epsilon:g}")


# ---- hard numbers


@clause("group-normalization.large-mean")
def test_large_mean(operation: str, lean: bool) -> Iterator[Case]:
    want, given = value_of(ORACLES[operation]), told(operation, epsilon=1e-5)
    for seed in (7,) if lean else (7, 2):
        x = (normal_draws(seed, (2, 50, FEATURES), "float64") + 1e4).astype(np.float32)
        yield call(operation, x, **given, want=want, note="the variance in one pass")


@clause("group-normalization.constant")
def test_constant(operation: str, lean: bool) -> Iterator[Case]:
    for dtype in ("float32",) if lean else DTYPES:
        row = np.repeat(np.array([[3, 0, -7], [1, 100, 5]]), 2, -1)  # two examples, three groups of two
        x = np.repeat(row[:, None], 4, 1).astype(DTYPES[dtype])
        scale, bias = weights(dtype)
        want = exact(np.broadcast_to(bias, x.shape), dtype)
        yield call(operation, x, scale, bias, **told(operation, 3, epsilon=1e-6), want=want, note="zero over zero")


@clause("group-normalization.half-precision")
def test_half_precision(operation: str, lean: bool) -> Iterator[Case]:
    def want(x: np.ndarray, **attributes: float) -> Want:
        return ulps(ORACLES[operation](wide(x), **attributes), 1, str(x.dtype))

    given = told(operation, 2, epsilon=1e-5)
    short = np.array([[300, -200], [250, -400], [100, 350], [-150, 500]])[None].astype(np.float16)
    yield call(operation, short, **given, want=want, note="squares that overflow")
    long = np.stack([np.resize(np.array([1.0, 3.0, 1.5, 5.0]), 4096), np.resize(np.array([2.0, 1.0]), 4096)], -1)
    for dtype in ("bfloat16",) if lean else ("bfloat16", "float16"):
        yield call(operation, long[None].astype(DTYPES[dtype]), **given, want=want, note="a sum that stops growing")


# ---- sizes


@clause("group-normalization.sizes")
def test_sizes(operation: str, lean: bool) -> Iterator[Case]:
    note, (first, *others) = "what is left over of a block", LENGTHS[operation]
    asked = [(first, dtype) for dtype in DTYPES] + [(size, "float32") for size in (others[:2] if lean else others)]
    for (batch, places, features, groups), dtype in asked:
        arrays = (examples(dtype, places, batch, features), *weights(dtype, features))
        given = told(operation, groups, epsilon=EPSILON)
        yield call(operation, *arrays, **given, want=value_of(ORACLES[operation]), note=note)
        g = normal_draws(145, arrays[0].shape, dtype)
        yield gradient(operation, *arrays, **given, cotangents=g, want=gradients_for(operation), note=note)


def larger(x: np.ndarray, epsilon: float, groups: int | None) -> Normalized:
    """The groups of each example, within what sums in turn move them; no number of groups is one for each feature."""
    split = groups or x.shape[-1]
    z = wide(x).reshape(len(x), -1, split, x.shape[-1] // split)
    return normalized_in_turn(z, (1, 3), epsilon=epsilon, dtype=str(x.dtype))


def value_of_larger(
    x: np.ndarray, scale: np.ndarray, bias: np.ndarray, *, epsilon: float, groups: int | None = None
) -> Want:
    """The result, and what it may be off by."""
    found, dtype = larger(x, epsilon, groups), str(x.dtype)
    y, s = found.y.reshape(x.shape) * wide(scale), np.abs(wide(scale))
    off = found.moved.reshape(x.shape) * s + 2 * unit(dtype) * (np.abs(y) + np.abs(wide(bias)))
    return carried(y + wide(bias), off + ulp(y + wide(bias), dtype), dtype)


def gradients_of_larger(
    x: np.ndarray, scale: np.ndarray, bias: np.ndarray, g: np.ndarray, *, epsilon: float, groups: int | None = None
) -> tuple[Want, ...]:
    """The three gradients, and what each may be off by."""
    found, dtype = larger(x, epsilon, groups), str(x.dtype)
    g, axes, count = wide(g), tuple(range(x.ndim - 1)), x.size // x.shape[-1]
    dx, off = pulled_back_in_turn(found, (g * wide(scale)).reshape(found.y.shape))
    y, moved = found.y.reshape(x.shape), found.moved.reshape(x.shape)
    of_scale = (count + 2) * found.u * np.abs(g * y).sum(axes) + (np.abs(g) * moved).sum(axes)
    of_bias = (count + 2) * found.u * np.abs(g).sum(axes)
    parts = ((dx.reshape(x.shape), off.reshape(x.shape)), ((g * y).sum(axes), of_scale), (g.sum(axes), of_bias))
    return tuple(carried(value, allowed + ulp(value, dtype), dtype) for value, allowed in parts)


@clause("group-normalization.larger-groups")
def test_larger_groups(operation: str, lean: bool) -> Iterator[Case]:
    note, (first, *others) = "what is left over of a block of 128 numbers", LARGER[operation]
    asked = [(first, "float64")] + [(size, "float32") for size in (first, *others[: 1 if lean else None])]
    for (batch, places, features, groups), dtype in asked:
        arrays = (examples(dtype, places, batch, features), *weights(dtype, features))
        given = told(operation, groups, epsilon=EPSILON)
        yield call(operation, *arrays, **given, want=value_of_larger, note=note)
        g = normal_draws(146, arrays[0].shape, dtype)
        yield gradient(operation, *arrays, **given, cotangents=g, want=gradients_of_larger, note=note)


@clause("group-normalization.long-group")
def test_long_group(operation: str) -> Iterator[Case]:
    """One example with two groups: of two features each, or of one."""
    size = 2 if operation == "group_norm" else 1  # features of a group
    x = normal_draws(127, (1, LONG // size, 2 * size), "float64")
    x[:, -TAIL // size :] += np.repeat([50.0, -30.0], size)

    def want(x: np.ndarray, epsilon: float, groups: int = 2) -> Want:
        found = larger(x, epsilon, groups)
        y, moved = found.y.reshape(x.shape), found.moved.reshape(x.shape)
        return carried(y, moved + ulp(y, str(x.dtype)), str(x.dtype))

    note = "what lies beyond 32,768 numbers is dropped"
    yield call(operation, x.astype(np.float32), **told(operation, epsilon=1e-5), want=want, note=note)


# ---- defaults, one place, refusals


@clause("group-normalization.default-epsilon")
def test_default_epsilon(operation: str, default: float) -> Iterator[Case]:
    """Variances near the epsilons that implementations have by default."""
    x = (examples("float64") * np.geomspace(1e-3, 0.1, 3)[:, None, None]).astype(np.float32)

    def want(x: np.ndarray, **attributes: float) -> Want:
        return value_of(ORACLES[operation])(x, **attributes, epsilon=default)

    yield call(operation, x, **told(operation), want=want, note="another epsilon by default")


@clause("instance-norm.single")
def test_single(trial: Trial) -> None:
    x, (scale, bias) = examples(places=(1,)), weights()
    trial.call(examples(), scale, bias, epsilon=EPSILON)
    try:
        got = trial.call(x, scale, bias, epsilon=EPSILON)
    except Refused:
        trial.require(trial.readings["single"] == "refused", "examples of one place are refused")
        return
    trial.require(trial.readings["single"] == "zeros", "examples of one place are taken")
    trial.expect(got, exact(np.broadcast_to(bias, x.shape)), "examples of one place", (x, scale, bias))


@clause("group-normalization.epsilon-range")
def test_epsilon_range(operation: str) -> Iterator[ErrorCase]:
    for epsilon in (-1e-5, -2.0):
        yield refusal(
            operation, examples(), *weights(), **told(operation, epsilon=epsilon), valid={"epsilon": -epsilon},
            note="the root of a negative number",
        )  # fmt: skip


@clause("group-norm.groups-divide")
def test_groups_divide() -> Iterator[ErrorCase]:
    for groups in (4, 0, -3, 12):
        yield refusal(
            "group_norm", examples(), *weights(), groups=groups, epsilon=EPSILON, valid={"groups": 3},
            note="features that are left out",
        )  # fmt: skip
