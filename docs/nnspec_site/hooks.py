"""What happens inside MkDocs, which finds these functions by their names (``hooks`` in ``mkdocs.yml``)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

from nnspec_site import data, finding, kept_pages, staging

NAME = re.compile(r'(<span class="md-ellipsis">\s*)([a-z]+(?:[._][a-z]+)+)(?=\s*<)')
_serving = False


def on_startup(*, command: Literal["build", "gh-deploy", "serve"], dirty: bool) -> None:
    """A server builds again and again, from folders that change meanwhile."""
    global _serving
    _serving = command == "serve"


def on_pre_build(config: Any) -> None:
    """Read specification and results once a build; a server's pages follow them."""
    data.refresh()
    if _serving:
        staging.follow(config)
    kept_pages.start(config)


def on_serve(server: Any, *, config: Any, builder: Any) -> None:
    """Do not watch the folder that is written here: ``mkdocs.yml`` names those that people write."""
    server.unwatch(config.docs_dir)


def on_nav(nav: Any, config: Any, files: Any) -> None:
    """Render pages on all cores as soon as all of them are known."""
    kept_pages.ahead(config, files)


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> None:
    """Let an unchanged page keep what it was rendered to."""
    kept_pages.keep(markdown, page, config)


def on_post_page(output: str, page: Any, config: Any) -> str:
    """Let the name of a module break after a dot or an underscore; the theme cuts a word that is too long."""
    return NAME.sub(lambda m: m[1] + re.sub(r"[._]", r"\g<0><wbr>", m[2]), output)


def on_post_build(config: Any) -> None:
    """Write what search finds; say what was rendered."""
    glossary = Path(config.docs_dir) / "guides" / "glossary.md"
    terms = glossary.read_text(encoding="utf-8") if glossary.is_file() else ""
    finding.write(Path(config.site_dir), kept_pages.hits(), data.current().spec, terms)
    print(f"site: {kept_pages.summary()}", flush=True)
