"""Experiments of architectures/stacked_recurrent."""
