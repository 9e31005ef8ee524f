"""Experiments of architectures/lstm."""
