"""Whether what is handed over arrives: tried once for each adapter, in every dtype and every layout that it keeps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.errors import HarnessError, one_line
from nnspec_conformance.layouts import LAYOUTS, begins_after_border, name_of
from nnspec_conformance.results import installed

TABLE = np.array([[0.5, -2.0, np.inf], [1.0, 8.0, -0.25]])


FUNCTIONS = ("asarray", "to_numpy", "context", "vjp", "compile")  # those of the contract that are no operations


def kept(adapter: Any) -> tuple[str, ...]:
    """The layouts that arrive where nothing is declared: all, unless the adapter makes arrays of its own."""
    return () if hasattr(adapter, "asarray") else tuple(LAYOUTS)


def layouts(declared: tuple, place: Callable[..., str]) -> tuple[str, ...]:
    """The layouts that an adapter says its ``asarray`` keeps.

    Raises:
        HarnessError: one of them is none.
    """
    for name in declared:
        if not isinstance(name, str) or name not in LAYOUTS:
            known = ", ".join(LAYOUTS)
            raise HarnessError(f"{place('LAYOUTS')}: LAYOUTS holds {one_line(repr(name), 100)}; known: {known}")
    return declared


def packages(adapter: Any, declared: tuple, place: Callable[..., str]) -> tuple[str, ...] | None:
    """The packages that an adapter says its answers depend on; None if it says nothing.

    Raises:
        HarnessError: one of them is none, or is not installed.
    """
    for name in declared:
        if not isinstance(name, str) or not installed([name]):
            text = f"PACKAGES holds {one_line(repr(name), 100)}, which is no installed package"
            raise HarnessError(f"{place('PACKAGES')}: {text}; name it as it is installed, or take it out")
    return declared if hasattr(adapter, "PACKAGES") else None


def functions(adapter: Any, place: Callable[..., str]) -> None:
    """See whether what the contract calls can be called.

    Raises:
        HarnessError: one of them is no function.
    """
    for name in FUNCTIONS:
        if not callable(value := getattr(adapter, name, print)):
            raise HarnessError(f"{place(name)}: {name} is {one_line(repr(value), 100)}, expected a function")


def check(
    dtypes: tuple[str, ...],
    layouts: tuple[str, ...],
    there_and_back: Callable[[np.ndarray, str], Any],
    place: Callable[..., str],
) -> None:
    """Hand over and take back a vector, a single number, no numbers, and every layout that is kept.

    Args:
        dtypes: in which it is tried.
        layouts: that are kept.
        there_and_back: ``to_numpy(asarray(x))`` for an array and its dtype.
        place: the file and line of what is said, by the words found there.

    Raises:
        HarnessError: something does not come back as it went.
    """

    def carried(x: np.ndarray, dtype: str, layout: str = "") -> np.ndarray:
        try:
            back = there_and_back(x, dtype)
        except Exception as error:
            text = f"{type(error).__name__}: {one_line(error, 200)}"
            shape = "" if layout or (x.ndim == 1 and x.size) else f" of shape {list(x.shape)}"
            asked = f"{layout} arrays of {dtype}" if layout else f"{dtype}{shape}"
            raise HarnessError(
                f"{place('def asarray')}: asarray, to_numpy or context raised for {asked} ({text}); "
                f"mend it or take {out_of(dtype, layout)}"
            ) from error
        if not isinstance(back, np.ndarray | np.generic) or back.dtype != x.dtype or not np.array_equal(back, x):
            raise HarnessError(
                f"{place('def to_numpy')}: to_numpy(asarray(x)) gave {one_line(repr(back))} for {dtype}, "
                f"expected {x!r}; mend it or take {out_of(dtype, layout)}"
            )
        return np.asarray(back)

    def out_of(dtype: str, layout: str) -> str:
        return f"{layout!r} out of LAYOUTS" if layout else f"{dtype!r} out of DTYPES"

    for dtype in dtypes:
        table = TABLE.astype(DTYPES[dtype])
        for usual in (table[0], np.asarray(table[0, 0]), table[0, :0]):
            carried(usual, dtype)
        for layout in layouts:
            came = name_of(carried(LAYOUTS[layout](table), dtype, layout), begins_after_border)
            if came != layout:
                raise HarnessError(
                    f"{place('LAYOUTS', 'def asarray')}: {layout} arrays of {dtype} come back from "
                    f"to_numpy(asarray(x)) {came or 'as any new one'}; take '{layout}' out of LAYOUTS"
                )


def package(x: Any) -> str:
    """The top-level package of an object's type."""
    return type(x).__module__.partition(".")[0]
