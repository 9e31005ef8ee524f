"""Experiments of architectures/recurrent."""
