r"""Autoencoders: networks that make their input again from a code, and what their codes are held to.

The functions take a table of weights; the modules of `autoencoder_modules` hold one. Half precision is computed in
float32 and rounded once.
"""

from functools import partial
from typing import Annotated

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from nnspec import tables
from nnspec.checking import NonNegative, Requirement, checked
from nnspec.components.activations import ActivationName
from nnspec.components.layers import mlp
from nnspec.entries import between_0_and_1, held

__all__ = [
    "activity_penalty", "add_noise", "autoencoder", "decode", "denoising_error", "encode", "sparsity_divergence",
    "tied_autoencoder",
]  # fmt: skip

Inside = Annotated[float, Requirement("between 0 and 1", lambda value: 0 < value < 1)]


# ---- encoder and decoder


@checked
@partial(jax.jit, static_argnames="activation")
def autoencoder(
    x: Float[Array, "*batch in_features"], weights: dict, *, activation: ActivationName
) -> tuple[Float[Array, "*batch code"], Float[Array, "*batch in_features"]]:
    r"""Encode an input, and decode the code.

    With the encoder $E$ and the decoder $D$: $z = \mathrm{mlp}(x; E)$, $y = \mathrm{mlp}(z; D)$
    [autoencoder.value][], [autoencoder.gradient][]

    Args:
        x: the data, any float dtype, any number of leading axes.
        weights: for each layer ``l`` from 0 on ``encoder_kernel_l`` [in, out], ``encoder_bias_l`` [out], and the layer
            that undoes it, ``decoder_kernel_l`` [out, in], ``decoder_bias_l`` [in].
        activation: name of a function of `nnspec.components.activations`, after all layers but the code and the last.

    Returns:
        The code and the reconstruction, each with the leading axes of ``x``.

    Raises:
        ValueError: there is no such activation; a name of the table is missing or unknown; two layers do not fit, or
            one has no unit.
        TypeError: an entry of the table is no array, or not of a float dtype.

    Source: Hinton and Salakhutdinov 2006.
    """
    depth = _depth("autoencoder", x, weights, tied=False)
    z = mlp(x, _encoder(weights, depth), activation=activation)  # [*batch, code]
    return z, mlp(z, _decoder(weights, depth), activation=activation)


@checked
@partial(jax.jit, static_argnames="activation")
def tied_autoencoder(
    x: Float[Array, "*batch in_features"], weights: dict, *, activation: ActivationName
) -> tuple[Float[Array, "*batch code"], Float[Array, "*batch in_features"]]:
    r"""Encode an input, and decode the code by the transposed kernels.

    With the kernels $W_l$ of the encoder those of the decoder are $W_l^\top$   [autoencoder.value][],
    [autoencoder.gradient][]

    Args:
        x: the data, any float dtype, any number of leading axes.
        weights: for each layer ``l`` from 0 on ``kernel_l`` [in, out], ``encoder_bias_l`` [out] and ``decoder_bias_l``
            [in].
        activation: name of a function of `nnspec.components.activations`, after all layers but the code and the last.

    Returns:
        The code and the reconstruction, each with the leading axes of ``x``.

    Raises:
        ValueError: there is no such activation; a name of the table is missing or unknown; two layers do not fit, or
            one has no unit.
        TypeError: an entry of the table is no array, or not of a float dtype.

    Source: Vincent and others 2010, section 3.1.
    """
    depth = _depth("tied_autoencoder", x, weights, tied=True)
    z = mlp(x, _encoder(weights, depth), activation=activation)  # [*batch, code]
    return z, mlp(z, _decoder(weights, depth), activation=activation)


