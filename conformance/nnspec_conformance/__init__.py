"""The conformance suite of nnspec: clauses, oracles, mutants and the harness that puts them to any implementation.

Importing this package imports neither JAX nor any other framework.
"""

__version__ = "0.1.0"
