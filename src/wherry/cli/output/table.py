"""Tables in docker's columns (Go's text/tabwriter with width 10 and padding 3)."""

from __future__ import annotations

from collections.abc import Sequence

NARROWEST = 10
PADDING = 3


def render(
    rows: Sequence[Sequence[str]],
    room: int = 0,
    elastic: Sequence[int] = (),
    narrowest: int = NARROWEST,
) -> list[str]:
    """Return the lines of a table; the last cell of a row is not padded.

    With `room` (the terminal's width), cells of the `elastic` columns are cut so that it fits.
    """
    if room:
        rows = _fit(rows, room, elastic)
    widths = _widths(rows, narrowest)
    lines = []
    for row in rows:
        padded = [cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)]
        lines.append("".join([*padded, *row[-1:]]))
    return lines


def _widths(rows: Sequence[Sequence[str]], narrowest: int) -> list[int]:
    columns = max((len(row) for row in rows), default=0)
    return [
        max(max((len(row[n]) + PADDING for row in rows if n < len(row) - 1), default=0), narrowest)
        for n in range(columns)
    ]


def _fit(rows: Sequence[Sequence[str]], room: int, elastic: Sequence[int]) -> list[list[str]]:
    fitted = [list(row) for row in rows]
    while (excess := max((len(line) for line in render(fitted)), default=0) - room) > 0:
        sizes = {
            n: max((len(row[n]) for row in fitted if n < len(row)), default=0) for n in elastic
        }
        widest = max(sizes, key=lambda n: sizes[n], default=-1)
        if widest < 0 or sizes[widest] <= NARROWEST:
            break
        limit = max(sizes[widest] - excess, NARROWEST)
        for row in fitted:
            if widest < len(row) and len(row[widest]) > limit:
                row[widest] = row[widest][: limit - 1] + "…"
    return fitted
