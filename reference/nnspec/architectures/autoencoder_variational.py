r"""Variational autoencoders: codes that are drawn, what their distribution costs, and the bound that is made large."""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from nnspec.architectures.autoencoder import _wide
from nnspec.checking import NonNegative, Positive, checked
from nnspec.elementary import expm1, softplus
from nnspec.entries import between_0_and_1, held

__all__ = ["bernoulli_bound", "gaussian_bound", "gaussian_divergence", "reparametrize"]

LOG_2_PI = math.log(2 * math.pi)


@checked
@jax.jit
def gaussian_divergence(
    mean: Float[Array, "*batch code"],
    log_variance: Float[Array, "*batch code"],
    prior_mean: Float[Array, "*batch code"] | None = None,
    prior_log_variance: Float[Array, "*batch code"] | None = None,
) -> Float[Array, "*batch"]:
    r"""Give the divergence of a normal distribution from another one, each with independent entries.

    With $m$, $s$ = ``mean``, ``log_variance`` and $n$, $t$ those of the prior:
    $\mathrm{KL} = \frac12 \sum_j \frac{(m_j - n_j)^2}{e^{t_j}} + e^{s_j - t_j} - 1 - (s_j - t_j)$
    [gaussian-divergence.code][], [gaussian-divergence.near-equal][]

    Args:
        mean: any float dtype; the code is the last axis.
        log_variance: the natural logarithm of the variance, same shape.
        prior_mean: of the other distribution, 0 if left out.
        prior_log_variance: of the other distribution, 0 if left out.

    Returns:
        One number for each example, in nats.

    Source: Kingma and Welling 2014, appendix B.
    """
    m, s = _wide(mean), _wide(log_variance)
    off = m if prior_mean is None else m - _wide(prior_mean)
    if prior_log_variance is None:
        d, square = s, off * off
    else:
        t = _wide(prior_log_variance)
        d, square = s - t, off * off * jnp.exp(-t)
    return (jnp.sum(square + (expm1(d) - d), -1) / 2).astype(mean.dtype)


@checked
@jax.jit
def reparametrize(
    mean: Float[Array, "*batch code"], log_variance: Float[Array, "*batch code"], key: Key[Array, ""]
) -> Float[Array, "*batch code"]:
    r"""Draw a code around its mean, with a gradient for mean and log-variance.

    With $m$, $s$ = ``mean``, ``log_variance`` and a standard normal $\epsilon$: $z = m + e^{s/2}\,\epsilon$
    [reparametrize.gradient][], [reparametrize.moments][]

    Args:
        mean: any float dtype.
        log_variance: the natural logarithm of the variance, same shape.
        key: of the draw; the same key gives the same.

    Returns:
        Same shape and dtype as ``mean``.

    Source: Kingma and Welling 2014, section 2.4.
    """
    m, s = _wide(mean), _wide(log_variance)
    return (m + jnp.exp(s / 2) * jax.random.normal(key, m.shape, m.dtype)).astype(mean.dtype)


@checked
@jax.jit
def gaussian_bound(
    x: Float[Array, "*batch pixels"],
    reconstruction: Float[Array, "*batch pixels"],
    mean: Float[Array, "*batch code"],
    log_variance: Float[Array, "*batch code"],
    *,
    variance: Positive,
    beta: NonNegative,
) -> Float[Array, "*batch"]:
    r"""Give the evidence bound of one draw of the code, where pixels are normal around their reconstruction.

    With $y$ = ``reconstruction``, $v$ = ``variance``, $\beta$ = ``beta``:
    $-\frac12 \sum_i \big(\frac{(x_i - y_i)^2}{v} + \log 2 \pi v\big) - \beta\,\mathrm{KL}$   [evidence-bound.pixels][],
    [gaussian-bound.tight][]

    Args:
        x: the data, any float dtype; the pixels are the last axis.
        reconstruction: what the decoder makes of a draw of the code.
        mean: of the code.
        log_variance: of the code.
        variance: of a pixel, in units of ``x`` squared, positive.
        beta: weight of the divergence, at least 0; with 1 it is a bound of the density.

    Returns:
        One number for each example, in nats: to be made large.

    Raises:
        ValueError: shapes differ; ``variance`` is not positive; ``beta`` is negative.

    Source: Kingma and Welling 2014, equation 10; Higgins and others 2017 for beta.
    """
    off = _wide(x) - _wide(reconstruction)
    v = jnp.asarray(variance, off.dtype)
    logs = -(off * off / v + (jnp.log(v) + LOG_2_PI)) / 2
    return _bound(logs, mean, log_variance, beta).astype(x.dtype)


@checked
@held(x=between_0_and_1)
@jax.jit
def bernoulli_bound(
    x: Float[Array, "*batch pixels"],
    logits: Float[Array, "*batch pixels"],
    mean: Float[Array, "*batch code"],
    log_variance: Float[Array, "*batch code"],
    *,
    beta: NonNegative,
) -> Float[Array, "*batch"]:
    r"""Give the evidence bound of one draw of the code, where each pixel is a probability.

    With $y$ = ``logits``, $\beta$ = ``beta``:
    $\sum_i x_i \log \sigma(y_i) + (1 - x_i) \log \sigma(-y_i) - \beta\,\mathrm{KL}$   [evidence-bound.pixels][],
    [bernoulli-bound.extremes][]

    Pixels outside [0, 1] are refused where they are known   [bernoulli-bound.range][]

    Args:
        x: the data, any float dtype; the pixels are the last axis.
        logits: what the decoder makes of a draw of the code.
        mean: of the code.
        log_variance: of the code.
        beta: weight of the divergence, at least 0.

    Returns:
        One number for each example, in nats: to be made large.

    Raises:
        ValueError: shapes differ; a pixel lies outside [0, 1]; ``beta`` is negative.

    Source: Kingma and Welling 2014, appendix C.1.
    """
    p, y = _wide(x), _wide(logits)
    logs = -(p * softplus(-y) + (1 - p) * softplus(y))
    return _bound(logs, mean, log_variance, beta).astype(x.dtype)


def _bound(logs: Array, mean: Array, log_variance: Array, beta: float) -> Array:
    """The sum over the pixels, less the divergence."""
    divergence = gaussian_divergence(_wide(mean), _wide(log_variance))
    return jnp.sum(logs, -1) - jnp.asarray(beta, logs.dtype) * divergence
