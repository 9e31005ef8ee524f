"""The folder that MkDocs reads, and the navigation; while serving both follow the specification and the results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nnspec_conformance.clauses import Spec
from nnspec_site import clause_pages, data, data_files, experiment_pages, navigation, notebooks, own_page, result_pages
from nnspec_site.assets import ROOT
from nnspec_site.data import Data

CONFIG = ROOT / "mkdocs.yml"
_staged: Data | None = None


def stage(shown: Data, folder: Path = navigation.STAGE) -> None:
    """Write the folder anew: pages that follow from the folders, those of clauses, experiments, results, the data."""
    global _staged
    _staged = None
    navigation.stage(shown.spec, folder)
    made = (clause_pages, experiment_pages, result_pages, notebooks)
    for pages in made:
        own_page.stage(pages.pages(shown), folder)
    data_files.stage(shown, folder / "data")
    _staged = shown


def nav(spec: Spec) -> list[navigation.Entry]:
    """The whole navigation: what ``mkdocs.yml`` lists, and the pages that follow from the folders."""
    from mkdocs.utils.yaml import yaml_load

    with CONFIG.open("rb") as file:
        return navigation.navigation(yaml_load(file)["nav"], spec)


def follow(config: Any, folder: Path = navigation.STAGE) -> None:
    """Write the folder anew where specification or results were read again since, and let MkDocs know of new pages."""
    if Path(config.docs_dir) != folder:
        return  # another site's
    if (shown := data.current()) is not _staged:
        stage(shown, folder)
    config.nav = nav(shown.spec)
