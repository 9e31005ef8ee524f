"""Measured claims: each an experiment on the reference, with a prediction that was written before its first run."""

from nnspec_conformance.experiments.core import Effect, Outcome, experiment

__all__ = ["Effect", "Outcome", "experiment"]
