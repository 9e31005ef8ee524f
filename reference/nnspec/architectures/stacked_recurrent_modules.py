"""Recurrent layers as Flax modules: single ones, stacks, and both directions side by side.

Each holds the table of weights of the function that it calls, and hands it out and takes it by ``get_weights`` and
``set_weights``.
"""

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float, Int

from nnspec import tables
from nnspec.architectures import gru as gated
from nnspec.architectures import lstm as long
from nnspec.architectures import recurrent as simple
from nnspec.architectures.gru import Reset
from nnspec.architectures.recurrent import Activation
from nnspec.architectures.stacked_recurrent import AXES, DIRECTIONS, Cell, bidirectional, stacked_recurrent
from nnspec.checking import checked

__all__ = ["GRU", "LSTM", "Bidirectional", "Elman", "StackedRecurrent"]


class Elman(nnx.Module):
    """An Elman layer that holds its weights, those of `elman`.

    Args:
        in_features: how many numbers an input has.
        hidden_features: how many units there are.
        activation: ``tanh`` or ``relu``.
        rngs: where the first weights are drawn from, the stream ``params``.

    Examples:
        >>> layer = Elman(3, 5, rngs=nnx.Rngs(0))
        >>> layer(jnp.ones((2, 7, 3))).shape
        (2, 7, 5)
    """

    @checked
    def __init__(
        self, in_features: int, hidden_features: int, *, activation: Activation = "tanh", rngs: nnx.Rngs
    ) -> None:
        self.activation: Activation = activation
        self.weights = _held(_start("Elman", simple.AXES, in_features, hidden_features, rngs))

    @checked
    def __call__(
        self,
        x: Float[Array, "batch time in_features"],
        carry: Float[Array, "batch hidden"] | None = None,
        lengths: Int[Array, "batch"] | None = None,
    ) -> Float[Array, "batch time hidden"]:
        """Give the states of all steps, as `elman` does."""
        return simple.elman(x, self.get_weights(), carry, lengths, activation=self.activation)

    def get_weights(self) -> dict[str, Array]:
        """Hand out the table that `elman` takes; changing it does not change the layer.

        Returns:
            The arrays by name.
        """
        return _table(self.weights)

    def set_weights(self, weights: dict) -> None:
        """Take a table such as ``get_weights`` hands out.

        Args:
            weights: the arrays by name.

        Raises:
            ValueError: names or shapes are others.
            TypeError: one is no array of floating point.
        """
        _take("Elman.set_weights", self.weights, weights)


class LSTM(nnx.Module):
    """A long short-term memory that holds its weights, those of `lstm`; its forget gates start at 1.

    Args:
        in_features: how many numbers an input has.
        hidden_features: how many units there are.
        rngs: where the first weights are drawn from, the stream ``params``.

    Examples:
        >>> layer = LSTM(3, 5, rngs=nnx.Rngs(0))
        >>> states, h, c = layer(jnp.ones((2, 7, 3)))
        >>> states.shape, h.shape, c.shape
        ((2, 7, 5), (2, 5), (2, 5))
    """

    @checked
    def __init__(self, in_features: int, hidden_features: int, *, rngs: nnx.Rngs) -> None:
        self.weights = _held(_start("LSTM", long.AXES, in_features, hidden_features, rngs))

    @checked
    def __call__(
        self,
        x: Float[Array, "batch time in_features"],
        h: Float[Array, "batch hidden"] | None = None,
        c: Float[Array, "batch hidden"] | None = None,
        lengths: Int[Array, "batch"] | None = None,
    ) -> tuple[Float[Array, "batch time hidden"], Float[Array, "batch hidden"], Float[Array, "batch hidden"]]:
        """Give the states of all steps and the last state and cell, as `lstm` does."""
        return long.lstm(x, self.get_weights(), h, c, lengths)

    def get_weights(self) -> dict[str, Array]:
        """Hand out the table that `lstm` takes; changing it does not change the layer.

        Returns:
            The arrays by name.
        """
        return _table(self.weights)

    def set_weights(self, weights: dict) -> None:
        """Take a table such as ``get_weights`` hands out.

        Args:
            weights: the arrays by name.

        Raises:
            ValueError: names or shapes are others.
            TypeError: one is no array of floating point.
        """
        _take("LSTM.set_weights", self.weights, weights)


