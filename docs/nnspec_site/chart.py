"""A chart of shares made of plain boxes: its text keeps its size on a phone, and both schemes colour it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nnspec_site.html import Element, breakable, make

MARKS = "◆▲■●★"
WIDEST = 1.5  # shares beyond stand at the edge, with an arrow
TICKS = (0, 0.5, 1, 1.5)


@dataclass(frozen=True)
class Share:
    """A share of a ceiling: the median over processes, and what the slowest and the fastest of them reached."""

    value: float
    least: float
    most: float

    def words(self) -> str:
        """The median, with the spread where there is one to be seen in whole percents."""
        value, least, most = (f"{100 * share:.0f}" for share in (self.value, self.least, self.most))
        return f"{value} %" if least == most else f"{value} % ({least} to {most} %)"


@dataclass(frozen=True)
class Row:
    """One line of the chart: a share as a bar, if it has one, and others as marks by name."""

    name: str
    bar: Share | None
    marks: Mapping[str, Share]

    @property
    def shares(self) -> list[Share]:
        return [*([self.bar] if self.bar else []), *self.marks.values()]


def chart(title: Sequence[Element | str], rows: Sequence[Row]) -> Element:
    """The chart with its key and its scale; 100 % is the ceiling.

    The numbers are in a table of the same page; readers of the page get the bar's value.
    """
    names = list(dict.fromkeys(name for row in rows for name in row.marks))
    shares = [share for row in rows for share in row.shares]
    largest = max([1.0, *(share.value for share in shares)])
    limit = min(largest, WIDEST)
    key = _key(
        names,
        bars=any(row.bar for row in rows),
        spread=any(share.least < share.most for share in shares),
        beyond=largest > limit,
    )
    figure = make("figure", "nn-chart", make("figcaption", "", *title), key)
    for row in rows:
        value = make("span", "nn-chart-value", f"{100 * row.bar.value:.0f} %" if row.bar else "")
        track = _track(row, names, limit)
        figure.append(make("div", "nn-chart-row", breakable(row.name, "span", "nn-chart-name"), track, value))
    figure.append(make("div", "nn-chart-row", make("span"), _scale(limit), make("span"), aria_hidden="true"))
    return figure


def _scale(limit: float) -> Element:
    """The numbers below the tracks."""
    ticks = [
        make("span", "", f"{100 * at:.0f} %", style=f"left:{100 * at / limit:.1f}%") for at in TICKS if at <= limit
    ]
    return make("span", "nn-scale", *ticks)


def _key(names: Sequence[str], *, bars: bool, spread: bool, beyond: bool) -> Element:
    key = [make("span", "nn-key", make("span", "nn-key-bar", aria_hidden="true"), "nnspec")] if bars else []
    for i, name in enumerate(names):
        key.append(make("span", "nn-key", make("span", f"nn-peer-{i}", _mark(i), aria_hidden="true"), name))
    if spread:
        line = make("span", "nn-key-spread", aria_hidden="true")
        key.append(make("span", "nn-key", line, "slowest to fastest process"))
    if beyond:
        key.append(make("span", "nn-key", f"› more than {100 * WIDEST:.0f} %"))
    return make("p", "nn-chart-key", *key)


def _mark(i: int) -> str:
    return MARKS[i % len(MARKS)]


def _track(row: Row, names: Sequence[str], limit: float) -> Element:
    """The marks; bar, grid, ceiling and spreads are drawn by the style, so that they cost no elements."""
    style, parts = f"--nn-step:{25 / limit:.2f}%", []
    if row.bar:
        style += f";--nn-bar:{100 * min(row.bar.value / limit, 1):.1f}%" + _spread(row.bar, limit, "bar")
    for i, name in enumerate(names):
        if name in row.marks:
            share = row.marks[name]
            text = _mark(i) + ("›" if share.value > limit else "")
            left = f"left:{100 * min(share.value / limit, 1):.1f}%"
            style += _spread(share, limit, str(i))
            parts.append(make("span", f"nn-track-mark nn-peer-{i}", text, style=left))
    return make("span", "nn-track", *parts, aria_hidden="true", style=style)


def _spread(share: Share, limit: float, of: str) -> str:
    """The style of a spread cut off at the edge; none of one process."""
    least, most = (100 * min(one / limit, 1) for one in (share.least, share.most))
    return f";--nn-from-{of}:{least:.1f}%;--nn-to-{of}:{most:.1f}%" if most > least else ""
