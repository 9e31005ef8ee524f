"""The backend on which Keras runs: one in a process."""

from __future__ import annotations

import keras

VERSION = keras.__version__


def require(backend: str) -> None:
    """Refuse to speak for one backend while Keras runs on another.

    Raises:
        ImportError: Keras was imported earlier in this process, with another backend.
    """
    loaded = keras.backend.backend()
    if loaded != backend:
        raise ImportError(f"Keras already runs on {loaded} in this process, not on {backend}; check one backend a run")
