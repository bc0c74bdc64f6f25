"""Tables in docker's columns (Go's text/tabwriter with width 10 and padding 3).

For a terminal that is too narrow: first the long cells of the columns that may be cut are cut, the
longest first, then the gaps shrink, then the remaining cuttable cells. What is to be typed again
(ids, names) is never cut, so a very narrow terminal still wraps.
"""

from __future__ import annotations

from collections.abc import Sequence

NARROWEST = 10
PADDING = 3
SHORTEST = 4

Rows = Sequence[Sequence[str]]


def render(
    rows: Rows, room: int = 0, elastic: Sequence[int] = (), narrowest: int = NARROWEST
) -> list[str]:
    """Return the lines of a table; the last cell of a row is not padded.

    With `room` (the terminal's width), the `elastic` columns are cut so that it fits.
    """
    padding = PADDING
    if room:
        rows = _fit(rows, room, elastic, NARROWEST)
        if _width(_lines(rows, narrowest, padding)) > room:
            narrowest, padding = 0, 1
            rows = _fit(rows, room, elastic, SHORTEST, padding)
    return _lines(rows, narrowest, padding)


def _lines(rows: Rows, narrowest: int, padding: int) -> list[str]:
    columns = max((len(row) for row in rows), default=0)
    widths = [
        max(max((len(row[n]) + padding for row in rows if n < len(row) - 1), default=0), narrowest)
        for n in range(columns)
    ]
    lines = []
    for row in rows:
        padded = [cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)]
        lines.append("".join([*padded, *row[-1:]]))
    return lines


def _width(lines: Sequence[str]) -> int:
    return max(map(len, lines), default=0)


def _fit(
    rows: Rows, room: int, elastic: Sequence[int], shortest: int, padding: int = PADDING
) -> list[list[str]]:
    fitted = [list(row) for row in rows]
    narrowest = NARROWEST if padding == PADDING else 0
    while (excess := _width(_lines(fitted, narrowest, padding)) - room) > 0:
        sizes = {
            n: max((len(row[n]) for row in fitted if n < len(row)), default=0) for n in elastic
        }
        widest = max(sizes, key=lambda n: sizes[n], default=-1)
        if widest < 0 or sizes[widest] <= shortest:
            break
        limit = max(sizes[widest] - excess, shortest)
        for row in fitted:
            if widest < len(row) and len(row[widest]) > limit:
                row[widest] = row[widest][: limit - 1] + "…"
    return fitted
