r"""Learning rates that are constant, or constant in pieces.

Each takes steps and gives rates in float32; with everything but the steps told it is an ``optax.Schedule``:
``functools.partial(piecewise_constant, rates=jnp.array([0.1, 0.01]), boundaries=(1000,))``.
"""

import itertools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float, Int

from nnspec.checking import NonNegative, checked

__all__ = ["constant_rate", "piecewise_constant"]


@checked
def constant_rate(steps: Int[Array, "*batch"], *, rate: NonNegative) -> Float[Array, "*batch"]:
    r"""Keep one rate at all steps.

    $\eta_t = \eta$   [constant-rate.value][], [piecewise.before-start][]

    Args:
        steps: counted from 0.
        rate: $\eta$, at least 0.

    Returns:
        The rate of each step, in float32.

    Raises:
        ValueError: ``rate`` is negative.

    Source: the definition.
    """
    return jnp.full(steps.shape, rate, jnp.float32)


@checked
def piecewise_constant(
    steps: Int[Array, "*batch"], rates: Float[Array, "pieces"], *, boundaries: Sequence[int]
) -> Float[Array, "*batch"]:
    r"""Keep a rate of its own in each piece.

    $\eta_t = \eta_i$ with $i$ the number of ``boundaries`` that are at most $t$   [piecewise-constant.value][],
    [piecewise-constant.large-steps][]

    Args:
        steps: counted from 0.
        rates: of the pieces, at least 0; one more than ``boundaries``.
        boundaries: the first step of each piece but the first, rising.

    Returns:
        The rate of each step, in float32.

    Raises:
        ValueError: the boundaries do not rise; there is not one rate more than boundaries; a rate is negative.

    Source: He and others 2015, section 4.2.
    """
    if any(later <= earlier for earlier, later in itertools.pairwise(boundaries)):
        raise ValueError(f"piecewise_constant: boundaries are {list(boundaries)}, expected each above the one before")
    if len(rates) != len(boundaries) + 1:
        raise ValueError(
            f"piecewise_constant: there are {len(rates)} rates and {len(boundaries)} boundaries, expected one rate more"
        )
    if not isinstance(rates, Tracer) and np.any(np.asarray(rates) < 0):
        raise ValueError(f"piecewise_constant: rates are {np.asarray(rates).tolist()}, expected none below 0")
    return _of_piece(steps, rates, np.asarray(boundaries, np.int32))


@jax.jit
def _of_piece(steps: Array, rates: Array, boundaries: Array) -> Array:
    piece = jnp.sum(steps[..., None] >= boundaries, -1)
    return rates.astype(jnp.float32)[piece]
