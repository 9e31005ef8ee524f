"""Feature maps as features in NumPy, from the clauses, and a dense kernel for features in another order."""

from __future__ import annotations

import numpy as np

ORDERS = {"hwc": (0, 1, 2, 3), "chw": (0, 3, 1, 2)}
# The example of the page.
EXAMPLE_MAPS = [[[1, 5], [2, 6]], [[3, 7], [4, 8]]]  # [height, width, channels]
EXAMPLE_FLAT = {"hwc": [1, 5, 2, 6, 3, 7, 4, 8], "chw": [1, 2, 3, 4, 5, 6, 7, 8]}
EXAMPLE_KERNEL = [1, 0, 0, 2, 0, -1, 3, 0]  # of one unit, for features in the order H, W, C: it gives 18


def flatten_features(x, *, flatten_order="hwc"):
    return x.transpose(ORDERS[flatten_order]).reshape(len(x), -1)


def flatten_features_vjp(x, cotangents, *, flatten_order="hwc"):
    order = ORDERS[flatten_order]
    moved = cotangents.reshape(tuple(x.shape[i] for i in order))
    return (moved.transpose(np.argsort(order)),)


def reordered(kernel, maps, before, after):
    """The rows of a dense kernel for features in another order: equal logits.

    Args:
        kernel: [features, units], made for features in the order ``before``.
        maps: height, width and channels of the feature maps.
        before: ``hwc`` or ``chw``.
        after: the order in which the features come now.
    """
    lengths = (1, *maps)
    rows = np.arange(int(np.prod(maps))).reshape([lengths[i] for i in ORDERS[before]])
    in_maps = rows.transpose(np.argsort(ORDERS[before]))  # [1, height, width, channels]
    return kernel[in_maps.transpose(ORDERS[after]).ravel()]
