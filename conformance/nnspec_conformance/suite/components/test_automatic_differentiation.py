"""Tests of components/automatic_differentiation: functions with a point at which no derivative is agreed on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case, ErrorCase, call, clause, gradient, refusal, second_derivative
from nnspec_conformance.dtypes import DTYPES, float_dtype, is_float
from nnspec_conformance.inputs import normal_draws, wide
from nnspec_conformance.oracles.components import automatic_differentiation as oracle
from nnspec_conformance.tolerance import Want, bound, exact, spread, ulps
from nnspec_conformance.trees import mapped

BOUNDS = {"minimum": -1.0, "maximum": 2.0}
GIVEN = {"clamp": BOUNDS}
UNROUNDED = (
    "pairwise_maximum", "maximum_reduction", "absolute_value", "selection", "clamp", "embedding_lookup"
)  # fmt: skip
IDS = np.array([[3, 0, 3], [1, 3, 0]])  # each use of a row counts, along every axis
ROW = (3, 5)  # the one shape of the arrays, so that a compiling subject compiles once


def ordinary(operation: str, dtype: str) -> tuple:
    """Arguments away from every edge: no two equal, none zero, none on a bound."""
    x, y = normal_draws(21, ROW, dtype), normal_draws(22, ROW, dtype)
    positive = np.abs(x) + x.dtype.type(0.25)
    return {
        "pairwise_maximum": (x, y),
        "selection": (wide(x) > wide(y), x, y),
        "power": (positive, y),
        "square_root": (positive,),
        "masked_square_root": (positive,),
        "embedding_lookup": (normal_draws(23, (4, 5), dtype), IDS),
        "stopped_gradient": (x, y),
        "unused_parameter": (x, normal_draws(24, (4,), dtype)),
    }.get(operation, (x,))


def beside_the_edge(operation: str) -> tuple:
    """Arguments as near to the edge as float32 has them, on both sides of it; none where that is no number."""
    x = normal_draws(46, ROW)
    above = np.arange(15).reshape(ROW) % 2 == 1
    next_to_x = np.nextafter(x, np.where(above, np.inf, -np.inf).astype(np.float32))
    small = np.full(ROW, 1e-30, np.float32)
    bounds = np.where(np.arange(15).reshape(ROW) % 3 == 1, *BOUNDS.values()).astype(np.float32)
    winners = x.copy()
    winners[:, 1], winners[:, 3] = 7.0, np.nextafter(np.float32(7), np.float32(0))
    return {
        "pairwise_maximum": (x, next_to_x),
        "maximum_reduction": (winners,),
        "absolute_value": (np.where(above, small, -small),),
        "euclidean_norm": (x * np.float32(1e-15),),
        "square_root": (small,),
        "masked_square_root": (small,),
        "clamp": (np.nextafter(bounds, np.where(above, np.inf, -np.inf).astype(np.float32)),),
        "power": (np.abs(x) + 1, np.where(above, small, -small)),
        "product_reduction": (np.where(np.arange(5) == 2, small, x),),
    }.get(operation, ())


def on_the_edge(operation: str) -> tuple:
    """Arguments of which some are exactly there."""
    x, zeros = normal_draws(48, ROW), np.zeros(ROW, np.float32)
    some_zero = np.where(np.arange(5) % 2, x, zeros)
    return {
        "pairwise_maximum": (x, x),
        "maximum_reduction": (tied()[0],),
        "absolute_value": (some_zero,),
        "euclidean_norm": (zeros,),
        "square_root": (np.abs(some_zero),),
        "masked_square_root": (some_zero,),
        "clamp": (np.where(np.arange(5) % 2, *BOUNDS.values()).astype(np.float32) + 0 * x,),
        "power": (np.abs(some_zero), np.abs(x)),
        "product_reduction": (some_zero,),
    }.get(operation, ())


def rounded_at_random(f: Callable, operands: tuple, attributes: dict) -> Any:
    """What an oracle gives, with what it moves when its operands are rounded; integers and masks stay as they are."""
    given = mapped(lambda a: wide(a) if is_float(a) else a, operands)

    def run(rounded: Callable) -> Any:
        return f(*mapped(lambda a: rounded(a) if is_float(a) else a, given), **attributes)

    return spread(run, float_dtype(operands) or "float32")


def value_of(operation: str) -> Callable:
    def want(*arrays: Any, **attributes: Any) -> Want:
        f = getattr(oracle, operation)
        return (unrounded if operation in UNROUNDED else rounded_at_random)(f, arrays, attributes)

    return want


def unrounded(f: Callable, operands: tuple, attributes: dict) -> Any:
    """What an oracle gives, exactly: it only takes what is there. A bound is a number of the arrays' dtype."""
    given = mapped(lambda a: wide(a) if is_float(a) else a, operands)
    dtype = float_dtype(operands) or "float32"
    told = {name: float(np.asarray(v, DTYPES[dtype])) if isinstance(v, float) else v for name, v in attributes.items()}
    return mapped(lambda y: exact(y, dtype), f(*given, **told))


