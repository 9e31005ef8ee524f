"""Experiments of components/layers."""
