"""Experiments of initialization."""
