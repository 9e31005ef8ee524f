"""Initialization in float64: the law that the entries of a kernel are drawn from, and draws from it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from nnspec_conformance.dtypes import DTYPES

CUT = 2.0  # deviations at which a truncated normal distribution is cut off
KEPT = math.erf(CUT / math.sqrt(2))  # what lies within
CUT_VARIANCE = 1 - 2 * CUT * math.exp(-(CUT**2) / 2) / math.sqrt(2 * math.pi) / KEPT  # 0.7737
CUT_FOURTH = 3 - 2 * (CUT**3 + 3 * CUT) * math.exp(-(CUT**2) / 2) / math.sqrt(2 * math.pi) / KEPT


def ndtr(z: Any) -> Any:
    """The distribution function of normal numbers. SciPy is imported here: it is a sixth of a command's start."""
    from scipy import special

    return special.ndtr(z)


def ndtri(p: Any) -> Any:
    """The inverse of ``ndtr``."""
    from scipy import special

    return special.ndtri(p)


@dataclass(frozen=True)
class Law:
    """How each entry is distributed: symmetric around 0.

    Attributes:
        kind: uniform up to ``scale``, normal with the deviation ``scale``, or that cut off at two deviations.
        scale: the bound, or the deviation before anything is cut off.
    """

    kind: Literal["uniform", "normal", "truncated"]
    scale: float

    @property
    def bound(self) -> float:
        """What no entry exceeds in absolute value."""
        return {"uniform": 1.0, "normal": math.inf, "truncated": CUT}[self.kind] * self.scale

    @property
    def variance(self) -> float:
        return {"uniform": 1 / 3, "normal": 1.0, "truncated": CUT_VARIANCE}[self.kind] * self.scale**2

    @property
    def kurtosis(self) -> float:
        """The fourth moment over the square of the second."""
        return {"uniform": 1.8, "normal": 3.0, "truncated": CUT_FOURTH / CUT_VARIANCE**2}[self.kind]

    def below(self, w: np.ndarray) -> np.ndarray:
        """The probability of a smaller entry."""
        z = w / self.scale
        if self.kind == "uniform":
            return np.clip((z + 1) / 2, 0, 1)
        if self.kind == "normal":
            return ndtr(z)
        return np.clip((ndtr(z) - ndtr(-CUT)) / KEPT, 0, 1)

    def draw(self, shape: tuple[int, ...], seed: int) -> np.ndarray:
        """Independent draws, by the inverse of the distribution function."""
        u = np.random.default_rng(seed).random(shape)
        if self.kind == "uniform":
            return self.scale * (2 * u - 1)
        return self.scale * ndtri(np.maximum(u, 2.0**-60) if self.kind == "normal" else ndtr(-CUT) + KEPT * u)


def normal_law(variance: float, tails: str) -> Law:
    """A normal distribution of this variance, as the reading has it."""
    if tails == "normal":
        return Law("normal", math.sqrt(variance))
    return Law("truncated", math.sqrt(variance / (CUT_VARIANCE if tails == "truncated" else 1)))


def uniform_law(variance: float) -> Law:
    """A uniform distribution of this variance."""
    return Law("uniform", math.sqrt(3 * variance))


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """How many inputs an output is a sum of, and how many outputs an input goes into; [*window, in, out]."""
    if len(shape) < 2 or 0 in shape:
        raise ValueError(f"the shape is {shape}, expected [*window, in, out] without a length of 0")
    window = math.prod(shape[:-2])
    return window * shape[-2], window * shape[-1]


def scaled_variance(name: str, shape: tuple[int, ...]) -> float:
    """The variance of LeCun's, Glorot's or He's initialization."""
    fan_in, fan_out = fans(shape)
    return {"lecun": 1 / fan_in, "glorot": 2 / (fan_in + fan_out), "he": 2 / fan_in}[name.split("_")[0]]


def scaled_law(name: str, shape: tuple[int, ...], tails: str = "normal") -> Law:
    """The law of ``lecun_uniform`` and of the five others."""
    variance = scaled_variance(name, shape)
    return uniform_law(variance) if name.endswith("uniform") else normal_law(variance, tails)


def variance_scaling_law(shape: tuple[int, ...], scale: float, by: str, distribution: str) -> Law:
    """The law of ``variance_scaling``: of the scale over the fan-in, the fan-out or their mean."""
    fan_in, fan_out = fans(shape)
    variance = scale / {"in": fan_in, "out": fan_out, "average": (fan_in + fan_out) / 2}[by]
    return uniform_law(variance) if distribution == "uniform" else normal_law(variance, distribution)


def start_law(start: str, fan_in: int, fan_out: int, shared: int = 1) -> Law:
    """What the entries of a new layer are drawn from, by the name of the reading.

    Args:
        start: the reading.
        fan_in: how many inputs an output is a sum of.
        fan_out: how many outputs an input goes into.
        shared: the groups of a convolution, which are all inputs of a depthwise one.
    """
    return {
        "lecun-normal": lambda: normal_law(1 / fan_in, "normal"),
        "lecun-truncated": lambda: normal_law(1 / fan_in, "truncated"),
        "glorot": lambda: uniform_law(2 / (fan_in + fan_out)),
        "glorot-fused": lambda: uniform_law(2 / (fan_in + 3 * fan_out)),
        "glorot-all": lambda: uniform_law(2 / (fan_in + shared * fan_out)),
        "glorot-dense": lambda: uniform_law(2 / (shared * fan_in + fan_out)),
        "third": lambda: uniform_law(1 / (3 * fan_in)),
        "third-out": lambda: uniform_law(1 / (3 * fan_out)),
        "unit": lambda: Law("normal", 1.0),
        "features": lambda: Law("normal", fan_out**-0.5),
        "twentieth": lambda: Law("uniform", 0.05),
    }[start]()


