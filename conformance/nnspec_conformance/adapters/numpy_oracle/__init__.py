"""The oracles as a subject: the same NumPy functions, in the dtype handed over. Shown as oracle, not as evidence.

Its operations follow from the specification's declarations, and it can be told every reading that a declared keyword
chooses. Mutants are this adapter with one thing wrong.
"""

from __future__ import annotations

import numpy as np

from nnspec_conformance import clauses
from nnspec_conformance.adapters.numpy_oracle.derived import declared
from nnspec_conformance.dtypes import DTYPES as ALL_DTYPES

NAME = "numpy_oracle"
VERSION = np.__version__
DTYPES = tuple(ALL_DTYPES)
PACKAGES = ()
VARIANTS = clauses.own_spec().told()

globals().update(declared(clauses.own_spec()))
