"""Builds the site: ``python -m nnspec_site.build [--serve] [--site-dir DIR]``.

Steps: check the Markdown, fetch the browser assets, draw the figures, write the pages that follow from the folders, run
MkDocs strictly, check what came out.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from pathlib import Path
from typing import Any

from nnspec_conformance.clauses import load_spec
from nnspec_conformance.errors import HarnessError
from nnspec_site import assets, built, cards, data, drawing, navigation, sources, staging, styles
from nnspec_site.errors import SiteError
from nnspec_site.staging import CONFIG


def step(text: str) -> None:
    print(f"site: {text}", flush=True)


def prepare() -> None:
    """Everything MkDocs needs on disk."""
    step("checking the blocks and formulas")
    sources.check()
    step("browser assets")
    assets.install()
    drawing.draw_figures()
    cards.draw_cards()
    step("pages that follow from the folders, a page for each clause and experiment, and the data")
    staging.stage(data.current())


def settings() -> dict[str, Any]:
    """What is handed to MkDocs beside its file: the folder it reads and the whole navigation."""
    return {"docs_dir": str(navigation.STAGE), "nav": staging.nav(load_spec())}


def build(site_dir: Path | None = None) -> Path:
    """Run MkDocs strictly; returns the site's folder."""
    from mkdocs.commands.build import build as mkdocs_build
    from mkdocs.config import load_config

    options = {"site_dir": str(site_dir)} if site_dir else {}
    config = load_config(str(CONFIG), strict=True, **settings(), **options)
    warnings = _Warnings()
    logging.getLogger("mkdocs").addHandler(warnings)
    step("pages")
    try:
        config.plugins.on_startup(command="build", dirty=False)
        mkdocs_build(config)
    finally:
        config.plugins.on_shutdown()
        logging.getLogger("mkdocs").removeHandler(warnings)
    styles.shorten(Path(config.site_dir))
    return Path(config.site_dir)


class _Warnings(logging.Handler):
    """MkDocs's warnings, on the terminal as one line each."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)

    def emit(self, record: logging.LogRecord) -> None:
        print(f"site: {record.levelname.lower()}: {' '.join(record.getMessage().split())}", file=sys.stderr)


def serve() -> None:
    """A local server that renders again what has changed."""
    from mkdocs.commands.serve import serve as mkdocs_serve

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    mkdocs_serve(str(CONFIG), livereload=True, strict=False, **settings())


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m nnspec_site.build", description="Build the nnspec site.")
    parser.add_argument("--serve", action="store_true", help="serve at http://127.0.0.1:8000, rebuilt on every change")
    parser.add_argument("--site-dir", type=Path, default=None, help="where to write (default: site/)")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Exit status 0: built and without defect; 1: built with defects; 2: could not build."""
    given = parse(arguments)
    os.environ["NO_MKDOCS_2_WARNING"] = "1"
    from mkdocs.exceptions import MkDocsException

    start = time.monotonic()
    try:
        prepare()
        if given.serve:
            serve()
            return 0
        site = build(given.site_dir and given.site_dir.resolve())
    except (SiteError, HarnessError, MkDocsException) as error:
        print(f"site: {error}", file=sys.stderr)
        return 2
    step("checking the result")
    status = built.main([str(site)])
    step(f"{'done' if status == 0 else 'defects found'}, {time.monotonic() - start:.0f} s: {site / 'index.html'}")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
