"""What a loop is given: examples that are cut into batches, and where in the data it is."""

import functools
from collections.abc import Callable, Iterable, Iterator
from typing import Any, cast

import jax
import numpy as np

from nnspec.training._loop_devices import Batch, check_divided, given_out, taken
from nnspec.training.scale import Devices
from nnspec.training.stochastic_gradient_descent import batches

__all__: list[str] = []

Named = tuple[np.ndarray | None, Batch]  # the numbers of the examples, where they are known


def epochs_of(
    data: Any, epochs: int, batch_size: int | None, seed: int, pieces: int, devices: Devices | None
) -> tuple[Callable[[int, int], Iterable[Named]], int | None]:
    """A function that gives the batches of an epoch from a place in it on, and the steps of all epochs if known."""
    if callable(data):
        if batch_size is not None:
            raise ValueError("fit: data is a function, which makes its own batches; leave batch_size out")
        make = cast(Callable[[int], Iterable[Batch]], data)
        return lambda epoch, begin: ((None, batch) for batch in later("fit", make, epoch, begin, devices)), None
    arrays, size = examples("fit", data)
    batch_size = batch_size or size
    if batch_size % pieces:
        raise ValueError(f"fit: pieces={pieces} do not divide batch_size={batch_size}; use one of its divisors")
    if batch_size > size:
        raise ValueError(f"fit: batch_size={batch_size}, but data has {size} examples; use {size} or less")
    check_divided(batch_size, devices)
    orders = _orders(size, int(batch_size), int(epochs), np.int64(seed))  # drawn while the run begins

    def given(epoch: int, begin: int) -> Iterator[Named]:
        for rows in np.asarray(orders)[epoch, begin:]:
            rows = rows[rows >= 0]
            yield rows, taken(arrays, rows, devices)

    return given, orders.shape[0] * orders.shape[1]


@functools.partial(jax.jit, static_argnums=(0, 1, 2))
def _orders(size: int, batch_size: int, epochs: int, seed: Any) -> jax.Array:
    """The batches of all epochs, by one program."""
    return batches(examples=size, batch_size=batch_size, epochs=epochs, seed=seed)


def later(
    operation: str, make: Callable[[int], Iterable[Batch]], epoch: int, begin: int, devices: Devices | None
) -> Iterator[Batch]:
    """The batches of a function; those before the place are made and left out. An error says where it came.

    Raises:
        ValueError: what it gave is no batch, or there are fewer than those before the place.
    """
    number, source, of = 0, None, f" of epoch {epoch}" if operation == "fit" else ""
    while True:
        try:
            source = source or iter(make(epoch))
            batch = next(source)
        except StopIteration:
            if number < begin:
                raise ValueError(
                    f"{operation}: data gave {number} batches{of}, and the run has made steps with {begin} of them; "
                    "hand over the data that it began with, or use another folder"
                ) from None
            return
        except Exception as error:
            error.add_note(f"{operation}: data raised this for batch {number}{of}, counted from 0")
            raise
        if number >= begin:
            yield given_out(as_batch(operation, batch, f"batch {number}{of}"), devices)
        number += 1


def outline(data: Any) -> str:
    """What data are, so that a run is not resumed with others of another shape."""
    return "a function" if callable(data) else ", ".join(f"{a.dtype}{list(a.shape)}" for a in jax.tree.leaves(data))


def examples(operation: str, data: Any) -> tuple[Batch, int]:
    """The arrays, on the host, and how many examples they hold."""
    arrays = jax.tree.map(np.asarray, data)
    leaves = jax.tree.leaves(arrays)
    sizes = [a.shape[0] if a.ndim else None for a in leaves]
    if not isinstance(data, tuple) or not sizes or None in sizes:
        raise ValueError(
            f"{operation}: data must be a tuple of arrays with the examples along their first axes, or a function that "
            "gives such batches"
        )
    if len(set(sizes)) > 1:
        raise ValueError(f"{operation}: the arrays of data hold {sizes} examples; all must hold as many")
    if sizes[0] == 0:
        raise ValueError(f"{operation}: data has no examples; hand over at least one")
    return arrays, leaves[0].shape[0]


def as_batch(operation: str, batch: Any, which: str) -> Batch:
    """The batch that a function gave.

    Raises:
        ValueError: it is no tuple of arrays that hold as many examples, at least one.
    """
    sizes = {np.shape(a)[:1] for a in jax.tree.leaves(batch)} if isinstance(batch, tuple) else set()
    if len(sizes) != 1 or sizes & {(), (0,)}:
        came = type(batch).__name__ if not isinstance(batch, tuple) else [np.shape(a) for a in jax.tree.leaves(batch)]
        raise ValueError(f"{operation}: {which} must be a tuple of arrays with as many examples each, got {came}")
    return batch


def mean_of_means(seen: list[tuple[Any, Any]]) -> float:
    """The mean of means, each of which counts with its weight, in float64; NaN where nothing counts.

    What has no weight may be NaN.
    """
    means, weights = np.asarray(jax.device_get(seen), np.float64).T
    counted = weights.sum()
    return float((np.where(weights > 0, means, 0) * weights).sum() / counted) if counted > 0 else float("nan")