def gradients_of(operation: str, readings: dict | None = None) -> Callable:
    def vjp(*operands: Any, **attributes: Any) -> tuple:
        if hasattr(oracle, f"{operation}_vjp"):
            return getattr(oracle, f"{operation}_vjp")(*operands, **attributes)
        x, g = operands
        return (g * getattr(oracle, f"{operation}_derivative")(x, **attributes),)

    exactly = operation in UNROUNDED and operation != "embedding_lookup"  # whose gradient is a sum
    told = {} if readings is None else readings
    return lambda *operands, **asked: (unrounded if exactly else rounded_at_random)(vjp, operands, asked | told)


@clause("edge.value")
def test_value(operation: str) -> Iterator[Case]:
    for dtype in ("float32", "bfloat16"):
        asked = GIVEN.get(operation, {})
        yield call(operation, *ordinary(operation, dtype), **asked, want=value_of(operation))
    for arrays in filter(None, (beside_the_edge(operation), on_the_edge(operation))):
        yield call(operation, *arrays, **GIVEN.get(operation, {}), want=value_of(operation), note="a smoothed function")


@clause("edge.gradient")
def test_gradient(operation: str, readings: dict) -> Iterator[Case]:
    for dtype in ("float32", "bfloat16"):
        arrays, asked = ordinary(operation, dtype), GIVEN.get(operation, {})
        shape = getattr(oracle, operation)(*arrays, **asked).shape
        cotangents = normal_draws(25, shape, dtype)
        yield gradient(operation, *arrays, cotangents=cotangents, **asked, want=gradients_of(operation, readings))
    if near := beside_the_edge(operation):
        g, note = normal_draws(47, shape), "a comparison with a tolerance, a smoothed function"
        yield gradient(operation, *near, cotangents=g, **asked, want=gradients_of(operation, readings), note=note)


@clause("edge.second-derivative")
def test_second_derivative(operation: str) -> Iterator[Case]:
    for dtype in ("float32", "float64"):
        (x,), asked = ordinary(operation, dtype), GIVEN.get(operation, {})
        curvature = getattr(oracle, f"{operation}_second_derivative")(wide(x), **asked)
        yield second_derivative(
            operation, x, **asked, want=ulps(curvature, 16, dtype), note="a square root in bfloat16"
        )


# ---- ties


def tied(dtype: str = "float32") -> tuple[np.ndarray, np.ndarray]:
    """Rows with two, three and all entries largest, and cotangents."""
    rows = [[1, 3, 3, -2, 0], [2, 5, 2, 5, 5], [-7, -7, -7, -7, -7]]
    return np.array(rows, DTYPES[dtype]), np.array([2, -3, 0.5], DTYPES[dtype])


@clause("max.tie-subgradient")
def test_tie_subgradient(trial) -> None:
    x, g = tied()
    shares = wide(trial.vjp((x,), g)[0]) / g[:, None]
    largest = x == x.max(-1, keepdims=True)
    trial.require(bool((shares >= 0).all()), f"a share is below 0: {shares.tolist()}")
    trial.expect(shares.sum(-1), bound(np.ones(3), np.ones(3), x.shape[1], "float32"), "the sum of the shares")
    trial.expect(np.where(largest, 0.0, shares), exact(np.zeros(x.shape)), "the shares of what is not largest")


