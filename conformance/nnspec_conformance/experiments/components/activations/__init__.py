"""Experiments of the activations page, one a module."""
