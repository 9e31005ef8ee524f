"""Experiments of the page on cross-entropy, one a module."""