@clause("max.tie")
def test_max_tie(readings: dict) -> Iterator[Case]:
    x, g = tied()
    (share,) = oracle.maximum_reduction_vjp(wide(x), wide(g), tie=readings["tie"])
    want = ulps(share, 1, "float32")  # a third is rounded
    yield gradient("maximum_reduction", x, cotangents=g, want=(want,), note="each winner gets all")


@clause("maximum.tie")
def test_maximum_tie(readings: dict) -> Iterator[Case]:
    x, g = normal_draws(26, ROW), normal_draws(27, ROW)
    x[0], x[1, :2] = 0, [-0.0, np.inf]
    y = np.where(np.arange(5) < 4, x, x + 1).astype(np.float32)
    y[1, :2] = [0.0, np.inf]
    want = oracle.pairwise_maximum_vjp(wide(x), wide(y), wide(g), tie=readings["tie"])
    yield gradient("pairwise_maximum", x, y, cotangents=g, want=mapped(exact, want), note="half of it is lost")


@clause("clamp.at-bounds")
def test_at_bounds(readings: dict) -> Iterator[Case]:
    x, g = normal_draws(28, ROW), normal_draws(29, ROW)
    x[0], x[1] = -1.0, 2.0
    want = wide(g) * oracle.clamp_derivative(wide(x), **BOUNDS, at_bounds=readings["at_bounds"])
    yield gradient("clamp", x, **BOUNDS, cotangents=g, want=(exact(want),), note="one bound only")


# ---- zeros


def with_zeros() -> tuple[np.ndarray, np.ndarray]:
    """Positive numbers with zeros of both signs among them, and cotangents."""
    x, g = np.abs(normal_draws(30, ROW)), normal_draws(31, ROW)
    x[0, 1], x[1, 2], x[2] = 0.0, -0.0, 0.0
    return x, g


@clause("abs.at-zero")
def test_abs_at_zero(readings: dict) -> Iterator[Case]:
    x, g = with_zeros()
    x[0, 3] = -x[0, 3]
    want = wide(g) * oracle.absolute_value_derivative(wide(x), at_zero=readings["at_zero"])
    yield gradient("absolute_value", x, cotangents=g, want=(exact(want),), note="the sign of -0")


@clause("norm.at-zero")
def test_norm_at_zero(readings: dict) -> Iterator[Case]:
    x, _ = with_zeros()  # the last row is zero
    g = np.array([0.0, 0.0, 3.0], np.float32)
    want = oracle.euclidean_norm_vjp(wide(x), wide(g), at_zero=readings["at_zero"])
    yield gradient("euclidean_norm", x, cotangents=g, want=mapped(exact, want), note="an epsilon inside the root")


@clause("sqrt.at-zero")
def test_sqrt_at_zero() -> Iterator[Case]:
    x, g = np.zeros(ROW, np.float32), np.abs(normal_draws(31, ROW))
    g[0] = -g[0]
    want = np.copysign(np.inf, wide(g))
    yield gradient("square_root", x, cotangents=g, want=(exact(want),), note="an epsilon inside the root")


@clause("sqrt.zero-cotangent")
def test_zero_cotangent(readings: dict) -> Iterator[Case]:
    at_zero = {"nan": np.nan, "zero": 0.0}[readings["zero_cotangent"]]
    x, g = np.zeros(ROW, np.float32), np.zeros(ROW, np.float32)
    x[1] = [1, 4, 9, 16, 25]
    want = np.where(x == 0, at_zero, 0.0)
    yield gradient("square_root", x, cotangents=g, want=(exact(want),), note="a masked example")


@clause("power.zero-exponent")
def test_zero_exponent(trial) -> None:
    x, g = with_zeros()
    zeros = np.zeros_like(x)
    trial.expect(trial.call(x, zeros), exact(np.ones(ROW)), "the value with the exponent 0")
    at_zero = {"nan": np.nan, "zero": 0.0}[trial.readings["zero_exponent"]]
    trial.expect(trial.vjp((x, zeros), g)[0], exact(np.where(x == 0, at_zero, 0.0)), "the gradient for x")


