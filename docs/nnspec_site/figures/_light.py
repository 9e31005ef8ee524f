"""A picture as matplotlib writes it with a third less to load: what nobody sees is left out, and lines go step by step.

Coordinates are rounded to hundredths of a point; each is the distance from the rounded one before it, so that roundings
do not add up. Names that nothing refers to, comments, metadata and the groups around single shapes are left out.
"""

from __future__ import annotations

import re

PLACES = 2  # decimals of a point, which is 4/3 pixels
NUMBERS = {"M": 2, "L": 2, "Q": 4, "C": 6, "z": 0}  # that follow each command which matplotlib writes
UNSEEN = re.compile(r"<metadata>.*?</metadata>|<!--.*?-->|<!DOCTYPE[^>]*>", re.S)
PATH = re.compile(r' d="([^"]*)"')
PLACE = re.compile(r'(?P<before> [xy]="| transform="translate\()(?P<numbers>[^")]*)')
TOKEN = re.compile(r"[A-Za-z]|[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?")
NAME = re.compile(r' id="([^"]*)"')
REFERENCE = re.compile(r'#([\w.-]+)["\')]')
ALONE = re.compile(r"<g>((?:(?!</?g\b).)*?)</g>", re.S)  # a group that says nothing and holds no other
STYLE = re.compile(r' style="([^"]*)"')


def light(picture: str) -> str:
    """The same picture in fewer letters.

    Args:
        picture: an SVG file of matplotlib's.

    Raises:
        ValueError: a path has a command that matplotlib does not write.
    """
    text = re.sub(r">\s+<", "><", UNSEEN.sub("", picture))
    text = PATH.sub(lambda found: f' d="{steps(found[1])}"', text)
    text = PLACE.sub(lambda found: found["before"] + " ".join(map(_short, map(_units, _parts(found)))), text)
    used = set(REFERENCE.findall(text))
    text = NAME.sub(lambda found: found[0] if found[1] in used else "", text)
    text = STYLE.sub(lambda found: found[0].replace(": ", ":").replace("; ", ";"), text)
    while (without := ALONE.sub(r"\1", text)) != text:
        text = without
    return text


def steps(path: str) -> str:
    """A path whose points are told by the way from the one before."""
    made, tokens = [], iter(TOKEN.findall(path))
    here = start = (0, 0)
    for command in tokens:
        if command not in NUMBERS:
            raise ValueError(f"a path has the command {command!r}; known are {', '.join(NUMBERS)}")
        points = [_units(next(tokens)) for _ in range(NUMBERS[command])]
        ways = [value - here[i % 2] for i, value in enumerate(points)]
        if points:
            here = (points[-2], points[-1])
        else:
            here = start
        if command == "M":
            start = here
        made.append(command.lower() + "".join(f" {_short(way)}" for way in ways))
    text = "".join(made)
    text = re.sub(r"(?<=[a-z]) | (?=-)", "", text)
    return re.sub(r"([lqc])([^a-z]*)(?:\1[^a-z]*)+", _joined, text)


def _joined(found: re.Match[str]) -> str:
    """Several equal commands after one another, of which the letter of the first is enough."""
    command, *numbers = found[0][0], *found[0][1:].split(found[0][0])
    return command + "".join(one if i == 0 or one.startswith("-") else f" {one}" for i, one in enumerate(numbers))


def _parts(found: re.Match[str]) -> list[str]:
    return found["numbers"].replace(",", " ").split()


def _units(number: str) -> int:
    """A coordinate in hundredths of a point."""
    return round(float(number) * 10**PLACES)


def _short(units: int) -> str:
    """A coordinate, without the zeros that say nothing."""
    text = f"{units / 10**PLACES:.{PLACES}f}".rstrip("0").rstrip(".")
    return re.sub(r"^(-?)0\.", r"\1.", "0" if text in ("-0", "") else text)
