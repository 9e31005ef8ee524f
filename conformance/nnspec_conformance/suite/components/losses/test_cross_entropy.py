"""Tests of components/losses/cross_entropy: values, gradients, and what holds of the losses of any implementation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case, call, clause, gradient
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.inputs import normal_draws, wide
from nnspec_conformance.oracles.components import activations
from nnspec_conformance.oracles.components.losses import cross_entropy as oracle
from nnspec_conformance.tolerance import Want, bound, exact, ulps
from nnspec_conformance.trial import Trial

CLASSES, EXAMPLES = 5, 6
NONE: dict[str, Any] = {"reduction": "none"}
SMOOTHED: dict[str, Any] = {"label_smoothing": 0.3}
INTEGER = "softmax_cross_entropy_with_integer_labels"
FROM_LOGITS = (INTEGER, "softmax_cross_entropy")
BINARY = ("sigmoid_binary_cross_entropy", "binary_cross_entropy")
OF_WEIGHTS = ("weighted_mean", "smoothed_weights", "ignored_mean", "zero_times_infinity")
LABELS = np.array([0, 4, 2, 1, 1, 3], np.int32)
WEIGHTS = np.array([0.5, 3.0, 1.5, 0.25, 2.0], np.float32)
IGNORED = np.array([0, -100, 2, -100, 1, 3], np.int32)


# ---- inputs


def logits(dtype: str = "float32") -> np.ndarray:
    """Rows of different spread, with ties, a dominant entry and far tails."""
    x = normal_draws(20, (EXAMPLES, CLASSES), "float64", scale=2.0)
    x[1] *= 4
    x[2] = 1
    x[3] = [30, 0, -1, -20, -40]
    return x.astype(DTYPES[dtype])


def distributions(seed: int, dtype: str = "float32") -> np.ndarray:
    """Rows that sum to 1, every entry between 0.01 and 0.9, no two alike."""
    x = np.random.default_rng(seed).uniform(0.03, 1.0, (EXAMPLES, CLASSES)) ** 2 + 0.03
    return (x / x.sum(-1, keepdims=True)).astype(DTYPES[dtype])


def targets(dtype: str = "float32") -> np.ndarray:
    """Distributions with a zero in one row, and a one-hot row."""
    t = distributions(21, "float64")
    t[1] = [0.25, 0.0, 0.5, 0.125, 0.125]
    t[4] = [0, 0, 0, 1, 0]
    return t.astype(DTYPES[dtype])


def binary_logits(dtype: str = "float32") -> np.ndarray:
    return np.array([0, 0, 1.5, -2.5, 20, -20, 100, -100, 0.25, -0.75, 3, -6], DTYPES[dtype])


def binary_probabilities(dtype: str = "float32") -> np.ndarray:
    return np.array([0.5, 0.25, 0.9, 0.03, 0.75, 0.125, 0.6, 0.3, 0.05, 0.95, 0.4, 0.8], DTYPES[dtype])


def binary_targets(dtype: str = "float32") -> np.ndarray:
    return np.array([0, 1, 1, 0, 1, 0, 0.25, 0.75, 1, 0, 0.5, 0.125], DTYPES[dtype])


def arrays(operation: str, dtype: str = "float32") -> tuple[np.ndarray, ...]:
    """Valid arguments of an operation, always of the same shapes."""
    return {
        INTEGER: lambda: (logits(dtype), LABELS),
        "softmax_cross_entropy": lambda: (logits(dtype), targets(dtype)),
        "cross_entropy_with_integer_labels": lambda: (distributions(22, dtype), LABELS),
        "cross_entropy": lambda: (distributions(22, dtype), targets(dtype)),
        "sigmoid_binary_cross_entropy": lambda: (binary_logits(dtype), binary_targets(dtype)),
        "binary_cross_entropy": lambda: (binary_probabilities(dtype), binary_targets(dtype)),
        "kl_divergence": lambda: (distributions(22, dtype), distributions(23, dtype)),
    }[operation]()


# ---- the errors that are allowed


def log_errors(x: np.ndarray) -> np.ndarray:
    """What a log-softmax may be off by, in units of 2u: one exponential, its argument, and the sum, as for softmax."""
    highest = x.max(-1, keepdims=True, initial=-np.inf)
    with np.errstate(invalid="ignore"):
        distance = np.where(np.isfinite(x), highest - x, 0.0)
    n = x.shape[-1]
    return (n + 11 + distance) / 2


def sizes(operation: str, given: tuple[Any, ...], attributes: dict) -> np.ndarray:
    """The terms of each loss in absolute value, with the units by which each is off; to be multiplied by 2u."""
    w = attributes.get("positive_weight", 1.0)
    if operation in BINARY:
        x, t = given
        if operation == "sigmoid_binary_cross_entropy":
            return 8 * (1 + w) * (np.abs(x) + np.log(2))  # the terms of max(x, 0) - x t + log(1 + e^-|x|)
        with np.errstate(divide="ignore"):
            return 8 * (w * t * (np.abs(np.log(x)) + 1) + (1 - t) * (np.abs(np.log1p(-x)) + 1 / (1 - x)))
    if operation == "kl_divergence":
        p, q = given
        with np.errstate(divide="ignore", invalid="ignore"):
            terms = [a * (np.abs(np.log(a)) + np.abs(np.log(b)) + 2) for a, b in ((p, q), (q, p))]
        return 8 * np.nansum(np.maximum(*terms), -1)
    if operation == INTEGER:
        smoothing, ignored = attributes.get("label_smoothing", 0.0), attributes.get("ignore_label")
        share = oracle.shares(given[0], given[1], next(iter(given[2:]), None), smoothing, ignored)[0]
    else:
        integers = operation == "cross_entropy_with_integer_labels"
        share = oracle.one_hot(given[1], given[0].shape[-1], np.float64) if integers else given[1]
        share = share + attributes.get("label_smoothing", 0.0) * (1 / given[0].shape[-1] - share)
    with np.errstate(divide="ignore", invalid="ignore"):
        if operation in FROM_LOGITS:
            off, logs = log_errors(given[0]), activations.log_softmax(given[0])
        else:
            off, logs = np.full(given[0].shape, given[0].shape[-1] + 3.0), np.log(given[0])
        return np.where(share == 0, 0.0, share * (off + (given[0].shape[-1] + 2) * np.abs(logs))).sum(-1)


def widened(given: tuple[Any, ...]) -> tuple[Any, ...]:
    """Floating-point arrays in float64, labels as they are."""
    return tuple(a if a.dtype.kind == "i" else wide(a) for a in given)


def losses(operation: str, **readings: Any) -> Callable[..., Want]:
    """The definition in float64, and its rounding bound; of a mean or a sum the bound of that sum."""

    def want(*given: np.ndarray, **attributes: Any) -> Want:
        dtype, given = str(given[0].dtype), widened(given)
        function, w = getattr(oracle, operation), example_weights(operation, given)
        value = function(*given, **attributes, **readings)
        size, count = sizes(operation, given if operation == INTEGER else given[:2], attributes), 1
        if w is not None:  # one more product
            size = np.abs(w) * (size + np.abs(function(*given[:2], **attributes | NONE)))
        if attributes.get("reduction", "none") != "none":
            each = np.abs(function(*given, **attributes | NONE, **readings))
            count = size.size
            size = (size + (count + 2) * each).sum() * np.abs(value) / max(each.sum(), 1e-300)
        return bound(value, size, 0, dtype, underflow=4.0 * count)

    return want


def example_weights(operation: str, given: tuple[Any, ...]) -> np.ndarray | None:
    """The weights of the examples, if there are any; those of the classes are none."""
    return given[2] if operation != INTEGER and len(given) > 2 else None


def value_case(
    operation: str, *given: np.ndarray, note: str = "", readings: dict | None = None, **attributes: Any
) -> Case:
    return call(operation, *given, **NONE | attributes, want=losses(operation, **readings or {}), note=note)


# ---- values


@clause("cross-entropy.value")
def test_value(operation: str, readings: dict) -> Iterator[Case]:
    told = of_weights(readings)
    for dtype in DTYPES:
        yield value_case(
            operation, *arrays(operation, dtype), readings=told, note="a factor, a sign, a base-2 logarithm"
        )


def known(readings: dict) -> dict[str, str]:
    """The readings that change a number of the operation; long sums and long rows have their own clauses."""
    return {keyword: reading for keyword, reading in readings.items() if keyword not in ("sums", "rows")}


def of_weights(readings: dict) -> dict[str, str]:
    """The readings that say what weights do: duties hand them over beside the arrays of this clause."""
    return {keyword: readings[keyword] for keyword in OF_WEIGHTS if keyword in readings}


@clause("kl-divergence.direction")
def test_direction(readings: dict) -> Iterator[Case]:
    for dtype in DTYPES:
        yield value_case(
            "kl_divergence", *arrays("kl_divergence", dtype), readings=known(readings), note="the other direction"
        )


@clause("softmax-cross-entropy.offset")
def test_offset(operation: str) -> Iterator[Case]:
    for offset in (1e4, -1e4):
        x, *rest = arrays(operation)
        shifted = (x + np.float32(offset)).astype(np.float32)  # the oracle sees the rounded sum, too
        yield value_case(operation, shifted, *rest, note="log-sum-exp minus the logit")


def extreme(operation: str) -> tuple[np.ndarray, np.ndarray]:
    """Logits of 1e4 on every side, and labels on both."""
    if operation == "sigmoid_binary_cross_entropy":
        x = np.array([1e4, -1e4, 1e4, -1e4, 200, -200, 200, -200, 80, -80, 1e4, -1e4], np.float32)
        return x, np.array([1, 0, 0, 1, 1, 0, 0, 1, 1, 1, 0.5, 0.25], np.float32)
    x = np.zeros((EXAMPLES, CLASSES), np.float32)
    x[0, :2], x[1, 3:], x[2, 2], x[3, 0], x[4], x[5, :3] = (1e4, -1e4), (-1e4, 1e4), 1e4, -200, 1e4, (200, 100, -1e4)
    labels = np.array([1, 4, 0, 0, 2, 2], np.int32)
    return x, labels if operation == INTEGER else oracle.one_hot(labels, CLASSES, np.float32)


@clause("cross-entropy.large-logits")
def test_large_logits(operation: str) -> Iterator[Case]:
    x, target = extreme(operation)
    yield value_case(operation, x, target, note="log of a sigmoid or softmax that is rounded to 0")
    yield gradient_case(operation, x, target, note="0 times infinity in the backward pass")


@clause("sigmoid-binary-cross-entropy.confident")
def test_confident() -> Iterator[Case]:
    for dtype in ("float32", "float64", "bfloat16"):
        size = np.array([1, 5, 12, 20, 40, 80], DTYPES[dtype])
        x, t = np.concatenate([size, -size]), np.repeat([1, 0], len(size)).astype(DTYPES[dtype])
        yield call("sigmoid_binary_cross_entropy", x, t, **NONE, want=relative, note="a difference that cancels")


def relative(x: np.ndarray, t: np.ndarray, **attributes: Any) -> Want:
    """The loss to 8 units in its last place, however small it is."""
    value = oracle.sigmoid_binary_cross_entropy(wide(x), wide(t), **attributes)
    return ulps(value, 8, str(x.dtype))


@clause("softmax-cross-entropy.minus-infinity")
def test_minus_infinity(operation: str) -> Iterator[Case]:
    x, target = with_minus_infinity(operation)
    yield value_case(operation, x, target, note="0 times infinity")


def with_minus_infinity(operation: str, dtype: str = "float32") -> tuple[np.ndarray, np.ndarray]:
    x = logits(dtype)
    x[0, [1, 4]] = x[2, 0] = x[3, 2:] = -np.inf
    labels = np.array([0, 4, 2, 1, 1, 3], np.int32)
    return x, labels if operation == INTEGER else oracle.one_hot(labels, CLASSES, x.dtype)


@clause("softmax-cross-entropy.smoothing")
def test_smoothing(operation: str) -> Iterator[Case]:
    yield value_case(operation, *arrays(operation), **SMOOTHED, note="spread over the other classes only")


@clause("binary-cross-entropy.positive-weight")
def test_positive_weight(operation: str) -> Iterator[Case]:
    yield value_case(operation, *arrays(operation), positive_weight=3.0, note="the weight of both terms")
    yield gradient_case(operation, *arrays(operation), positive_weight=3.0, note="the weight lost in the backward pass")


# ---- gradients


def slopes(operation: str, given: tuple, cotangents: np.ndarray, attributes: dict, **readings: Any) -> tuple[Want, ...]:
    """The gradients in float64, and the same sums with every term in absolute value."""
    dtype, exact_arrays, g = str(given[0].dtype), widened(given), wide(cotangents)
    found = getattr(oracle, f"{operation}_vjp")(*exact_arrays, g, **attributes, **readings)
    reach = shares(found, operation, exact_arrays, g, attributes, readings)
    reach = reach * max(1.0, attributes.get("positive_weight", 1.0))
    w = example_weights(operation, exact_arrays)
    reach = reach if w is None else reach * np.abs(w)
    if operation in FROM_LOGITS:
        x = exact_arrays[0]
        weights = exact_arrays[2] if operation == INTEGER and len(exact_arrays) > 2 else np.ones(1)
        units, logs = 2 * log_errors(x) + 4, activations.log_softmax(x)
        probabilities = activations.softmax(x)
        share = np.where(found[0] == 0, 0.0, probabilities + 1) * weights.max()
        with np.errstate(invalid="ignore"):
            terms = [share * np.minimum(units, 200), units + 4 * np.abs(logs)]
        reach = reach[..., None]
    elif operation in ("cross_entropy_with_integer_labels", "cross_entropy"):
        terms = [
            (exact_arrays[0].shape[-1] + 4) * (np.abs(found[0] / reach[..., None]) + 1),
            8 * (np.abs(np.log(exact_arrays[0])) + 1),
        ]
        reach = reach[..., None]
    elif operation == "kl_divergence":
        p, q = exact_arrays
        logs = np.abs(np.log(p)) + np.abs(np.log(q)) + 2
        terms = [8 * (logs + p / q + q / p)] * 2
        reach = reach[..., None]
    else:
        x, t = exact_arrays[:2]
        first = np.full(x.shape, 16.0) if operation.startswith("sigmoid") else 8 * (t / x + (1 - t) / (1 - x) + 1)
        second = (
            8 * (np.abs(x) + 1) if operation.startswith("sigmoid") else 8 * (np.abs(np.log(x * (1 - x))) + 1 / (1 - x))
        )
        terms = [first, second]
    return tuple(
        bound(value, reach * term, 0, dtype, underflow=4 * np.broadcast_to(reach, value.shape))
        for value, term in zip(found[:2], terms, strict=False)  # weights are constants
        if value.ndim == np.ndim(reach)
    )


def shares(found: tuple, operation: str, given: tuple, g: np.ndarray, attributes: dict, readings: dict) -> np.ndarray:
    """The cotangent of each loss in absolute value; a mean divides that of a sum, for every loss alike."""
    if attributes.get("reduction", "none") == "none":
        return np.abs(g)
    summed = getattr(oracle, f"{operation}_vjp")(*given, g, **attributes | {"reduction": "sum"}, **readings)[0]
    divided = np.abs(found[0]).max() / max(np.abs(summed).max(), 1e-300)
    shape = given[0].shape if operation in BINARY else given[0].shape[:-1]
    return np.broadcast_to(np.abs(g) * divided, shape)


def gradient_case(
    operation: str, *given: np.ndarray, note: str = "", readings: dict | None = None, **attributes: Any
) -> Case:
    asked = NONE | attributes
    shape = given[0].shape if operation in BINARY else given[0].shape[:1]
    cotangents = normal_draws(31, shape, str(given[0].dtype))

    def want(*operands: np.ndarray, **told: Any) -> tuple[Want, ...]:
        return slopes(operation, operands[:-1], operands[-1], told, **readings or {})

    return gradient(operation, *given, **asked, cotangents=cotangents, want=want, note=note)


@clause("cross-entropy.gradient")
def test_gradient(operation: str, readings: dict) -> Iterator[Case]:
    told, note = of_weights(readings), "averages, or treats softmax as a constant"
    for dtype in ("float32", "float64", "bfloat16"):
        yield gradient_case(operation, *arrays(operation, dtype), readings=told, note=note)
    if operation in FROM_LOGITS:
        yield gradient_case(operation, *arrays(operation), **SMOOTHED, note="the gradient without smoothing")
    for reduction in ("mean", "sum"):
        yield reduced_gradient(operation, reduction)


def reduced_gradient(operation: str, reduction: str) -> Case:
    """The gradient of a mean or a sum: the case per example, its cotangent divided."""
    given, g = arrays(operation), np.array(0.75, np.float32)
    count = given[-1].size if operation in BINARY else EXAMPLES
    share = np.full(given[-1].shape if operation in BINARY else (EXAMPLES,), g / (count if reduction == "mean" else 1))

    def want(*operands: np.ndarray, **_: Any) -> tuple[Want, ...]:
        return slopes(operation, operands[:-1], share, NONE)

    return gradient(
        operation, *given, reduction=reduction, cotangents=g, want=want, note=f"the gradient of a {reduction}"
    )


@clause("cross-entropy.normalization")
def test_normalization(operation: str, readings: dict) -> Iterator[Case]:
    told = {"normalization": readings["normalization"]}
    yield gradient_case(operation, *arrays(operation), readings=told, note="divides by the sum")


@clause("cross-entropy.certain-gradient")
def test_certain_gradient(trial: Trial, readings: dict) -> None:
    """Rows, or numbers, with the probabilities 0 and 1 that are right."""
    operation = trial.operation
    if operation == "binary_cross_entropy":
        p, target, told = binary_probabilities(), binary_targets(), {}
        p[:4] = target[:4] = [0, 1, 1, 0]
    else:
        p, labels = distributions(22), np.array([2, 0, 2, 1, 1, 3], np.int32)
        p[0], p[1] = [0, 0.25, 0.5, 0.25, 0], [1, 0, 0, 0, 0]
        integers = operation == "cross_entropy_with_integer_labels"
        target = labels if integers else oracle.one_hot(labels, CLASSES, np.float32)
        told = {"normalization": readings["normalization"]}
    cotangents = normal_draws(33, p.shape[:1])
    got = trial.vjp((p, target), cotangents, **NONE)[0]
    want = getattr(oracle, f"{operation}_vjp")(*widened((p, target)), wide(cotangents), **NONE, **told)[0]
    reach = np.broadcast_to(np.abs(wide(cotangents)).reshape(-1, *[1] * (p.ndim - 1)), p.shape)
    certain = (p == 0) | (p == 1)
    beside = bound(want[~certain], (CLASSES + 4) * (np.abs(want) + reach)[~certain], 0, "float32")
    trial.expect(got[~certain], beside, f"{operation}: gradient beside probabilities of 0 and 1")
    small = bool((np.abs(got[certain]) <= 1.0001 * reach[certain]).all())
    trial.require(small, f"{operation}: gradient {got[certain]} at 0 and 1 for cotangents up to {reach.max():.3g}")


@clause("kl-divergence.gradient")
def test_kl_gradient(readings: dict) -> Iterator[Case]:
    for dtype in ("float32", "float64"):
        given = arrays("kl_divergence", dtype)
        yield gradient_case("kl_divergence", *given, readings=known(readings), note="a distribution held constant")


@clause("softmax-cross-entropy.minus-infinity-gradient")
def test_minus_infinity_gradient(trial) -> None:
    x, target = with_minus_infinity(trial.operation)
    cotangents = normal_draws(32, (EXAMPLES,))
    got = trial.vjp((x, target), cotangents, **NONE)[0]
    want = slopes(trial.operation, (x, target), cotangents, NONE)[0]
    trial.expect(got, want, "gradient with logits of -inf")
    trial.expect(got[np.isinf(x)], exact(np.zeros(int(np.isinf(x).sum()))), "gradient at logits of -inf")
