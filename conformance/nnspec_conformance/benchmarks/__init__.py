"""Benchmarks: the reference beside its peers, in one run, as a share of what the machine can do."""
