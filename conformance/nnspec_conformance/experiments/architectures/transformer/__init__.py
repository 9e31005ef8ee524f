"""Experiments of architectures/transformer."""
