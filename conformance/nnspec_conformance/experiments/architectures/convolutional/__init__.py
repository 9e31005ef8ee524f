"""Experiments of the pages on convolutional networks, and their images."""
