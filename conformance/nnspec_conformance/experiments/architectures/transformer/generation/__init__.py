"""Experiments of architectures/transformer/attention."""