class GRU(nnx.Module):
    """A gated recurrent unit that holds its weights, those of `gru`.

    Args:
        in_features: how many numbers an input has.
        hidden_features: how many units there are.
        reset: whether the reset gate acts ``before`` the product of the candidate, or ``after`` it.
        rngs: where the first weights are drawn from, the stream ``params``.

    Examples:
        >>> layer = GRU(3, 5, rngs=nnx.Rngs(0))
        >>> layer(jnp.ones((2, 7, 3))).shape
        (2, 7, 5)
    """

    @checked
    def __init__(self, in_features: int, hidden_features: int, *, reset: Reset = "before", rngs: nnx.Rngs) -> None:
        self.reset: Reset = reset
        axes = gated.AXES if reset == "before" else gated.AXES | gated.SECOND_BIAS
        self.weights = _held(_start("GRU", axes, in_features, hidden_features, rngs))

    @checked
    def __call__(
        self,
        x: Float[Array, "batch time in_features"],
        carry: Float[Array, "batch hidden"] | None = None,
        lengths: Int[Array, "batch"] | None = None,
    ) -> Float[Array, "batch time hidden"]:
        """Give the states of all steps, as `gru` does."""
        return gated.gru(x, self.get_weights(), carry, lengths, reset=self.reset)

    def get_weights(self) -> dict[str, Array]:
        """Hand out the table that `gru` takes; changing it does not change the layer.

        Returns:
            The arrays by name.
        """
        return _table(self.weights)

    def set_weights(self, weights: dict) -> None:
        """Take a table such as ``get_weights`` hands out.

        Args:
            weights: the arrays by name.

        Raises:
            ValueError: names or shapes are others.
            TypeError: one is no array of floating point.
        """
        _take("GRU.set_weights", self.weights, weights)


class StackedRecurrent(nnx.Module):
    """Recurrent layers of one cell above one another, with their weights, those of `stacked_recurrent`.

    Args:
        in_features: how many numbers an input has.
        hidden_features: how many units each layer has.
        layers: how many there are.
        cell: ``tanh``, ``relu``, ``lstm`` or ``gru``.
        rngs: where the first weights are drawn from, the stream ``params``.

    Examples:
        >>> stack = StackedRecurrent(3, 5, layers=2, cell="lstm", rngs=nnx.Rngs(0))
        >>> states, last = stack(jnp.ones((4, 7, 3)))
        >>> states.shape, last.shape
        ((4, 7, 5), (2, 4, 5))
    """

    @checked
    def __init__(self, in_features: int, hidden_features: int, *, layers: int, cell: Cell, rngs: nnx.Rngs) -> None:
        if layers < 1:
            raise ValueError(f"StackedRecurrent: layers={layers} leaves no layer; expected an integer of at least 1")
        self.cell: Cell = cell
        table = {
            f"{name}_{i}": w
            for i in range(layers)
            for name, w in _start(
                "StackedRecurrent", AXES[cell], hidden_features if i else in_features, hidden_features, rngs
            ).items()
        }
        self.weights = _held(table)

    @checked
    def __call__(
        self, x: Float[Array, "batch time in_features"], masks: Float[Array, "between batch time hidden"] | None = None
    ) -> tuple[Float[Array, "batch time hidden"], Float[Array, "layers batch hidden"]]:
        """Give the topmost states and the last state of every layer, as `stacked_recurrent` does."""
        return stacked_recurrent(x, self.get_weights(), cell=self.cell, masks=masks)

    def get_weights(self) -> dict[str, Array]:
        """Hand out the table that `stacked_recurrent` takes; changing it does not change the stack.

        Returns:
            The arrays by name.
        """
        return _table(self.weights)

    def set_weights(self, weights: dict) -> None:
        """Take a table such as ``get_weights`` hands out.

        Args:
            weights: the arrays by name.

        Raises:
            ValueError: names or shapes are others.
            TypeError: one is no array of floating point.
        """
        _take("StackedRecurrent.set_weights", self.weights, weights)


