"""Layers of a transformer put together from the stock layers of Flax and Keras, of the page's table of weights.

Neither library has the whole layer. Both have its parts, and their kernels of heads have the axes of the table.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nnspec_conformance.benchmarks.peers import keras_on_jax

Attend = Callable[..., Any]  # (queries, what is looked at, the weights' names begin with, causal)


def pre_norm(
    x: Any, source: Any, norm: Callable, attend: Attend, dense: Callable, relu: Callable
) -> Any:  # fmt: skip
    """Run a layer with the norms in front: of an encoder, or of a decoder where there is a source."""
    x = x + attend(norm(x, "1"), None, "", causal=source is not None)
    last = "2"
    if source is not None:
        x, last = x + attend(norm(x, "2"), source, "cross_", causal=False), "3"
    return x + dense(relu(dense(norm(x, last), "in")), "out")


def of_flax(heads: int, epsilon: float) -> Callable:
    """A layer of stock Flax: result of inputs, weights and, for a decoder, the source."""
    from flax import nnx

    def layer(x: Any, weights: dict, source: Any = None) -> Any:
        width, rngs = x.shape[-1], nnx.Rngs(0)  # what is drawn is not used, and left out of the program

        def put(own: Any, **arrays: Any) -> Any:
            for name, array in arrays.items():
                setattr(own, name, nnx.Param(array))
            return own

        def norm(x: Any, n: str) -> Any:
            own = nnx.LayerNorm(width, epsilon=epsilon, rngs=rngs)
            return put(own, scale=weights[f"scale_{n}"], bias=weights[f"shift_{n}"])(x)

        def dense(x: Any, part: str) -> Any:
            kernel, bias = weights[f"kernel_{part}"], weights[f"bias_{part}"]
            return put(nnx.Linear(*kernel.shape, rngs=rngs), kernel=kernel, bias=bias)(x)

        def attend(x: Any, looked_at: Any, start: str, *, causal: bool) -> Any:
            own = nnx.MultiHeadAttention(heads, width, decode=False, rngs=rngs)
            for part, dense in {"q": own.query, "k": own.key, "v": own.value, "o": own.out}.items():
                put(dense, kernel=weights[f"{start}kernel_{part}"], bias=weights[f"{start}bias_{part}"])
            return own(x, looked_at, mask=nnx.make_causal_mask(x[..., 0]) if causal else None)

        return pre_norm(x, source, norm, attend, dense, nnx.relu)

    return layer


def of_keras(width: int, heads: int, hidden: int, places: int, epsilon: float) -> Callable | None:
    """A layer of stock Keras, where Keras is installed and runs on JAX in this process."""
    keras = keras_on_jax()
    if keras is None:
        return None
    attention = keras.layers.MultiHeadAttention(heads, width // heads)
    attention.build((1, places, width), (1, places, width))
    seeds = [variable.value for variable in attention.non_trainable_variables]
    normal = keras.layers.LayerNormalization(epsilon=epsilon)
    normal.build((1, places, width))
    maps = {"in": keras.layers.Dense(hidden), "out": keras.layers.Dense(width)}
    maps["in"].build((1, places, width))
    maps["out"].build((1, places, hidden))

    def layer(x: Any, weights: dict, source: Any = None) -> Any:
        def norm(x: Any, n: str) -> Any:
            return normal.stateless_call([weights[f"scale_{n}"], weights[f"shift_{n}"]], [], x)[0]

        def dense(x: Any, part: str) -> Any:
            return maps[part].stateless_call([weights[f"kernel_{part}"], weights[f"bias_{part}"]], [], x)[0]

        def attend(x: Any, looked_at: Any, start: str, *, causal: bool) -> Any:
            table = [weights[f"{start}{kind}_{part}"] for part in "qkvo" for kind in ("kernel", "bias")]
            other = x if looked_at is None else looked_at
            return attention.stateless_call(table, seeds, x, other, use_causal_mask=causal)[0]

        return pre_norm(x, source, norm, attend, dense, keras.ops.relu)

    return layer
