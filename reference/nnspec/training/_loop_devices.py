"""Where arrays lie, and what devices tell each other; what `nnspec.training.scale` promises."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from nnspec.training.scale import Devices

__all__: list[str] = []

AXIS = "examples"

Batch = tuple[Any, ...]  # arrays with the examples of a step along their first axes


@functools.cache
def _mesh(count: int | None) -> Mesh:
    return Mesh(np.asarray(jax.devices()[:count]), (AXIS,), axis_types=(AxisType.Auto,))


def _at(devices: Devices, *axes: str | None) -> NamedSharding:
    """Where an array lies whose axes are cut as told; without an axis it is whole on each device."""
    return NamedSharding(_mesh(devices.count), PartitionSpec(*axes))


def check_divided(batch_size: int, devices: Devices | None) -> None:
    """Refuse a batch of which each device would not get as much.

    Raises:
        ValueError: the devices do not divide it.
    """
    if devices is not None and not _divided(batch_size, devices):
        count = devices.count
        raise ValueError(f"fit: {count} devices do not divide batch_size={batch_size}; use a multiple of {count}")


def check_written(checkpoints: Any, devices: Devices | None) -> None:
    """Refuse checkpoints where no process has all arrays.

    Raises:
        ValueError: there are checkpoints, and several processes.
    """
    if checkpoints is not None and devices is not None and jax.process_count() > 1:
        raise ValueError("fit: checkpoints are those of one process; leave them out where there are several")


def taken(arrays: Any, rows: np.ndarray, devices: Devices | None) -> Any:
    """The examples of these numbers, each on its device; a process reads those of its own devices alone."""
    if devices is None:
        return jax.tree.map(lambda a: a[rows], arrays)
    where = _at(devices, AXIS) if _divided(len(rows), devices) else _at(devices)

    def one(a: np.ndarray) -> jax.Array:
        dtype = jax.dtypes.canonicalize_dtype(a.dtype)
        part = lambda at: np.asarray(a[rows[at[0]]], dtype)  # noqa: E731
        return jax.make_array_from_callback((len(rows), *a.shape[1:]), where, part)

    return jax.tree.map(one, arrays)


def given_out(batch: Any, devices: Devices | None) -> Any:
    """A batch that a function gave, on the devices."""
    if devices is None:
        return batch
    arrays = jax.tree.map(np.asarray, batch)
    return taken(arrays, np.arange(jax.tree.leaves(arrays)[0].shape[0]), devices)


def _divided(size: int, devices: Devices) -> bool:
    return size % _mesh(devices.count).size == 0


def _place(x: Any, devices: Devices) -> NamedSharding:
    """Where an array of the model or of the optimizer's state lies."""
    if devices.parameters == "sharded":
        for axis, length in enumerate(x.shape):
            if length and _divided(length, devices):
                return _at(devices, *[None] * axis, AXIS)
    return _at(devices)


def put(tree: Any, devices: Devices | None) -> Any:
    """The arrays, where a run holds them."""
    if devices is None:
        return tree

    def one(x: Any) -> Any:
        if jnp.issubdtype(x.dtype, jax.dtypes.prng_key):
            return jax.random.wrap_key_data(one(jax.random.key_data(x)), impl=jax.random.key_impl(x))
        host = np.asarray(x)
        return jax.make_array_from_callback(host.shape, _place(host, devices), lambda at: host[at])

    return jax.tree.map(one, tree)


def kept(tree: Any, devices: Devices | None) -> Any:
    """The arrays of a compiled step, where the next one looks for them."""
    return tree if devices is None else jax.tree.map(lambda x: _constrained(x, _place(x, devices)), tree)


def gathered(tree: Any, devices: Devices | None) -> Any:
    """The arrays of a compiled step, whole on each device; their gradients are summed over the devices."""
    return tree if devices is None else jax.tree.map(lambda x: _constrained(x, _at(devices)), tree)


def spread(pieces: Any, devices: Devices | None) -> Any:
    """Pieces of a batch along the first axes: each on all devices, if they divide it."""
    if devices is None or devices.statistics == "share":
        return pieces
    where = lambda x: _at(devices, None, AXIS) if _divided(x.shape[1], devices) else _at(devices)  # noqa: E731
    return jax.tree.map(lambda x: _constrained(x, where(x)), pieces)


def _constrained(x: Any, where: NamedSharding) -> Any:
    return jax.lax.with_sharding_constraint(x, where)


def in_shares(gradients: Callable, devices: Devices | None) -> Callable:
    """The gradient of a batch from those of its shares, each seen by a device alone and counting with its weight.

    Sums over devices are taken in float32. Keys are others on each device; statistics are the means over all.
    """
    if devices is None or devices.statistics == "batch":
        return gradients

    def share(weights: Any, rest: Any, batch: Any, key: Any) -> tuple:
        number = jax.lax.axis_index(AXIS)
        own = jax.tree.map(lambda x: jax.random.fold_in(x, number) if _is_key(x) else x, rest)
        value, weight, after, g = gradients(weights, own, batch, jax.random.fold_in(key, number))
        total = jax.lax.psum(weight, AXIS)
        part = weight / jnp.where(total == 0, 1, total)

        def add(x: Any) -> Any:
            return jax.lax.psum(part * x.astype(jnp.promote_types(x.dtype, jnp.float32)), AXIS).astype(x.dtype)

        return add(value), total, jax.tree.map(_of_all, rest, after), jax.tree.map(add, g)

    def whole(weights: Any, rest: Any, batch: Any, key: Any) -> tuple:
        if not _divided(jax.tree.leaves(batch)[0].shape[0], devices):
            return gradients(weights, rest, batch, key)
        everywhere, cut = PartitionSpec(), PartitionSpec(AXIS)
        given = (everywhere, everywhere, cut, everywhere)
        mapped = jax.shard_map(share, mesh=_mesh(devices.count), in_specs=given, out_specs=everywhere, check_vma=False)
        return mapped(weights, rest, batch, key)

    return whole


def _of_all(before: Any, after: Any) -> Any:
    """What a step leaves of an array that is not trained: the key of all, the mean of statistics, the same count."""
    if _is_key(after):
        return before
    if not jnp.issubdtype(after.dtype, jnp.floating):
        return after
    return jax.lax.pmean(after.astype(jnp.promote_types(after.dtype, jnp.float32)), AXIS).astype(after.dtype)


def _is_key(x: Any) -> bool:
    return jnp.issubdtype(x.dtype, jax.dtypes.prng_key)
