"""Reference implementation of nnspec: neural networks in JAX, Flax NNX and Optax, one function a definition.

Whatever a topic exports is here too: ``nnspec.dense`` is ``nnspec.components.layers.dense``.

Examples:
    >>> import jax.numpy as jnp
    >>> import nnspec
    >>> print(nnspec.relu(jnp.array([-1.0, 0.0, 2.0])))
    [0. 0. 2.]
"""

import importlib
import importlib.util
import pkgutil
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_needed = ("jax", "flax", "optax", "jaxtyping", "beartype")
if _lacking := [name for name in _needed if importlib.util.find_spec(name) is None]:
    raise ModuleNotFoundError(
        f"the reference needs {', '.join(_lacking)}: pip install 'nnspec[reference]'", name=_lacking[0]
    )

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...


def _exports() -> dict[str, Any]:
    """Every name that a topic exports, a topic being a module in the folder of a section."""
    names = [found.name for found in pkgutil.walk_packages(__path__, "nnspec.") if found.name.count(".") > 1]
    topics = [importlib.import_module(name) for name in names]
    return {name: getattr(topic, name) for topic in topics for name in getattr(topic, "__all__", ())}


globals().update(_exports())
