"""The one error of the site build."""

from __future__ import annotations


class SiteError(Exception):
    """The site cannot be built; the message is one line that says what, where and the likely fix."""
