"""Lists: docker's default table, `table TEMPLATE`, `TEMPLATE`, `json`, or only the first field."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence

from wherry.cli.output import table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

Row = Mapping[str, "str | Callable[[str], str] | None"]


class Columns:
    """A list's default columns: (field, heading), and which of them may be cut on a terminal."""

    __slots__ = ("elastic", "headings", "shown")

    def __init__(
        self, headings: Mapping[str, str], shown: Sequence[str], elastic: Sequence[str] = ()
    ) -> None:
        self.headings = headings
        self.shown = shown
        self.elastic = elastic


def lines(rows: Iterable[Row], columns: Columns, template: str = "", room: int = 0) -> list[str]:
    """Return the lines to print for `--format template`; "" and `table` mean the default table."""
    if template in ("", "table"):
        cells = [[columns.headings[name] for name in columns.shown]]
        cells += [[str(row[name]) for name in columns.shown] for row in rows]
        elastic = [columns.shown.index(name) for name in columns.elastic if name in columns.shown]
        return table.render(cells, room, elastic)
    return _templated(list(rows), columns, template, room)


def _templated(rows: list[Row], columns: Columns, template: str, room: int) -> list[str]:
    from wherry.cli.output.functions import to_json  # noqa: PLC0415 - only with --format
    from wherry.cli.output.template import Template  # noqa: PLC0415 - only with --format

    if template == "json":
        return [to_json(dict(sorted(row.items()))) for row in rows]
    as_table = template.startswith("table ")
    body = template.removeprefix("table ") if as_table else template
    parsed = Template(body.replace("\\t", "\t").replace("\\n", "\n"))
    texts = [parsed.render(dict(row)) for row in rows]
    if not as_table:
        return texts
    heading: dict[str, Any] = dict(columns.headings)
    heading["Label"] = lambda name: name.rpartition(".")[2]
    return table.render([text.split("\t") for text in [parsed.render(heading), *texts]], room)


def terminal_room() -> int:
    """Return the width that tables must keep to; 0 where nobody looks."""
    if not sys.stdout.isatty():
        return 0
    import os  # noqa: PLC0415 - already loaded by the interpreter

    try:
        return os.get_terminal_size(1).columns
    except OSError:
        return 0
