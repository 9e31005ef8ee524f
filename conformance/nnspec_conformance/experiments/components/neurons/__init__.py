"""Experiments of the neurons page, one a module."""