class Bidirectional(nnx.Module):
    """A layer in both directions that holds its weights, those of `bidirectional`.

    Args:
        in_features: how many numbers an input has.
        hidden_features: how many units each direction has.
        cell: ``tanh``, ``relu``, ``lstm`` or ``gru``.
        rngs: where the first weights are drawn from, the stream ``params``.

    Examples:
        >>> layer = Bidirectional(3, 5, cell="gru", rngs=nnx.Rngs(0))
        >>> states, last = layer(jnp.ones((4, 7, 3)))
        >>> states.shape, last.shape
        ((4, 7, 10), (4, 10))
    """

    @checked
    def __init__(self, in_features: int, hidden_features: int, *, cell: Cell, rngs: nnx.Rngs) -> None:
        self.cell: Cell = cell
        table = {
            f"{direction}_{name}": w
            for direction in DIRECTIONS
            for name, w in _start("Bidirectional", AXES[cell], in_features, hidden_features, rngs).items()
        }
        self.weights = _held(table)

    @checked
    def __call__(
        self, x: Float[Array, "batch time in_features"], lengths: Int[Array, "batch"] | None = None
    ) -> tuple[Float[Array, "batch time both"], Float[Array, "batch both"]]:
        """Give the states of both directions and their last states, as `bidirectional` does."""
        return bidirectional(x, self.get_weights(), lengths, cell=self.cell)

    def get_weights(self) -> dict[str, Array]:
        """Hand out the table that `bidirectional` takes; changing it does not change the layer.

        Returns:
            The arrays by name.
        """
        return _table(self.weights)

    def set_weights(self, weights: dict) -> None:
        """Take a table such as ``get_weights`` hands out.

        Args:
            weights: the arrays by name.

        Raises:
            ValueError: names or shapes are others.
            TypeError: one is no array of floating point.
        """
        _take("Bidirectional.set_weights", self.weights, weights)


def _start(operation: str, axes: dict[str, str], in_features: int, hidden: int, rngs: nnx.Rngs) -> dict[str, Array]:
    """The first weights of a layer: kernels of Glorot and Bengio 2010, orthogonal recurrent kernels, biases 0."""
    for name, size in (("in_features", in_features), ("hidden_features", hidden)):
        if size < 1:
            raise ValueError(f"{operation}: {name}={size} leaves no layer; expected an integer of at least 1")
    table = {}
    for name in axes:
        if "bias" in name:
            table[name] = jnp.full(hidden, 1.0 if name == "bias_f" else 0.0)  # Gers et al. 2000: keep the cell
        elif name.startswith("recurrent"):
            table[name] = jax.random.orthogonal(rngs.params(), hidden)  # Saxe et al. 2014: keeps the norm of a state
        else:
            limit = (6 / (in_features + hidden)) ** 0.5
            table[name] = jax.random.uniform(rngs.params(), (in_features, hidden), minval=-limit, maxval=limit)
    return table


def _held(table: dict[str, Array]) -> nnx.Dict:
    return nnx.Dict({name: nnx.Param(w) for name, w in table.items()})


def _table(held: nnx.Dict) -> dict[str, Array]:
    return {name: parameter[...] for name, parameter in held.items()}


def _take(operation: str, held: nnx.Dict, weights: dict) -> None:
    """Write a table with the names and shapes of a module's own into it, in its dtypes."""
    own = _table(held)
    tables.check(operation, weights, {name: " ".join(map(str, w.shape)) for name, w in own.items()})
    for name, w in own.items():
        held[name][...] = jnp.asarray(weights[name], w.dtype)