@checked
def encode(
    x: Float[Array, "*batch in_features"], weights: dict, *, activation: ActivationName
) -> Float[Array, "*batch code"]:
    r"""Give the code alone: $z = \mathrm{mlp}(x; E)$   [autoencoder.value][].

    Args:
        x: the data, any float dtype.
        weights: a table of `autoencoder` or of `tied_autoencoder`; entries of the decoder may be missing.
        activation: after all layers but the code.

    Returns:
        The code, with the leading axes of ``x``.

    Raises:
        ValueError: there is no such activation; a name of the encoder is missing; two layers do not fit.

    Source: Hinton and Salakhutdinov 2006.
    """
    return mlp(x, _encoder(weights, _layers(weights, "encoder_bias")), activation=activation)


@checked
def decode(
    code: Float[Array, "*batch code"], weights: dict, *, activation: ActivationName
) -> Float[Array, "*batch in_features"]:
    r"""Give what the decoder makes of a code: $y = \mathrm{mlp}(z; D)$   [autoencoder.value][].

    Args:
        code: of an input, or any other, any float dtype.
        weights: a table of `autoencoder` or of `tied_autoencoder`; entries of the encoder may be missing.
        activation: after all layers but the reconstruction.

    Returns:
        The reconstruction, with the leading axes of ``code``.

    Raises:
        ValueError: there is no such activation; a name of the decoder is missing; two layers do not fit.

    Source: Hinton and Salakhutdinov 2006.
    """
    return mlp(code, _decoder(weights, _layers(weights, "decoder_bias")), activation=activation)


# ---- sparse and denoising


@checked
@jax.jit
def activity_penalty(code: Float[Array, "batch code"], *, strength: NonNegative) -> Float[Array, ""]:
    r"""Give what a sparse code pays for its entries, in its L1 form.

    With $\lambda$ = ``strength``: $\lambda \sum_j |z_j|$, mean over the batch   [activity-penalty.batch][]

    Args:
        code: codes of a batch, any float dtype.
        strength: of the penalty, at least 0.

    Returns:
        One number.

    Raises:
        ValueError: ``strength`` is negative.

    Source: Goodfellow, Bengio and Courville 2016, section 14.2.1.
    """
    z = _wide(code)
    return (jnp.asarray(strength, z.dtype) * jnp.sum(jnp.abs(z)) / max(len(z), 1)).astype(code.dtype)


@checked
@held(code=between_0_and_1)
@jax.jit
def sparsity_divergence(code: Float[Array, "batch code"], *, target: Inside) -> Float[Array, ""]:
    r"""Give what a sparse code of activations between 0 and 1 pays, in its KL form.

    With $\rho$ = ``target`` and $r_j$ the mean of a unit over the batch:
    $\sum_j \rho \log \frac{\rho}{r_j} + (1 - \rho) \log \frac{1 - \rho}{1 - r_j}$   [sparsity-divergence.value][]

    Activations outside [0, 1] are refused where they are known   [sparsity-divergence.activations][]

    Args:
        code: activations of a batch, each between 0 and 1, any float dtype.
        target: the mean activation that is wanted, between 0 and 1.

    Returns:
        One number, in nats.

    Raises:
        ValueError: ``target`` is not between 0 and 1; an activation lies outside [0, 1].

    Source: Nair and Hinton 2009, for the target of the mean.
    """
    r = jnp.mean(_wide(code), 0)  # [code]
    rho = jnp.asarray(target, r.dtype)
    return jnp.sum(rho * jnp.log(rho / r) + (1 - rho) * jnp.log((1 - rho) / (1 - r))).astype(code.dtype)


@checked
def add_noise(x: Float[Array, "*shape"], key: Key[Array, ""], *, deviation: NonNegative) -> Float[Array, "*shape"]:
    r"""Disturb an input, as a denoising autoencoder is fed.

    With a standard normal $\epsilon$: $x$ plus the deviation times $\epsilon$   [add-noise.moments][],
    [add-noise.zero][]

    Args:
        x: any float dtype, any shape.
        key: of the noise; the same key gives the same.
        deviation: of the noise, in units of ``x``, at least 0.

    Returns:
        Same shape and dtype as ``x``.

    Raises:
        ValueError: ``deviation`` is negative.

    Source: Vincent and others 2010, section 3.3.
    """
    return x if deviation == 0 else _noisy(x, key, deviation)


