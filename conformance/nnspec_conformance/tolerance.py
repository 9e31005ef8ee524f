"""Tolerance classes: what a result is compared with, and how far off it may be. See spec/conformance.md.

Each function returns a ``Want``: the expected value in float64 and the allowed error of every element. A tolerance
comes from the clause's kind and the arithmetic, never from trying.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from ml_dtypes import finfo

from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.rounded import AT_FIRST, Reach, RoundedRuns, Together, most_runs
from nnspec_conformance.trees import leaves, rebuilt

Rounding = Callable[[Any], Any]  # what an oracle passes its operands through
ALARM = 1e-6  # how often a right implementation may be refused
QUANTILE = 4.8916  # two-sided normal quantile of a false-alarm rate of 1e-6
POWERFUL = 0.999  # how often the named deviation is caught
POWER = 3.0902  # one-sided normal quantile of that probability
FIRST = 2**14  # factors of a rounded run that are kept for the next one


@dataclass(frozen=True)
class Want:
    """An expected array.

    Attributes:
        value: float64 (or the exact integers or booleans).
        allowed: absolute error allowed, same shape.
        flushed: error allowed besides to a subject that declares that numbers below the smallest normal one are lost.
        dtype: name of the dtype in which the result is expected; the harness compares values, not this.
        tolerance: the class's name, for the report.
    """

    value: np.ndarray
    allowed: np.ndarray
    flushed: np.ndarray
    dtype: str
    tolerance: str

    def approaches(self) -> Iterator[np.ndarray]:
        """What is allowed at least, more and more of it; the last is ``allowed``. Of a spread the first cost less."""
        yield self.allowed

    def allowing(self, function: Callable[[np.ndarray], np.ndarray], **parts: Any) -> Want:
        """The expected array with another tolerance, and with other ``parts`` if given.

        Args:
            function: of what is allowed; it gives no less of more.
            parts: the other attributes that change.
        """
        return replace(self, allowed=function(self.allowed), **parts)

    @cached_property
    def telling(self) -> int:
        """How many expected numbers tell something: neither zero nor infinite nor NaN, nor of the size of most."""
        value = np.asarray(self.value, np.float64)
        with np.errstate(over="ignore"):
            sizes = np.abs(value[np.isfinite(value) & (value != 0)]).astype(DTYPES[self.dtype]).astype(np.float64)
        if not sizes.size:
            return 0
        middle = np.partition(sizes, sizes.size // 2)[sizes.size // 2]  # more than half are alike only if this one is
        alike = int((sizes == middle).sum())
        return sizes.size - (alike if alike > max(1, sizes.size / 2) else 0)


class Spread(Want):
    """What rounded runs allow: few are made at first, and all as soon as somebody asks for ``allowed``.

    Whoever is within what few runs reach is within what all of them do.
    """

    @classmethod
    def of(cls, after: Callable[[int], np.ndarray], counts: Sequence[int], **parts: Any) -> Spread:
        """The expected array of which ``after(count)`` says what so many runs allow; the last count is all of them."""
        made = cls.__new__(cls)
        vars(made).update(parts, _after=after, _counts=counts)
        return made

    @cached_property
    def allowed(self) -> np.ndarray:  # who states another has it in its place
        return vars(self)["_after"](vars(self)["_counts"][-1])

    def approaches(self) -> Iterator[np.ndarray]:
        """What few runs allow, what more of them do, and what all do."""
        if "allowed" not in vars(self):
            yield from map(vars(self)["_after"], vars(self)["_counts"][:-1])
        yield self.allowed

    def allowing(self, function: Callable[[np.ndarray], np.ndarray], **parts: Any) -> Want:
        """The expected array with another tolerance, for which no run is made."""
        if "_after" not in vars(self):
            return super().allowing(function, **parts)
        known = {name: getattr(self, name) for name in ("value", "flushed", "dtype", "tolerance")}
        function = np.errstate(**np.geterr())(function)  # who asks later has no part in how it calculates
        after, counts = vars(self)["_after"], vars(self)["_counts"]
        return Spread.of(lambda count: function(after(count)), counts, **known | parts)


@dataclass(frozen=True)
class Shape:
    """An expected shape and, if given, dtype; values do not matter.

    Attributes:
        shape: None where any will do.
        dtype: the name of a floating-point type, ``integer``, ``boolean``, or None where any will do.
    """

    shape: tuple[int, ...] | None
    dtype: str | None = None


def unit(dtype: str) -> float:
    """Unit roundoff u: half the distance from 1 to the next number."""
    return float(finfo(DTYPES[dtype]).eps) / 2


def smallest_normal(dtype: str) -> float:
    """The smallest positive number of full precision."""
    return float(finfo(DTYPES[dtype]).smallest_normal)


def ulp(value: Any, dtype: str) -> np.ndarray:
    """Unit in the last place of ``value`` in ``dtype``; at least the smallest subnormal number."""
    info = finfo(DTYPES[dtype])
    magnitude = np.abs(np.asarray(value, np.float64))
    _, exponent = np.frexp(np.where(np.isfinite(magnitude), magnitude, 1.0))
    spacing = np.where(magnitude == 0, 0.0, np.ldexp(float(info.eps), exponent - 1))
    return np.maximum(spacing, float(info.smallest_normal) * float(info.eps))


def _want(value: Any, allowed: Any, dtype: str, tolerance: str, scale: Any = 1.0) -> Want:
    value = np.asarray(value, np.float64)
    return Want(value, _of_finite(value, allowed), _flushed(value, dtype, scale), dtype, tolerance)


def _of_finite(value: np.ndarray, allowed: Any) -> np.ndarray:
    with np.errstate(invalid="ignore", over="ignore"):
        return np.broadcast_to(np.where(np.isfinite(value), allowed, 0.0), value.shape)


def _flushed(value: np.ndarray, dtype: str, scale: Any = 1.0) -> np.ndarray:
    with np.errstate(invalid="ignore", over="ignore"):
        flushed = np.broadcast_to(smallest_normal(dtype) * np.asarray(scale, np.float64), value.shape)
    return np.where(np.isfinite(flushed), flushed, 0.0)


def exact(value: Any, dtype: str = "float32") -> Want:
    """Equal as numbers: no error allowed, NaN where NaN is expected, either zero where zero is."""
    want = _want(value, 0.0, dtype, "exact")
    return Want(want.value, want.allowed, np.zeros_like(want.value), dtype, "exact")


def ulps(value: Any, count: float, dtype: str, *, scale: Any = None, moved: Any = 0.0, magnitude: Any = 1.0) -> Want:
    """``count`` units in the last place of ``value``, or of ``scale`` where that is larger, plus ``moved``.

    Args:
        value: the exact result.
        count: how many units; the clause states it.
        dtype: of the result.
        scale: magnitude on which the error is measured where the result itself is smaller.
        moved: what the result changes when the input moves by the stated number of its own units.
        magnitude: factor by which a flushed intermediate result can reach the result (for a product x * f(x), |x|).
    """
    value = np.asarray(value, np.float64)
    size = np.abs(value) if scale is None else np.maximum(np.abs(value), np.asarray(scale, np.float64))
    with np.errstate(invalid="ignore", over="ignore"):
        allowed = count * ulp(size, dtype) + moved
    return _want(value, allowed, dtype, f"{count:g} ulp", np.maximum(1.0, magnitude))


def bound(value: Any, absolute: Any, terms: int, dtype: str, *, factor: float = 2.0, underflow: Any = 0.0) -> Want:
    """Rounding bound of a sum of products: ``factor * terms * u * absolute``.

    Args:
        value: the exact result.
        absolute: the same sum with every term in absolute value.
        terms: how many terms are added.
        dtype: in which the subject adds.
        factor: 1 for one rounding a term and 1 for the rounding of the operands.
        underflow: what multiplies an operand that may have been rounded to a subnormal number or to zero.
    """
    small = terms + np.asarray(underflow, np.float64)  # every term may be such a number, too
    allowed = factor * (terms + 1) * unit(dtype) * np.abs(np.asarray(absolute, np.float64))
    allowed = allowed + ulp(value, dtype) / 2 + smallest_normal(dtype) * unit(dtype) * small
    return _want(value, allowed, dtype, f"bound {factor:g}nu", np.maximum(1.0, small))


@functools.cache
def _factors(seed: int, u: float) -> np.ndarray:
    """The first factors of a run that rounds at random."""
    return 1 + u * (2 * np.random.default_rng(seed).random(FIRST) - 1)


def spread(
    run: Callable[[Rounding], Any], dtype: str, *, runs: int = 16, factor: float = 8.0, together: bool = False
) -> Any:
    """Allowed: ``factor`` times the spread of oracle runs with operands rounded at random, plus an ulp, in float64 5.

    Args:
        run: the oracle; it passes every operand, of every step or layer, through the function that it is given.
        dtype: to whose precision the operands are rounded.
        runs: how many rounded runs; the seeds are 0 to ``runs - 1``.
        factor: safety over the largest deviation seen.
        together: ``run`` is called once for all rounded runs, which lie along one more axis of every operand, the last;
            it must treat every entry by itself.

    Returns:
        What ``run`` returns, nested as it is, with a ``Want`` for every array: of a trajectory a spread a step.
    """
    u = unit(dtype)

    def rounding(seed: int) -> Rounding:
        first, at = _factors(seed, u), 0
        generator: np.random.Generator | None = None

        def rounded(x: Any) -> np.ndarray:  # called so often that drawing each time took most of a run
            nonlocal at, generator
            x = as_wide(x)
            begin, at = at, at + x.size
            if at <= FIRST:
                return x * first[begin:at].reshape(x.shape)
            if generator is None:
                generator = np.random.default_rng(seed)
                generator.bit_generator.advance(begin)  # type: ignore[attr-defined]  # PCG64's, as default_rng has it
            return x * (1 + u * (2 * generator.random(x.shape) - 1))

        return rounded

    def as_wide(x: Any) -> np.ndarray:  # a complex step stays one
        if type(x) is np.ndarray and x.dtype.char in "dD":  # most are: this is called for every operand of every run
            return x
        return np.asarray(x, np.complex128 if np.iscomplexobj(x) else np.float64)

    centre = run(as_wide)
    limit = most_runs()
    runs = runs if limit is None else min(runs, limit)
    if together:
        reached: Reach = Together(leaves(centre), lambda count: leaves(run(RoundedRuns(count, u))))
    else:
        reached = Reach(leaves(centre), lambda seed: leaves(run(rounding(seed))))
    counts = [runs] if together else [*(n for n in AT_FIRST if n < runs), runs]
    units = 1 + (4 if dtype == "float64" else 0)  # the oracle is itself off by some units of float64

    def want(number: int, value: np.ndarray) -> Want:
        value = np.asarray(value, np.float64)

        def allowed(reach: np.ndarray | float) -> np.ndarray:
            return _of_finite(value, factor * reach + units * ulp(value, dtype))

        parts = {"value": value, "flushed": _flushed(value, dtype), "dtype": dtype, "tolerance": f"spread {factor:g}x"}
        if not runs:
            return Want(allowed=allowed(0.0), **parts)
        return Spread.of(lambda count: allowed(reached.after(count)[number]), counts, **parts)

    return rebuilt(centre, [want(number, value) for number, value in enumerate(leaves(centre))])


# ---- carried bounds: what the factors of a product are off by goes into what the sum is off by


def product_error(
    a: np.ndarray,
    da: Any,
    b: np.ndarray,
    db: Any,
    terms: int,
    dtype: str,
    *,
    times: Callable = np.matmul,
    plus: Any = 0.0,
) -> np.ndarray:
    """What a sum of products may be off by if its factors are.

    Args:
        a: the first factors, exact.
        da: what they may be off by.
        b: the second factors, exact.
        db: what they may be off by.
        terms: how many products are added, with what is added besides; 1 if none is.
        dtype: in which the subject multiplies and adds.
        times: how the factors meet: a matrix product, or ``np.multiply``.
        plus: the absolute value of what is added to the products.
    """
    a, b = np.abs(a), np.abs(b)
    rounding = 2 * (terms + 1) * unit(dtype) * (times(a + da, b + db) + plus)
    return times(da, b) + times(a + da, db) + rounding


def function_error(
    z: np.ndarray, dz: Any, slope: float, value: Any, count: float, dtype: str, *, scale: Any = 0.0
) -> np.ndarray:
    """What an elementary function may be off by if its argument is: no more than its steepest slope makes of it.

    Args:
        z: the argument, exact.
        dz: what it may be off by; two of its own units are added, as for the class ulp.
        slope: the largest absolute value of the derivative.
        value: the function's value.
        count: how many units in the last place the function itself may be off by.
        dtype: of the result.
        scale: magnitude on which that is measured where the value is smaller.
    """
    return slope * (dz + 2 * ulp(z, dtype)) + count * ulp(np.maximum(np.abs(value), scale), dtype)


def carried(value: np.ndarray, error: np.ndarray, dtype: str) -> Want:
    """The carried bound, made step by step with the two functions above."""
    return _want(value, error, dtype, "carried bound")


def statistical(value: float, deviation: float, n: int, dtype: str = "float64") -> Want:
    """A mean of ``n`` draws with the given standard deviation each; a right one fails once in a million.

    The smallest shift that is caught with probability 0.999 is ``(4.8916 + 3.0902) * deviation / sqrt(n)``.
    """
    allowed = QUANTILE * deviation / np.sqrt(n)
    caught = (QUANTILE + POWER) * deviation / np.sqrt(n)
    return _want(value, allowed, dtype, f"statistical n={n}, catches a shift of {caught:.3g}")


# ---- statistics of random maps: each names n, its false-alarm rate and the deviation it catches


def share(p: float, n: int) -> Want:
    """The share of ``n`` independent events of probability ``p``, by the quantiles of the binomial distribution.

    A right one is refused once in a million times or less; a probability further off than the tolerance's name says is
    caught with probability 0.999.
    """
    from scipy.stats import binom

    least, most = (float(binom.ppf(q, n, p)) / n for q in (ALARM / 2, 1 - ALARM / 2))
    caught = allowed = max(p - least, most - p)
    for _ in range(8):  # the wrong share has a deviation of its own, larger on the side of 1/2
        other = np.clip(p + caught if p < 0.5 else p - caught, 0.0, 1.0)
        caught = allowed + POWER * float(np.sqrt(other * (1 - other) / n))
    return _statistic(p, allowed, caught, n, "a share")


def uncorrelated(n: int) -> Want:
    """The correlation coefficient of ``n`` independent pairs: 0, with a standard deviation of 1 over the root of n."""
    return _statistic(0.0, QUANTILE / np.sqrt(n), (QUANTILE + POWER) / np.sqrt(n), n, "a correlation")


def variance(sigma2: float, kurtosis: float, n: int) -> Want:
    """The mean square of ``n`` independent draws of mean 0 and variance ``sigma2``.

    Args:
        sigma2: the variance.
        kurtosis: fourth moment over the square of the variance: 3 for normal draws, 1.8 for uniform ones.
        n: how many draws.
    """
    deviation = np.sqrt((kurtosis - 1) / n)  # of the mean square, in units of the variance
    caught = (QUANTILE + POWER) * deviation / (1 - POWER * deviation)  # a larger variance deviates more
    return _statistic(sigma2, QUANTILE * deviation * sigma2, caught * sigma2, n, "a variance")


def _statistic(value: float, allowed: float, caught: float, n: int, what: str) -> Want:
    name = f"statistical n={n}, false alarms {ALARM:g}, catches {what} off by {caught:.3g} with probability 0.999"
    return _want(value, allowed, "float64", name)


@functools.lru_cache(maxsize=64)
def equally_often(degrees: int, n: int, *, rows: int = 1) -> Want:
    """Pearson's statistic of ``n`` independent draws that fall into equally likely cells.

    Args:
        degrees: of freedom; a draw that falls into one of k cells has k - 1.
        n: how many draws, some tens for each cell.
        rows: how many free cells a draw fills; a permutation of k things fills k, of which k - 1 are free.
    """
    from scipy.optimize import brentq
    from scipy.stats import chi2, ncx2

    most = float(chi2.isf(ALARM, degrees))
    unlike: Any = brentq(lambda shift: float(ncx2.sf(most, degrees, shift)) - POWERFUL, 0.0, 100.0 * most)
    return _statistic(float(degrees), most - degrees, float(np.sqrt(unlike / (rows * n))), n, "shares, relatively,")
