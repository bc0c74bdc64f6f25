"""Lists: docker's default table, `table TEMPLATE`, `TEMPLATE`, `json`, or only the first field."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from wherry.cli.command import Context, bold, colours
from wherry.cli.flags import Options
from wherry.cli.output import table, width

Row = Mapping[str, "str | Callable[[str], str] | None"]


class Columns:
    """A list's headings, which columns are shown, and which of those may be cut on a terminal."""

    __slots__ = ("elastic", "headings", "identity", "shown")

    def __init__(
        self,
        headings: Mapping[str, str],
        shown: Sequence[str],
        elastic: Sequence[str] = (),
        identity: str = "ID",
    ) -> None:
        self.headings = headings
        self.shown = shown
        self.elastic = elastic
        self.identity = identity


def print_list(context: Context, rows: Sequence[Row], columns: Columns, options: Options) -> None:
    """Print a list as `--format`, `--quiet` and `--no-trunc` ask for."""
    template = options.text("format")
    default = template in ("", "table")
    if default and options.flag("quiet"):
        for row in rows:
            context.write(str(row[columns.identity]))
        return
    room = 0 if options.flag("no-trunc") else width.room()
    found = lines(rows, columns, template, room)
    if found and (default or template.startswith("table")) and colours():
        found[0] = bold(found[0])
    for line in found:
        context.write(line)


def lines(rows: Sequence[Row], columns: Columns, template: str = "", room: int = 0) -> list[str]:
    """Return the lines to print for `--format template`; "" and `table` mean the default table."""
    if template in ("", "table"):
        cells = [[columns.headings[name] for name in columns.shown]]
        cells += [[str(row[name]) for name in columns.shown] for row in rows]
        elastic = [columns.shown.index(name) for name in columns.elastic if name in columns.shown]
        return table.render(cells, room, elastic)
    return _templated(rows, columns, template, room)


def _templated(rows: Sequence[Row], columns: Columns, template: str, room: int) -> list[str]:
    from wherry.cli.output.functions import Record, to_json  # noqa: PLC0415 - only with --format
    from wherry.cli.output.lexer import TemplateError  # noqa: PLC0415 - as above
    from wherry.cli.output.template import Template  # noqa: PLC0415 - as above

    records = [Record(sorted(row.items())) for row in rows]
    if template == "json":
        return [to_json(record) for record in records]
    as_table = template.startswith("table")
    body = template.removeprefix("table").lstrip() if as_table else template
    try:
        parsed = Template(body.replace("\\t", "\t").replace("\\n", "\n"))
        texts = [parsed.render(record) for record in records]
    except TemplateError as error:
        what = "parse" if error.parsing else "execute"
        error.args = (f"failed to {what} template: {error.reason}",)
        raise
    if not as_table:
        return texts
    heading = Record(columns.headings, Label=lambda name: name.rpartition(".")[2])
    return table.render([text.split("\t") for text in [parsed.render(heading), *texts]], room)
