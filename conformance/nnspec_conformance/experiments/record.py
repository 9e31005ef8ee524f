"""Recording a result: only where the prediction was committed before, which git can tell."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import Any

from nnspec_conformance.blocks import parse_blocks
from nnspec_conformance.clauses import READERS, Experiment, Spec
from nnspec_conformance.errors import HarnessError, SpecError


def commit_of(text: Experiment, spec: Spec) -> str:
    """The last commit, in which the block's prediction stands as it is now.

    Raises:
        HarnessError: there it stands otherwise, or not at all; or there is no repository.
    """
    commit = _git(spec.root, "rev-parse", "HEAD")
    if commit is None:
        raise HarnessError(f"--record asks git for the commit of each prediction, and {spec.root} is in no repository")
    page = _git(spec.root, "show", f"HEAD:./{text.page}.md")
    if page is None or _prediction(page, text) != text.prediction_hash:
        raise HarnessError(
            f"the prediction of {text.id} is not committed as it stands ({text.page}.md:{text.line}); "
            "commit it before the run whose result you record"
        )
    return commit.strip()


def stood(text: Experiment, commit: str, spec: Spec) -> bool | None:
    """Whether a commit of this history has the prediction as it stands now; None where git has no whole history."""
    if _git(spec.root, "rev-parse", "--is-shallow-repository") != "false\n":
        return None
    page = _git(spec.root, "show", f"{commit}:./{text.page}.md")
    ancestor = _git(spec.root, "merge-base", "--is-ancestor", commit, "HEAD") is not None
    return ancestor and page is not None and _prediction(page, text) == text.prediction_hash


def recorded(text: Experiment, commit: str, old: dict[str, Any] | None) -> dict[str, Any]:
    """The field ``recorded`` of a result: the prediction's hash, its commit, and whether a result was known before.

    Args:
        text: the block.
        commit: see ``commit_of``.
        old: the result that was committed until now. Where it is of another prediction, this one was written with that
            result at hand.
    """
    known = None
    if old is not None:
        before = old.get("recorded")
        known = before["known"] if before and before["hash"] == text.prediction_hash else old["date"]
    return {"hash": text.prediction_hash, "commit": commit, "known": known}


def _prediction(page: str, text: Experiment) -> str | None:
    """The hash of the prediction that this experiment has in another state of its page."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "page.md"
        path.write_text(page, encoding="utf-8")
        try:
            blocks = [block for block in parse_blocks(path) if (block.name, block.argument) == ("experiment", text.id)]
            return READERS["experiment"](blocks[0], text.page).prediction_hash if blocks else None
        except SpecError:
            return None


def _git(folder: Path, *arguments: str) -> str | None:
    """Git's answer, None where it has none."""
    try:
        asked = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True)
    except FileNotFoundError:
        return None
    return asked.stdout if asked.returncode == 0 else None
