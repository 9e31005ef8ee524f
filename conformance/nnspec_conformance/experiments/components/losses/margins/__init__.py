"""Experiments of the page on margins, one a module."""
