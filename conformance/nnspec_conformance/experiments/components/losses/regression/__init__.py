"""Experiments of the page on regression, one a module."""