# ---- numbers that do not depend on the shape


def _size(what: str, value: float) -> float:
    if not value >= 0:
        raise ValueError(f"{what} is {value}, expected 0 or more")
    return value


def _in(dtype: str, w: Any) -> np.ndarray:
    return np.asarray(w).astype(DTYPES[dtype])


def zeros_init(shape, *, seed, dtype="float32"):
    return _in(dtype, np.zeros(shape))


def constant_init(shape, *, seed, value, dtype="float32"):
    return _in(dtype, np.full(shape, value, np.float64))


def uniform_init(shape, *, seed, bound, dtype="float32"):
    return _in(dtype, Law("uniform", _size("bound", bound)).draw(shape, seed))


def normal_init(shape, *, seed, deviation, dtype="float32"):
    return _in(dtype, Law("normal", _size("deviation", deviation)).draw(shape, seed))


def truncated_normal_init(shape, *, seed, deviation, bound, dtype="float32"):
    cut = _size("bound", bound) / _size("deviation", deviation)
    u = np.random.default_rng(seed).random(shape)
    z = ndtri(np.maximum(ndtr(-cut) + (1 - 2 * ndtr(-cut)) * u, 2.0**-60))
    return _in(dtype, deviation * z)


# ---- by the fans


def lecun_uniform(shape, *, seed, dtype="float32"):
    return _in(dtype, scaled_law("lecun_uniform", shape).draw(shape, seed))


def glorot_uniform(shape, *, seed, dtype="float32"):
    return _in(dtype, scaled_law("glorot_uniform", shape).draw(shape, seed))


def he_uniform(shape, *, seed, dtype="float32"):
    return _in(dtype, scaled_law("he_uniform", shape).draw(shape, seed))


def lecun_normal(shape, *, seed, tails="normal", dtype="float32"):
    return _in(dtype, scaled_law("lecun_normal", shape, tails).draw(shape, seed))


def glorot_normal(shape, *, seed, tails="normal", dtype="float32"):
    return _in(dtype, scaled_law("glorot_normal", shape, tails).draw(shape, seed))


def he_normal(shape, *, seed, tails="normal", dtype="float32"):
    return _in(dtype, scaled_law("he_normal", shape, tails).draw(shape, seed))


def variance_scaling(shape, *, seed, scale, fans, distribution, dtype="float32"):
    if not scale > 0:
        raise ValueError(f"scale is {scale}, expected more than 0")
    return _in(dtype, variance_scaling_law(shape, scale, fans, distribution).draw(shape, seed))


# ---- matrices


def orthogonal_init(shape, *, seed, gain, dtype="float32"):
    if len(shape) < 2:
        raise ValueError(f"the shape is {shape}, expected two axes or more")
    rows, columns = math.prod(shape[:-1]), shape[-1]
    tall = np.random.default_rng(seed).standard_normal((max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(tall)
    q = q * np.sign(np.diagonal(r))  # without it no uniform distribution: Mezzadri 2007
    return _in(dtype, gain * (q if rows >= columns else q.T).reshape(shape))


def identity_init(shape, *, seed, gain, dtype="float32"):
    if len(shape) != 2:
        raise ValueError(f"the shape is {shape}, expected two axes")
    return _in(dtype, gain * np.eye(*shape))


def delta_init(shape, *, seed, dtype="float32"):
    if len(shape) < 3:
        raise ValueError(f"the shape is {shape}, expected [*window, in, out] with a window")
    w = np.zeros(shape)
    w[tuple(n // 2 for n in shape[:-2])] = np.eye(*shape[-2:])
    return _in(dtype, w)


# ---- what layers start with


def dense_start(shape, *, seed, start="lecun-normal"):
    return _in("float32", start_law(start, *fans(shape)).draw(shape, seed))


def bias_law(start: str, fan_in: int) -> Law | None:
    """What the biases of a new layer are drawn from; none where they are 0."""
    return None if start == "zeros" else start_law(start, fan_in, 1)


def dense_bias_start(shape, *, seed, inputs, start="zeros"):
    law = bias_law(start, inputs)
    return _in("float32", np.zeros(shape) if law is None else law.draw(shape, seed))


def convolution_bias_start(shape, *, seed, inputs, start="zeros"):
    return dense_bias_start(shape, seed=seed, inputs=9 * inputs, start=start)


def convolution_start(shape, *, seed, start="lecun-normal"):
    return _in("float32", start_law(start, *fans(shape)).draw(shape, seed))


def grouped_fans(shape: tuple[int, ...], groups: int) -> tuple[int, int]:
    """Count the fans of a kernel [*window, inputs of a group, outputs of all groups]."""
    fan_in, fan_out = fans(shape)
    return fan_in, fan_out // groups


def depthwise_fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """Count the fans of a kernel [*window, in, multiplier], whose inputs are not added."""
    window = math.prod(shape[:-2])
    return window, window * shape[-1]


def grouped_convolution_start(shape, *, seed, groups, start="lecun-normal"):
    return _in("float32", start_law(start, *grouped_fans(shape, groups), groups).draw(shape, seed))


def depthwise_convolution_start(shape, *, seed, start="lecun-normal"):
    return _in("float32", start_law(start, *depthwise_fans(shape), shape[-2]).draw(shape, seed))


def transposed_convolution_start(shape, *, seed, start="lecun-truncated"):
    return _in("float32", start_law(start, *fans(shape)).draw(shape, seed))


def embedding_start(shape, *, seed, start="features"):
    return _in("float32", start_law(start, *fans(shape)).draw(shape, seed))


def attention_start(shape, *, seed, start="lecun-normal"):
    return _in("float32", start_law(start, *fans(shape)).draw(shape, seed))
