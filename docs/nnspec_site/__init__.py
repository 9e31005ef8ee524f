"""Site building only: the Markdown blocks, figures and checks of the nnspec site."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nnspec_site.extension import SiteExtension


def makeExtension(**options: Any) -> SiteExtension:
    """The Markdown extension named ``nnspec_site`` in mkdocs.yml."""
    from nnspec_site import extension

    return extension.SiteExtension(**options)
