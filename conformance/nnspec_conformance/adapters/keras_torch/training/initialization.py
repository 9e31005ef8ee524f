"""Initialization on PyTorch."""

from __future__ import annotations

KNOWN_FAILURES = {
    "init.bounds[truncated_normal_init]": (
        "of 320,000 draws with the deviation 0.3, cut at 0.6, one is 0.803, right is at most 0.6: of four normal draws "
        "the first within the bounds is taken, and the first of all where none is, 4 times in a million; searched "
        "2026-11-28, not found; https://github.com/keras-team/keras/issues"
    )
}
