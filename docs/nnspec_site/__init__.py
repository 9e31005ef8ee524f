"""Site building only: the Markdown blocks, figures and checks of the nnspec site."""

from __future__ import annotations


def makeExtension(**options):
    """The Markdown extension named ``nnspec_site`` in mkdocs.yml."""
    from nnspec_site.extension import SiteExtension

    return SiteExtension(**options)
