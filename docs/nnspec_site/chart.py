"""A bar chart of shares made of plain boxes: its text keeps its size on a phone, and both schemes colour it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nnspec_site.html import Element, make

MARKS = "◆▲■●★"
WIDEST = 1.5  # shares beyond stand at the edge, with an arrow
TICKS = (0, 0.5, 1)


@dataclass(frozen=True)
class Row:
    """One line of the chart: our share as a bar, each peer's as a mark."""

    name: str
    ours: float
    peers: Mapping[str, float]


def chart(title: Sequence[Element | str], rows: Sequence[Row]) -> Element:
    """The chart with its key. The numbers are in the table below it; readers of the page get the bar's value."""
    peers = list(dict.fromkeys(peer for row in rows for peer in row.peers))
    largest = max([1.0, *(row.ours for row in rows), *(share for row in rows for share in row.peers.values())])
    limit = min(largest, WIDEST)
    figure = make("figure", "nn-chart", make("figcaption", "", *title), _key(peers, beyond=largest > limit))
    for row in rows:
        value = make("span", "nn-chart-value", f"{100 * row.ours:.0f} %")
        figure.append(
            make("div", "nn-chart-row", make("span", "nn-chart-name", row.name), _track(row, peers, limit), value)
        )
    figure.append(make("div", "nn-chart-row", make("span"), _scale(limit), make("span"), aria_hidden="true"))
    return figure


def _scale(limit: float) -> Element:
    """The numbers below the tracks."""
    ticks = [make("span", "", f"{100 * at:.0f} %", style=f"left:{100 * at / limit:.1f}%") for at in TICKS]
    return make("span", "nn-scale", *ticks)


def _key(peers: Sequence[str], *, beyond: bool) -> Element:
    key = [make("span", "nn-key", make("span", "nn-key-bar", aria_hidden="true"), "nnspec")]
    for i, peer in enumerate(peers):
        key.append(make("span", "nn-key", make("span", f"nn-peer-{i}", _mark(i), aria_hidden="true"), peer))
    if beyond:
        key.append(make("span", "nn-key", f"› more than {100 * WIDEST:.0f} %"))
    return make("p", "nn-chart-key", *key)


def _mark(i: int) -> str:
    return MARKS[i % len(MARKS)]


def _track(row: Row, peers: Sequence[str], limit: float) -> Element:
    track = make("span", "nn-track", aria_hidden="true", style=f"--nn-step:{25 / limit:.2f}%")
    track.append(make("span", "nn-track-bar", style=f"width:{100 * min(row.ours / limit, 1):.1f}%"))
    for i, peer in enumerate(peers):
        if peer in row.peers:
            share = row.peers[peer]
            text = _mark(i) + ("›" if share > limit else "")
            left = f"left:{100 * min(share / limit, 1):.1f}%"
            track.append(make("span", f"nn-track-mark nn-peer-{i}", text, style=left))
    return track
