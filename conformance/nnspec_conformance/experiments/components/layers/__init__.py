"""Experiments of the layers page, one a module."""
