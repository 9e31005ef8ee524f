"""Experiments of architectures/gru."""
