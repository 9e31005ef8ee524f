"""``nnx.Dropout``; for whole features the axes of places share a mask by ``broadcast_dims``."""

from __future__ import annotations

from typing import Any

from flax import nnx

RANGE = (
    "of ones the rate -0.1 gives 0.909, right is a refusal: nothing looks at the rate, and 1 - rate is a probability "
    "of 1.1; a rate of 1.1 gives zeros; reported of the weights of attention: https://github.com/google/flax/issues/5497"
)
KNOWN_FAILURES = {
    f"dropout.rate-range[{operation}]": RANGE for operation in ("dropout", "feature_dropout", "repeated_dropout")
}


def dropout(x, *, seed, rate, **given):
    return nnx.Dropout(rate, rngs=nnx.Rngs(seed), **_named(given))(x)


def feature_dropout(x, *, seed, rate, **given):
    places = tuple(range(1, x.ndim - 1))
    return nnx.Dropout(rate, broadcast_dims=places, rngs=nnx.Rngs(seed), **_named(given))(x)


def repeated_dropout(x, *, seed, rate):
    layer = nnx.Dropout(rate, rngs=nnx.Rngs(seed))
    return layer(x), layer(x)


def _named(given) -> dict[str, Any]:
    mode = {"deterministic": not given.pop("train")} if "train" in given else {}
    return mode | given
