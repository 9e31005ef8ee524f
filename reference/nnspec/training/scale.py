r"""More than one device: every device computes a share of each batch, and all make the same step.

Examples:
    >>> import jax.numpy as jnp
    >>> from nnspec.components.optimization import gradient_descent
    >>> from nnspec.training.loop import fit
    >>> x, y = jnp.array([1.0, 2.0]), jnp.array([1.0, 3.0])
    >>> def loss(w, x, y, *, key):
    ...     return (w * x - y) ** 2 / 2
    >>> rule, how = gradient_descent(0.2), {"epochs": 5, "batch_size": 2, "progress": False}
    >>> run = fit(loss, jnp.array(0.0), (x, y), rule, devices=Devices(1), **how)
    >>> print(run.model)
    1.35625
"""

from dataclasses import dataclass
from typing import Literal

import jax

__all__ = ["Devices"]


@dataclass(frozen=True)
class Devices:
    """How many devices compute a run, and what each of them holds.

    A batch is cut into equal shares, one for each device. A last batch that they do not divide is computed by every
    device as a whole [scale.steps][], [scale.weights][]. With several processes (`jax.distributed.initialize`) all
    make the same call, and each reads the examples of its own devices [scale.examples][].

    Attributes:
        count: how many devices, the first ones of ``jax.devices()``; all of them where it is left out.
        parameters: ``whole``, every device holds all weights and the optimizer's whole state; ``sharded``, each holds
            a part of every array that has an axis which the devices divide [scale.sharded][].
        statistics: what a loss sees of a batch at a time: the whole ``batch``, so that batch statistics are those of
            one device; or the ``share`` of a device, whose statistics are its own [scale.statistics][].
    """

    count: int | None = None
    parameters: Literal["whole", "sharded"] = "whole"
    statistics: Literal["batch", "share"] = "batch"

    def __post_init__(self) -> None:
        there = jax.device_count()
        if self.count is None:
            object.__setattr__(self, "count", there)
        for name, words, holds in (
            ("count", f"1 to {there}, the devices that there are", self.count in range(1, there + 1)),
            ("parameters", "'whole' or 'sharded'", self.parameters in ("whole", "sharded")),
            ("statistics", "'batch' or 'share'", self.statistics in ("batch", "share")),
        ):
            if not holds:
                raise ValueError(f"Devices: {name} must be {words}, got {getattr(self, name)!r}")
