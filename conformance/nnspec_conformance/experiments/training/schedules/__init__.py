"""Experiments of training/schedules."""
