"""`search`: repositories of Docker Hub, or of the registry that the term begins with."""

from __future__ import annotations

from wherry.cli import credentials
from wherry.cli.command import Command, Context
from wherry.cli.flags import Options, declare
from wherry.cli.options.references import host_of
from wherry.cli.options.values import filters
from wherry.cli.output.listing import Columns, Row, print_list

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_DESCRIPTION = 45
FLAGS = declare("""
-f --filter filter  Filter output: stars=3, is-official=true
   --format string  Format output: 'table', 'table TEMPLATE', 'json', or a Go template
   --limit int  Max number of search results
   --no-trunc  Don't truncate output
""")
COLUMNS = {
    "Name": "NAME",
    "Description": "DESCRIPTION",
    "StarCount": "STARS",
    "IsOfficial": "OFFICIAL",
}


def search(context: Context, options: Options, arguments: list[str]) -> int:
    """Ask the engine, and print what it found."""
    wanted = filters(options)
    query: dict[str, Any] = {
        "term": arguments[0],
        "limit": options.number("limit") or None,
        "filters": wanted or None,
    }
    headers = credentials.header(host_of(arguments[0]))
    found = context.engine.get("/images/search", query, headers)
    template = options.text("format")
    plain = template == "json" or template.startswith("{{json")
    whole = options.flag("no-trunc")
    rows = [row(one, whole=whole, plain=plain) for one in found]
    columns = Columns(COLUMNS, list(COLUMNS), ("Description",))
    print_list(context, rows, columns, options)
    return 0


def row(result: dict[str, Any], *, whole: bool, plain: bool = False) -> Row:
    """Return what is shown of a repository; `plain`: for programs."""
    description = " ".join((result.get("description") or "").splitlines())
    if not whole and len(description) > _DESCRIPTION:
        description = description[: _DESCRIPTION - 1] + "…"
    official = bool(result.get("is_official"))
    shown = str(official).lower() if plain else "[OK]" if official else ""
    return {
        "Description": description,
        "IsOfficial": shown,
        "Name": result.get("name") or "",
        "StarCount": str(result.get("star_count") or 0),
    }


SEARCH = Command(
    "[OPTIONS] TERM",
    "Search a registry for images",
    search,
    flags=FLAGS,
    minimum=1,
    maximum=1,
    examples="""
    debian                                 on Docker Hub
    localhost:5000/team                    in a registry of your own
    --filter is-official=true --limit 5 debian
    """,
)
