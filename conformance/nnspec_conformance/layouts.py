"""How an array lies in memory: the layouts in which questions are put, and copies that keep one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

BORDER = 64  # bytes: arrays begin at a multiple of it, as vector instructions and cache lines want it
APART = 0xFF  # every byte between the entries, which makes them NaN: who reads there sees it


def copied(x: np.ndarray) -> np.ndarray:
    """A copy in memory of its own, with the strides of ``x``, its place after a border, and whether it can be written.

    ``copy`` of NumPy makes an array contiguous that is sliced, stepped, reversed or broadcast.
    """
    before, after = reach(x)
    memory = np.full(before + after + 2 * BORDER, APART, np.uint8)
    first = -(memory.ctypes.data + before) % BORDER + before + _after_border(x)
    made = np.ndarray(x.shape, x.dtype, memory, first, x.strides if x.size else None)
    made[...] = x
    made.flags.writeable = x.flags.writeable
    return made


def reach(x: np.ndarray) -> tuple[int, int]:
    """How many bytes its entries take before its first one, and from there on."""
    steps = [(n - 1) * stride for n, stride in zip(x.shape, x.strides, strict=True)] if x.size else []
    return -sum(step for step in steps if step < 0), sum(step for step in steps if step > 0) + x.itemsize


def _after_border(x: np.ndarray) -> int:
    """How many bytes after a border it begins, where that is one entry; of other arrays nobody has chosen the place."""
    return x.itemsize if x.ctypes.data % BORDER == x.itemsize else 0


# ---- the layouts


def transposed(x: np.ndarray) -> np.ndarray:
    """The axes in memory the other way round."""
    return x.T.copy().T


def reversed_(x: np.ndarray) -> np.ndarray:
    """The last axis from its end."""
    return x[..., ::-1].copy()[..., ::-1]


def sliced(x: np.ndarray) -> np.ndarray:
    """The first columns of a wider array."""
    wider = np.full((*x.shape[:-1], x.shape[-1] + 3), np.nan, x.dtype)
    wider[..., : x.shape[-1]] = x
    return wider[..., : x.shape[-1]]


def stepped(x: np.ndarray) -> np.ndarray:
    """Every second column of a wider array."""
    wider = np.full((*x.shape[:-1], 2 * x.shape[-1]), np.nan, x.dtype)
    wider[..., ::2] = x
    return wider[..., ::2]


def broadcast(x: np.ndarray) -> np.ndarray:
    """The first entry of the first axis in every place of it, without a copy: other values than before."""
    return np.broadcast_to(x[:1].copy(), x.shape)


def unaligned(x: np.ndarray) -> np.ndarray:
    """One entry after a border."""
    memory = np.full(x.nbytes + 2 * BORDER, APART, np.uint8)
    made = np.ndarray(x.shape, x.dtype, memory, -memory.ctypes.data % BORDER + x.itemsize)
    made[...] = x
    return made


def read_only(x: np.ndarray) -> np.ndarray:
    """Not to be written to."""
    made = x.copy()
    made.flags.writeable = False
    return made


LAYOUTS: dict[str, tuple[Callable[[np.ndarray], np.ndarray], int]] = {  # with the number of axes that it takes
    "transposed": (transposed, 2), "reversed": (reversed_, 1), "sliced": (sliced, 2), "stepped": (stepped, 1),
    "broadcast": (broadcast, 1), "unaligned": (unaligned, 0), "read-only": (read_only, 0),
}  # fmt: skip


def laid_out(x: np.ndarray, layout: str) -> np.ndarray | None:
    """The array in a layout; None where it has too few axes or entries to have it."""
    make, axes = LAYOUTS[layout]
    return make(x) if x.ndim >= axes and x.size > 1 - (axes == 0) and (not axes or x.shape[-1] > 1) else None


def name_of(x: np.ndarray) -> str:
    """The layout of an array in a word, nothing for the usual one."""
    if not x.flags.c_contiguous:
        if any(stride == 0 and n > 1 for n, stride in zip(x.shape, x.strides, strict=True)):
            return "broadcast"
        if any(stride < 0 for stride in x.strides):
            return "reversed"
        if x.T.flags.c_contiguous:
            return "transposed"
        return "stepped" if x.strides[-1] != x.itemsize else "sliced"
    if not x.flags.writeable:
        return "read-only"
    return "unaligned" if _after_border(x) and x.base is not None else ""
