"""Which exercises the learning path has its reader try: their pages mark them, with the step."""

from __future__ import annotations

import functools
import re

from markdown.extensions.toc import slugify

from nnspec_site.assets import PAGES

FILE = PAGES / "guides" / "learning-path.md"
ADDRESS = "/guides/learning-path.md"
STEP = re.compile(r"(?m)^### (?P<title>(?P<number>\d+)\. .+)$")
EXERCISE = re.compile(r"\.md#exercise-(?P<slug>[\w-]+)\)")


def steps(text: str) -> dict[str, tuple[int, str]]:
    """Exercise -> the number of the first step that names it, and where the step stands on the site.

    Args:
        text: the Markdown of the learning path.
    """
    found: dict[str, tuple[int, str]] = {}
    marks = [*STEP.finditer(text)]
    for mark, after in zip(marks, [*(later.start() for later in marks[1:]), len(text)], strict=True):
        place = f"{ADDRESS}#{slugify(mark['title'], '-')}"
        for link in EXERCISE.finditer(text, mark.end(), after):
            found.setdefault(link["slug"], (int(mark["number"]), place))
    return found


@functools.lru_cache(maxsize=1)
def _of(text: str) -> dict[str, tuple[int, str]]:
    return steps(text)


def step_of(exercise: str) -> tuple[int, str] | None:
    """The step of the learning path that names an exercise; None where none does."""
    return _of(FILE.read_text(encoding="utf-8")).get(exercise)