@checked
def denoising_error(
    x: Float[Array, "*batch in_features"],
    weights: dict,
    key: Key[Array, ""],
    *,
    activation: ActivationName,
    deviation: NonNegative,
) -> Float[Array, "*batch"]:
    r"""Give the squared error of a reconstruction from a disturbed input, against the input before that.

    With $\tilde x$ = `add_noise` of $x$ and its reconstruction $y$: $\sum_i (y_i - x_i)^2$
    [denoising-error.clean][]

    Args:
        x: the data, any float dtype.
        weights: a table of `autoencoder`.
        key: of the noise.
        activation: of the hidden layers.
        deviation: of the noise, at least 0.

    Returns:
        One number for each example.

    Raises:
        ValueError: ``deviation`` is negative; the table does not fit.

    Source: Vincent and others 2010, section 3.1.
    """
    _, y = autoencoder(add_noise(x, key, deviation=deviation), weights, activation=activation)
    return jnp.sum((_wide(y) - _wide(x)) ** 2, -1).astype(x.dtype)


# ---- helpers


@jax.jit
def _noisy(x: Array, key: Array, deviation: Array) -> Array:
    """The array with noise, drawn in float32 at least."""
    wide = _wide(x)
    return (wide + jnp.asarray(deviation, wide.dtype) * jax.random.normal(key, x.shape, wide.dtype)).astype(x.dtype)


def _wide(x: Array) -> Array:
    """Half precision as float32."""
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))


def _layers(weights: dict, part: str) -> int:
    """How many layers a table has, by the names of one kind."""
    return max(1, sum(str(name).startswith(f"{part}_") for name in weights))


def _depth(operation: str, x: Array, weights: dict, *, tied: bool) -> int:
    """The number of layers of a table, which must fit together and fit the input."""
    kernel = "kernel" if tied else "encoder_kernel"
    depth = _layers(weights, kernel)
    units = ["in_features", *(f"units_{i}" for i in range(depth))]
    axes = {}
    for i in range(depth):
        axes |= {f"{kernel}_{i}": f"{units[i]} {units[i + 1]}", f"encoder_bias_{i}": units[i + 1]}
        if not tied:
            axes[f"decoder_kernel_{i}"] = f"{units[i + 1]} {units[i]}"
        axes[f"decoder_bias_{i}"] = units[i]
    tables.check(operation, weights, axes, x=x)
    tables.check_floating(operation, weights)
    for i in range(depth):
        if weights[f"encoder_bias_{i}"].shape == (0,):
            raise ValueError(
                f"{operation}: encoder_bias_{i} has shape (0,), expected at least 1 unit, and 1 of the code"
            )
    return depth


def _encoder(weights: dict, depth: int) -> dict[str, Array]:
    """The encoder's part of a table, as a network has it."""
    kernel = "kernel" if "kernel_0" in weights else "encoder_kernel"
    names = {f"{part}_{i}": f"{kind}_{i}" for i in range(depth) for part, kind in _kinds(kernel, "encoder_bias")}
    return {name: weights[own] for name, own in names.items() if own in weights}


def _decoder(weights: dict, depth: int) -> dict[str, Array]:
    """The decoder's part of a table, as a network has it: its first layer is the one of the code."""
    found = {}
    for i in range(depth):
        last = depth - 1 - i
        kernel = weights[f"kernel_{last}"].T if "kernel_0" in weights else weights.get(f"decoder_kernel_{last}")
        found |= {f"kernel_{i}": kernel, f"bias_{i}": weights.get(f"decoder_bias_{last}")}
    return {name: part for name, part in found.items() if part is not None}


def _kinds(kernel: str, bias: str) -> tuple[tuple[str, str], ...]:
    return ("kernel", kernel), ("bias", bias)