@clause("power.zero-base")
def test_zero_base(trial) -> None:
    x, g = np.zeros(ROW, np.float32), normal_draws(32, ROW)
    exponent = np.broadcast_to(np.array([0.5, 1, 1.5, 2, 3], np.float32), ROW).copy()
    trial.expect(trial.call(x, exponent), exact(np.zeros(ROW)), "the value")
    for_x, for_exponent = trial.vjp((x, exponent), g)
    trial.expect(for_exponent, exact(np.zeros(ROW)), "the gradient for the exponent")
    want = np.where(exponent == 1, wide(g), np.where(exponent < 1, np.copysign(np.inf, wide(g)), 0.0))
    trial.expect(for_x, exact(want), "the gradient for x")


@clause("product.zero-factor")
def test_zero_factor() -> Iterator[Case]:
    x = np.array([[2, -3, 0, 5, 0.5], [0, 2, 3, 0, -1], [2, 4, -1, 8, 0.5]], np.float32)  # exact products
    g = np.array([2, -1, 0.5], np.float32)
    want = oracle.product_reduction_vjp(wide(x), wide(g))
    yield gradient("product_reduction", x, cotangents=g, want=mapped(exact, want), note="the whole over the factor")


# ---- branches


@clause("where.untaken-value")
def test_untaken_value(trial) -> None:
    x, y, g = normal_draws(33, ROW), normal_draws(34, ROW), normal_draws(35, ROW)
    taken = np.arange(15).reshape(ROW) % 3 == 1
    x[~taken], y[taken] = np.inf, np.nan
    trial.expect(trial.call(taken, x, y), exact(np.where(taken, x, y)), "the value")
    want = oracle.selection_vjp(taken, wide(x), wide(y), wide(g))
    for got, one, name in zip(trial.vjp((taken, x, y), g), want, ("first", "second"), strict=True):
        trial.expect(got, exact(one), f"the gradient for the {name} argument")


@clause("where.untaken-branch")
def test_untaken_branch(readings: dict) -> Iterator[Case]:
    x, g = normal_draws(36, ROW), normal_draws(37, ROW)
    x[0, :2] = [0.0, -0.0]
    yield call("masked_square_root", x, want=value_of("masked_square_root"), note="the root of the absolute value")
    (slopes,) = oracle.masked_square_root_vjp(wide(x), wide(g), untaken_branch=readings["untaken_branch"])
    yield gradient("masked_square_root", x, cotangents=g, want=(ulps(slopes, 8, "float32"),), note="one where outside")


# ---- shared, cut off, unused


@clause("embedding-lookup.repeated-ids")
def test_repeated_ids() -> Iterator[Case]:
    table = normal_draws(38, (4, 5))
    for ids in (IDS, np.where(np.arange(1000) % 10 < 8, 2, np.arange(1000) % 4)):
        g = np.abs(normal_draws(39, (*ids.shape, 5)))
        total = np.zeros((4, 5))
        np.add.at(total, ids, wide(g))
        want = bound(total, total, int(np.bincount(ids.ravel()).max()), "float32")
        yield gradient("embedding_lookup", table, ids, cotangents=g, want=(want,), note="the last use only")


@clause("stopped-gradient.zero")
def test_stopped() -> Iterator[Case]:
    x, y, g = (np.round(8 * normal_draws(seed, ROW)) for seed in (40, 41, 42))  # exact products
    yield gradient("stopped_gradient", x, y, cotangents=g, want=(exact(g * y), exact(np.zeros(ROW))), note="both flow")


@clause("unused-parameter.zero")
def test_unused(trial) -> None:
    x, unused, g = normal_draws(43, ROW), normal_draws(44, (4,)), normal_draws(45, ROW)
    found = trial.vjp((x, unused), g)
    trial.expect(found[1], exact(np.zeros(4)), "the gradient for what is not used")


@clause("gradient-of-squares.nonscalar")
def test_nonscalar(readings: dict) -> Iterator[Case | ErrorCase]:
    x, one = np.array([1.5, -2.0, 3.0], np.float32), np.float32(1.5)
    yield call("gradient_of_squares", np.asarray(one), want=exact(np.asarray(3.0)), note="the square itself")
    if readings["nonscalar"] == "refused":
        yield refusal("gradient_of_squares", x, valid=(np.asarray(one),), note="three results and no reduction")
    else:
        yield call("gradient_of_squares", x, want=exact(2 * wide(x)), note="their mean")
