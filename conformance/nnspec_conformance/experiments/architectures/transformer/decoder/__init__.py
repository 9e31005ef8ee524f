"""Experiments of architectures/transformer/decoder."""
