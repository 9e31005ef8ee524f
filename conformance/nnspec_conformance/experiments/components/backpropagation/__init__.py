"""Experiments of the backpropagation page, one a module."""
