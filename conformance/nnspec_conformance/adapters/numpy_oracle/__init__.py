"""The oracles as a subject: the same NumPy functions, in the dtype handed over. Shown as oracle, not as evidence.

Mutants are this adapter with one thing wrong. Half-precision inputs are computed in float32 and rounded once.
"""

from __future__ import annotations

import numpy as np

from nnspec_conformance.subject import DTYPES as ALL_DTYPES

NAME = "numpy_oracle"
VERSION = np.__version__
DTYPES = tuple(ALL_DTYPES)
