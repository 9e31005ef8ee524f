"""The functions of SciPy that oracles take. SciPy is imported at the first call: it is a sixth of a command's start."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

__all__ = ["digamma", "erf", "erfc", "expit", "gammaln"]


@functools.cache
def _function(name: str) -> Any:
    from scipy import special

    return getattr(special, name)


def digamma(x: Any) -> Any:
    """The derivative of ``gammaln``, elementwise."""
    return _function("digamma")(x)


def erf(x: Any) -> Any:
    """The error function, elementwise."""
    return _function("erf")(x)


def erfc(x: Any) -> Any:
    """1 minus the error function, elementwise and without cancellation."""
    return _function("erfc")(x)


def expit(x: Any) -> Any:
    """The logistic sigmoid, elementwise: as an exponential where that of SciPy divides by an infinite one."""
    return np.where(np.asarray(x) < -700, np.exp(np.minimum(x, 0)), _function("expit")(x))


def gammaln(x: Any) -> Any:
    """The logarithm of the absolute value of the gamma function, elementwise."""
    return _function("gammaln")(x)
