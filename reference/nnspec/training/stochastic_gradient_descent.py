r"""Stochastic gradient descent: the sampler that says which examples each update uses.

The update itself is `nnspec.components.optimization.gradient_descent`.

Examples:
    One epoch on the loss $(x - \xi)^2/2$ with the rate 1/t: the parameter becomes the mean of the examples.

    >>> import jax.numpy as jnp
    >>> import optax
    >>> from nnspec.components.optimization import gradient_descent
    >>> examples, x = jnp.array([4.0, 8.0, 0.0, 2.0]), jnp.array(0.0)
    >>> descent = gradient_descent(lambda count: 1 / (count + 1))
    >>> state = descent.init(x)
    >>> for numbers in batches(examples=4, batch_size=1, epochs=1, seed=0)[0]:
    ...     updates, state = descent.update(x - examples[numbers].mean(), state, x)
    ...     x = optax.apply_updates(x, updates)
    >>> print(x)
    3.5
"""

from functools import partial
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from nnspec.checking import Requirement, checked

__all__ = ["batches"]

Count = Annotated[int, Requirement("1 or more", lambda value: value >= 1)]
Seed = Annotated[int | Int[Array, ""], Requirement("0 or more", lambda value: value >= 0)]


@checked
def batches(
    *,
    examples: Count,
    batch_size: Count,
    epochs: Count,
    seed: Seed,
    shuffle: bool = True,
    last: Literal["kept", "dropped"] = "kept",
) -> Int[Array, "epochs batches batch_size"]:
    r"""Number the examples of every batch, each example once an epoch.

    With $N$ = ``examples``, epoch $e$ has a permutation of $0, \dots, N - 1$ that is drawn for ``seed`` and $e$, cut
    into batches   [batches.epoch][], [batches.positions][], [batches.repeatable][]

    Args:
        examples: how many there are, at least 1.
        batch_size: examples in a batch, from 1 to ``examples``.
        epochs: how many passes, at least 1.
        seed: of the permutations, at least 0; may be traced. Without shuffling it makes no difference.
        shuffle: whether each epoch has an order of its own; else it is that of the numbers.
        last: whether a last batch that is short is kept, and filled with -1, or dropped.

    Returns:
        The numbers of the examples, 32-bit integers; -1 where the last batch of an epoch is short.

    Raises:
        ValueError: a count is below 1, the seed is negative, or ``batch_size`` is larger than ``examples``.

    Source: Bottou 2012, section 4.
    """
    if batch_size > examples:
        raise ValueError(f"batches: batch_size={batch_size} but there are examples={examples}; use {examples} or less")
    numbers = jnp.arange(examples, dtype=jnp.int32)
    orders = _permutations(jax.random.key(seed), numbers, epochs) if shuffle else jnp.tile(numbers, (epochs, 1))
    if last == "dropped":
        orders = orders[:, : examples // batch_size * batch_size]
    filled = jnp.pad(orders, ((0, 0), (0, -orders.shape[1] % batch_size)), constant_values=-1)
    return filled.reshape(epochs, -1, batch_size)


@partial(jax.jit, static_argnames="epochs")
def _permutations(key: Array, numbers: Array, epochs: int) -> Array:
    """An order for each epoch; its key is made of the seed's and of the epoch's number, which are not added."""
    keys = jax.vmap(partial(jax.random.fold_in, key))(jnp.arange(epochs))
    return jax.vmap(lambda key: jax.random.permutation(key, numbers))(keys)
