"""Experiments of the weights and biases page, one a module."""
