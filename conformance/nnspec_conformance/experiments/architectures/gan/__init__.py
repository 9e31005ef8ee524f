"""Experiments of architectures/gan."""
