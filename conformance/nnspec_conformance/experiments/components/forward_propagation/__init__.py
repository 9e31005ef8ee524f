"""Experiments of the forward propagation page, one a module."""
