"""What schedules refuse. A traced number passes through, since nobody knows it yet."""

from typing import Any

from jax.core import Tracer
from jaxtyping import Array, Int

Length = int | Int[Array, ""]  # a number of steps


def at_least(operation: str, name: str, value: Any, least: Any) -> None:
    """Refuse a smaller number."""
    if not isinstance(value, Tracer) and not isinstance(least, Tracer) and value < least:
        raise ValueError(f"{operation}: {name} is {value}, expected at least {least}")


def at_most(operation: str, most: Any, what: str, **given: Any) -> None:
    """Refuse each of the numbers that is larger."""
    for name, value in given.items():
        if not isinstance(value, Tracer) and not isinstance(most, Tracer) and value > most:
            raise ValueError(f"{operation}: {name} is {value}, expected at most {most}, {what}")
