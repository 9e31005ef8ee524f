"""PyTorch's poolings, which take channels before lengths."""

from __future__ import annotations

import torch.nn.functional as F

VARIANTS = {
    "average-pool.count-pads": ("counted", "left-out"),
    "local-response-normalization.alpha-share": "divided",
}
KNOWN_FAILURES = {
    f"pool.missing-axis[{operation}]": (
        "an array of shape [4, 6, 7] is taken for one image without a batch, right is to refuse it; "
        "as intended there: https://github.com/pytorch/pytorch/issues/60585"
    )
    for operation in ("max_pool", "average_pool", "global_average_pool")
}


def max_pool(x, *, window, **given):
    return F.max_pool2d(x.movedim(-1, -3), window, **_named(given)).movedim(-3, -1)


def average_pool(x, *, window, count_pads=None, **given):
    told = {} if count_pads is None else {"count_include_pad": count_pads == "counted"}
    return F.avg_pool2d(x.movedim(-1, -3), window, **_named(given), **told).movedim(-3, -1)


def global_average_pool(x):
    return F.adaptive_avg_pool2d(x.movedim(-1, -3), 1)[..., 0, 0]


def local_response_normalization(x, **given):
    return F.local_response_norm(x.movedim(-1, 1), **given).movedim(1, -1)


def _named(given):
    pads, padding = given.pop("pads", None), given.pop("padding", "valid")
    if padding in ("same", "same_lower"):
        raise NotImplementedError(f"no {padding}")
    if padding != "valid":
        given["padding"] = padding
    if pads is not None:
        if pads[::2] != pads[1::2]:
            raise NotImplementedError("other pads at the end than at the start")
        given["padding"] = pads[::2]
    return given
