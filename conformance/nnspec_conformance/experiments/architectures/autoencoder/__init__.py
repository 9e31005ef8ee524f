"""Experiments of architectures/autoencoder."""
