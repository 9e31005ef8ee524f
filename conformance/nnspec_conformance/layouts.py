"""How an array lies in memory: the layouts in which questions are put, and copies that keep one."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

BORDER = 64  # bytes: arrays begin at a multiple of it, as vector instructions and cache lines want it
APART = 0xFF  # every byte between the entries, which makes them NaN: who reads there sees it


class Shifted(np.ndarray):
    """Memory of an array that is meant to begin one entry after a border.

    An address does not tell: any part of another array may begin there.
    """


def copied(x: np.ndarray) -> np.ndarray:
    """A copy in memory of its own, with the strides of ``x``, and whether it can be written.

    It begins at a border, unless ``x`` is meant to begin one entry after one. ``copy`` of NumPy makes an array
    contiguous that is sliced, stepped, reversed or broadcast.
    """
    before, after = reach(x)
    made = _placed(x, before, after, x.strides if x.size else None, is_shifted=is_shifted(x))
    made.flags.writeable = x.flags.writeable
    return made


def _placed(x: np.ndarray, before: int, after: int, strides: tuple[int, ...] | None, *, is_shifted: bool) -> np.ndarray:
    """The entries in new memory, so many bytes of it before the first entry and from there on."""
    memory = (Shifted if is_shifted else np.ndarray)(before + after + 2 * BORDER, np.uint8)
    memory[...] = APART
    first = -(memory.ctypes.data + before) % BORDER + before + is_shifted * x.itemsize
    return _put(x, np.ndarray(x.shape, x.dtype, memory, first, strides))


def reach(x: np.ndarray) -> tuple[int, int]:
    """How many bytes its entries take before its first one, and from there on."""
    steps = [(n - 1) * stride for n, stride in zip(x.shape, x.strides, strict=True)] if x.size else []
    return -sum(step for step in steps if step < 0), sum(step for step in steps if step > 0) + x.itemsize


def is_shifted(x: np.ndarray) -> bool:
    """Whether it begins one entry after a border, and is meant to."""
    memory: object = x
    while isinstance(memory, np.ndarray) and not isinstance(memory, Shifted):
        memory = memory.base
    return isinstance(memory, Shifted) and begins_after_border(x)


def begins_after_border(x: np.ndarray) -> bool:
    """Whether it begins one entry after a border, of whatever memory it is a part."""
    return x.ctypes.data % BORDER == x.itemsize


# ---- the layouts


def transposed(x: np.ndarray) -> np.ndarray:
    """The axes in memory the other way round."""
    return x.T.copy().T


def reversed_(x: np.ndarray) -> np.ndarray:
    """The last axis from its end."""
    return x[..., ::-1].copy()[..., ::-1]


def sliced(x: np.ndarray) -> np.ndarray:
    """The first columns of a wider array."""
    return _put(x, _space((*x.shape[:-1], x.shape[-1] + 3), x.dtype)[..., : x.shape[-1]])


def stepped(x: np.ndarray) -> np.ndarray:
    """Every second column of a wider array."""
    return _put(x, _space((*x.shape[:-1], 2 * x.shape[-1]), x.dtype)[..., ::2])


def broadcast(x: np.ndarray) -> np.ndarray:
    """The first entry of the first axis in every place of it, without a copy: other values than before."""
    return np.broadcast_to(x[:1].copy(), x.shape)


def unaligned(x: np.ndarray) -> np.ndarray:
    """One entry after a border."""
    return _placed(x, 0, x.nbytes, None, is_shifted=True)


def read_only(x: np.ndarray) -> np.ndarray:
    """Not to be written to."""
    made = x.copy()
    made.flags.writeable = False
    return made


def _space(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Memory that nobody is to read."""
    return np.full(math.prod(shape) * dtype.itemsize, APART, np.uint8).view(dtype).reshape(shape)


def _put(x: np.ndarray, place: np.ndarray) -> np.ndarray:
    place[...] = x
    return place


LAYOUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "transposed": transposed, "reversed": reversed_, "sliced": sliced, "stepped": stepped, "broadcast": broadcast,
    "unaligned": unaligned, "read-only": read_only,
}  # fmt: skip
SCATTERED = ("transposed", "reversed", "sliced", "stepped", "broadcast")  # in which entries do not lie side by side
ANY_RANK = ("unaligned", "read-only")  # a single number has these, too


def laid_out(x: np.ndarray, layout: str) -> np.ndarray | None:
    """The array in a layout; None where it has too few axes or entries to have it."""
    if not x.size or (not x.ndim and layout not in ANY_RANK):
        return None
    made = LAYOUTS[layout](x)
    return made if name_of(made) == layout else None


def name_of(x: np.ndarray, is_unaligned: Callable[[np.ndarray], bool] = is_shifted) -> str:
    """The layout of an array in a word, nothing for the usual one.

    Args:
        x: one of the suite's arrays, or another, which carries no mark.
        is_unaligned: ``begins_after_border`` for another.
    """
    if not x.flags.c_contiguous:
        if any(stride == 0 and n > 1 for n, stride in zip(x.shape, x.strides, strict=True)):
            return "broadcast"
        if any(stride < 0 for stride in x.strides):
            return "reversed"
        if x.T.flags.c_contiguous:
            return "transposed"
        return "sliced" if x.strides[-1] == x.itemsize else "stepped"
    if is_unaligned(x):
        return "unaligned"
    return "" if x.flags.writeable else "read-only"
