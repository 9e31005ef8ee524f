"""Gradients of an oracle without writing them down: the complex step, exact to rounding."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from nnspec_conformance.trees import leaves, rebuilt

STEP = 2.0**-100  # squared it is far below the distance of float64 numbers: no error of truncation is left
REAL_STEP = 1e-6  # of the check, at which central differences are right to some 10 digits
AGREE = 1e-5


def complex_step(f: Callable, primals: tuple, cotangents: Any, *, check: bool = True) -> tuple:
    r"""Gradients of ``sum(cotangents * f(*primals))``: $\partial f / \partial x = \Im f(x + ih) / h$.

    It costs a call for every element of the primals, so that it is for small ones. ``f`` must be made of operations
    that are analytic where they are asked: sums, products, ``exp``, ``tanh``, ``np.where``. A cast and an absolute
    value drop the imaginary part, and the gradient comes out wrong: the first is found by NumPy's warning, the second
    by a difference of real calls.

    Args:
        f: the oracle, of arrays and nested arrays, to an array or to nested arrays.
        primals: its arguments; all their arrays are taken to be real numbers.
        cotangents: nested as the result is.
        check: compare with differences of real calls; not for an ``f`` that rounds at random.

    Returns:
        Nested as the primals are, in float64.

    Raises:
        TypeError: the imaginary part was lost on the way, by a cast or in a function that is not analytic.
    """
    points = [np.asarray(x, np.complex128) for x in leaves(primals)]
    weights = leaves(cotangents)
    gradients = [np.zeros(x.shape) for x in points]
    with warnings.catch_warnings():
        warnings.simplefilter("error", np.exceptions.ComplexWarning)
        for i, x in enumerate(points):
            for at in np.ndindex(x.shape):
                moved = x.copy()
                moved[at] += STEP * 1j
                results = _called(f, rebuilt(primals, [*points[:i], moved, *points[i + 1 :]]))
                gradients[i][at] = sum(np.sum(c * np.imag(r)) for c, r in zip(weights, results, strict=True)) / STEP
    if check:
        _check(f, primals, weights, gradients)
    return rebuilt(primals, gradients)


def _called(f: Callable, primals: tuple) -> list[np.ndarray]:
    try:
        results = leaves(f(*primals))
    except np.exceptions.ComplexWarning as error:
        raise TypeError(
            f"a cast drops the imaginary part, and with it the gradient ({error}); keep the dtype"
        ) from error
    for result in results:
        if not np.iscomplexobj(result):
            raise TypeError(f"a result is {result.dtype}: the imaginary part was lost, and with it the gradient")
    return results


def _check(f: Callable, primals: tuple, weights: list, gradients: list) -> None:
    """Along one direction the gradients must be those of real differences."""
    points = [np.asarray(x, np.float64) for x in leaves(primals)]
    random = np.random.default_rng(0)
    directions = [random.uniform(0.5, 1.5, x.shape) * random.choice([-1.0, 1.0], x.shape) for x in points]

    def total(step: float) -> float:
        moved = [x + step * v for x, v in zip(points, directions, strict=True)]
        results = leaves(f(*rebuilt(primals, moved)))
        return sum(float(np.sum(c * r)) for c, r in zip(weights, results, strict=True))

    above, below = total(REAL_STEP), total(-REAL_STEP)
    terms = [g * v for g, v in zip(gradients, directions, strict=True)]
    size = sum(float(np.abs(t).sum()) for t in terms) + abs(above) + abs(below)
    found, difference = sum(float(t.sum()) for t in terms), (above - below) / (2 * REAL_STEP)
    if abs(found - difference) > AGREE * size:
        raise TypeError(
            f"the complex step gives {found:.6g} along a direction, differences {difference:.6g}: "
            "an operation that is not analytic, such as abs, loses the imaginary part"
        )
