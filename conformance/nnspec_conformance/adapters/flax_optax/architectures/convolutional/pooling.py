"""The stock functions, ``nnx.max_pool`` and ``nnx.avg_pool``."""

from __future__ import annotations

from flax import nnx

VARIANTS = {
    "average-pool.count-pads": ("counted", "left-out"),
    "pool.missing-axis": "one-image",
    "pool.negative-pads": "crops",
    "pool.no-window": "empty",
    "pool.wide-pads": "taken",
}
DEFAULTS = {"pool.default-stride": "one"}


def max_pool(x, *, window, **given):
    return nnx.max_pool(x, window, **_named(given))


def average_pool(x, *, window, count_pads=None, **given):
    told = {} if count_pads is None else {"count_include_pad": count_pads == "counted"}
    return nnx.avg_pool(x, window, **_named(given), **told)


def _named(given):
    pads = given.pop("pads", None)
    if given.pop("ceil_mode", False):
        raise NotImplementedError("no ceil_mode")
    if "stride" in given:
        given["strides"] = given.pop("stride")
    if "padding" in given:
        given["padding"] = given["padding"].upper()
    if pads is not None:
        given["padding"] = tuple(tuple(pads[i : i + 2]) for i in range(0, len(pads), 2))
    return given
