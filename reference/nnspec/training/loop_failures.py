"""What may go wrong in a run: numbers that are none, and somebody who wants it to end.

Examples:
    >>> import jax.numpy as jnp
    >>> from nnspec.components.optimization import gradient_descent
    >>> from nnspec.training.loop import fit
    >>> def loss(w, x, *, key):
    ...     return jnp.log(w - x)
    >>> try:
    ...     fit(loss, jnp.array(2.5), (jnp.array([2.0]),), gradient_descent(0.4), epochs=9, progress=False)
    ... except NonFiniteError as error:
    ...     print(error)
    ...     print(error.run.model)
    fit: step 1 (epoch 1, batch 0) has a NaN or infinite loss; error.run holds what was before, error.rows the examples
    1.7
"""

from typing import Any, NamedTuple

import numpy as np

__all__ = ["NonFiniteError"]


class Pending(NamedTuple):
    """A step that was begun, and not looked at yet."""

    step: int
    epoch: int
    batch: int
    rows: np.ndarray | None
    examples: Any
    finite: Any  # of the loss, and of the gradient of each array


class NonFiniteError(FloatingPointError):
    """A step whose loss or gradient is NaN or infinite; the run ended before it   [fit.nonfinite][].

    Attributes:
        step: the number of the step, from 0; its key is ``jax.random.fold_in(jax.random.key(seed), step)``.
        epoch: the number of its epoch, from 0.
        batch: the number of its batch in the epoch, from 0.
        leaves: the arrays of the model whose gradient is NaN or infinite; none where only the loss is.
        rows: the numbers of the batch's examples; None where a function gives the batches.
        examples: the batch itself.
        run: what the run had come to before this step, as ``Run``.
    """

    def __init__(self, pending: Pending, leaves: list[str], of_loss: bool) -> None:
        self.step, self.epoch, self.batch = pending.step, pending.epoch, pending.batch
        self.leaves, self.rows, self.examples = leaves, pending.rows, pending.examples
        self.run: Any = None
        where = f"step {self.step} (epoch {self.epoch}, batch {self.batch})"
        named = ", ".join(leaves[:3]) + (f" and {len(leaves) - 3} more" if len(leaves) > 3 else "")
        wrong = " and ".join(["loss"] * of_loss + [f"gradient of {named}"] * bool(leaves))
        replay = "error.rows the examples" if self.rows is not None else "error.examples the batch"
        super().__init__(
            f"fit: {where} has a NaN or infinite {wrong}; error.run holds what was before, {replay}".replace("\n", " ")
        )
