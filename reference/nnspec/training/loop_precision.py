r"""Mixed precision: a loss in half precision, weights and sums in float32, and a scale that keeps small gradients.

Examples:
    >>> import jax.numpy as jnp
    >>> from nnspec.components.optimization import gradient_descent
    >>> from nnspec.training.loop import fit
    >>> def loss(w, x, y, *, key):  # its gradient, 0.00000001, is no number of float16
    ...     return w * x * y
    >>> data = jnp.array([1e-4]), jnp.array([1e-4])
    >>> for scale in (1.0, 32768.0):
    ...     precision = MixedPrecision("float16", loss_scale=scale)
    ...     run = fit(loss, jnp.array(0.0), data, gradient_descent(1e8), epochs=1, precision=precision, progress=False)
    ...     print(round(float(run.model), 2))
    0.0
    -1.0
"""

from dataclasses import dataclass
from typing import Literal

__all__ = ["MixedPrecision"]

LARGEST = 2.0**24  # of the scale
POWERS = {2.0**k for k in range(25)}


@dataclass(frozen=True)
class MixedPrecision:
    """How a step is computed in half precision   [fit.precision][], [fit.loss-scale][], [fit.overflow][].

    Weights and the floating arrays of the batch are rounded for the loss and its backward pass. The mean of the loss,
    gradients as the optimizer gets them, its state and the weights that it moves stay in float32.

    Attributes:
        dtype: of the loss and its backward pass.
        loss_scale: what the mean is multiplied by before the backward pass, and gradients are divided by behind it; a
            power of two. Where it is left out, 32,768 for float16, and none for bfloat16, which has the exponents of
            float32.
        period: after so many steps without an overflow in a row the scale doubles, up to 2^24; a step whose gradient
            is not finite is left out, and halves it, down to 1. None: the scale stays, and such a step is a bad one.
    """

    dtype: Literal["bfloat16", "float16"]
    loss_scale: float | None = None
    period: int | None = 2000

    def __post_init__(self) -> None:
        for name, value, words, holds in (
            ("dtype", self.dtype, "'bfloat16' or 'float16'", self.dtype in ("bfloat16", "float16")),
            ("loss_scale", self.loss_scale, "a power of two from 1 to 2^24", self.loss_scale in {None, *POWERS}),
            ("period", self.period, "1 or more", self.period is None or self.period >= 1),
        ):
            if not holds:
                raise ValueError(f"MixedPrecision: {name} must be {words}, got {value!r}")
