"""Autoencoders as Flax modules: encoder and decoder, and a variational one that draws its codes."""

import itertools
from collections.abc import Sequence

import jax
import numpy as np
from flax import nnx
from jaxtyping import Array, Float

from nnspec.architectures.autoencoder_variational import reparametrize
from nnspec.checking import checked
from nnspec.components import activations
from nnspec.components.activations import ActivationName
from nnspec.components.layers import Dense, dense

__all__ = ["Autoencoder", "VariationalAutoencoder"]


class Autoencoder(nnx.Module):
    r"""An autoencoder that holds its weights   [autoencoder.value][].

    Args:
        sizes: inputs, units of each hidden layer of the encoder, length of the code: at least two numbers. The decoder
            has the same ones in the other order.
        activation: name of a function of `nnspec.components.activations`, after all layers but the code and the last.
        tied: the decoder has the transposed kernels of the encoder, and biases of its own.
        rngs: where the first weights are drawn from, the stream ``params``.

    Examples:
        >>> net = Autoencoder([4, 3, 2], activation="tanh", rngs=nnx.Rngs(0))
        >>> [part.shape for part in net(np.ones((5, 4), np.float32))]
        [(5, 2), (5, 4)]
    """

    @checked
    def __init__(
        self, sizes: Sequence, *, activation: ActivationName = "relu", tied: bool = False, rngs: nnx.Rngs
    ) -> None:
        n = _sizes("Autoencoder", sizes)
        self.activation: ActivationName = activation
        self.tied = tied
        pairs = list(itertools.pairwise(n))
        self.encoder = nnx.List([Dense(a, b, rngs=rngs) for a, b in pairs])
        self.decoder = nnx.List([] if tied else [Dense(b, a, rngs=rngs) for a, b in pairs])
        self.biases = nnx.List([nnx.Param(jax.numpy.zeros(a)) for a, _ in pairs] if tied else [])

    @checked
    def __call__(
        self, x: Float[Array, "*batch in_features"]
    ) -> tuple[Float[Array, "*batch code"], Float[Array, "*batch in_features"]]:
        """Encode a batch, and decode the codes, as `autoencoder` does."""
        code = self.encode(x)
        return code, self.decode(code)

    def encode(self, x: Array) -> Array:
        """Give the codes of a batch.

        Args:
            x: the data [*batch, inputs], any float dtype.

        Returns:
            The codes [*batch, code].
        """
        return _through(list(self.encoder), x, self.activation)

    def decode(self, code: Array) -> Array:
        """Give what the decoder makes of codes.

        Args:
            code: of inputs, or any others, [*batch, code].

        Returns:
            The reconstructions [*batch, inputs].
        """
        if not self.tied:
            return _through(list(self.decoder)[::-1], code, self.activation)
        h, phi = code, getattr(activations, self.activation)
        for i in range(len(self.encoder) - 1, -1, -1):
            h = dense(h, self.encoder[i].kernel[...].T, self.biases[i][...])
            h = phi(h) if i > 0 else h
        return h

    def get_weights(self) -> dict[str, Array]:
        """Hand out the table that `autoencoder` takes, or `tied_autoencoder`.

        Returns:
            The arrays by name; changing the table does not change the module.
        """
        kernel, found = "kernel" if self.tied else "encoder_kernel", {}
        for i, layer in enumerate(self.encoder):
            found |= {f"{kernel}_{i}": layer.kernel[...], f"encoder_bias_{i}": layer.bias[...]}
            if self.tied:
                found[f"decoder_bias_{i}"] = self.biases[i][...]
            else:
                undoes = self.decoder[i]
                found |= {f"decoder_kernel_{i}": undoes.kernel[...], f"decoder_bias_{i}": undoes.bias[...]}
        return found


class VariationalAutoencoder(nnx.Module):
    r"""An autoencoder whose encoder gives mean and log-variance of the code   [reparametrize.gradient][].

    Args:
        sizes: inputs, units of each hidden layer of the encoder, length of the code: at least two numbers.
        activation: name of a function of `nnspec.components.activations`, after the hidden layers.
        rngs: where the first weights are drawn from, the stream ``params``.

    Examples:
        >>> net = VariationalAutoencoder([4, 3, 2], activation="tanh", rngs=nnx.Rngs(0))
        >>> [part.shape for part in net(np.ones((5, 4), np.float32), jax.random.key(0))]
        [(5, 4), (5, 2), (5, 2)]
    """

    @checked
    def __init__(self, sizes: Sequence, *, activation: ActivationName = "relu", rngs: nnx.Rngs) -> None:
        n = _sizes("VariationalAutoencoder", sizes)
        self.activation: ActivationName = activation
        down = [*n[:-1], 2 * n[-1]]
        self.encoder = nnx.List([Dense(a, b, rngs=rngs) for a, b in itertools.pairwise(down)])
        up = n[::-1]
        self.decoder = nnx.List([Dense(a, b, rngs=rngs) for a, b in itertools.pairwise(up)])

    @checked
    def __call__(
        self, x: Float[Array, "*batch in_features"], key: Array
    ) -> tuple[Float[Array, "*batch in_features"], Float[Array, "*batch code"], Float[Array, "*batch code"]]:
        """Draw a code for each example, and give its reconstruction, the mean and the log-variance of the code."""
        mean, log_variance = self.encode(x)
        return self.decode(reparametrize(mean, log_variance, key)), mean, log_variance

    def encode(self, x: Array) -> tuple[Array, Array]:
        """Give the distributions of the codes of a batch.

        Args:
            x: the data [*batch, inputs], any float dtype.

        Returns:
            Mean and log-variance, each [*batch, code].
        """
        both = _through(list(self.encoder), x, self.activation)
        mean, log_variance = jax.numpy.split(both, 2, axis=-1)
        return mean, log_variance

    def decode(self, code: Array) -> Array:
        """Give what the decoder makes of codes.

        Args:
            code: drawn, or any others, [*batch, code].

        Returns:
            The reconstructions, or their logits, [*batch, inputs].
        """
        return _through(list(self.decoder), code, self.activation)


def _sizes(name: str, sizes: Sequence) -> list[int]:
    """The widths, each at least 1: a code of nothing carries nothing."""
    for position, size in enumerate(sizes):
        if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1:
            raise ValueError(f"{name}: sizes[{position}] is {size!r}, must be an integer of at least 1")
    if len(sizes) < 2:
        raise ValueError(f"{name}: sizes {list(sizes)} has no code; give the inputs and the length of the code")
    return list(sizes)


def _through(layers: list[Dense], x: Array, activation: ActivationName) -> Array:
    """The layers one after the other, with the activation after all but the last."""
    h, phi = x, getattr(activations, activation)
    for layer in layers[:-1]:
        h = phi(layer(h))
    return layers[-1](h)
