"""`repositories`: the names of all repositories, one a line."""

from __future__ import annotations

import argparse

from wherry.registry.server.commands.common import (
    add_settings,
    settings_of,
    with_stores,
    write,
    write_json,
)
from wherry.registry.server.commands.parser import Parser
from wherry.registry.server.stores import Stores

_PAGE = 1000
_EXAMPLES = """
  wherry registry repositories                    one name a line
  wherry registry repositories --format json      with tags, sizes and times
"""


def declare(parser: Parser) -> None:
    """Add its flags."""
    parser.explain("List what holds anything, in the order of names.", _EXAMPLES)
    parser.add_argument("--format", choices=("text", "json"), default="text", help="text or json")
    add_settings(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """List them."""

    async def names(stores: Stores) -> int:
        after = ""
        while found := await stores.catalog.repositories(after, _PAGE, lambda _: True):
            for name in found:
                write(name)
            after = found[-1]
        return 0

    async def details(stores: Stores) -> int:
        found = await stores.catalog.search("", 1 << 30, lambda _: True)
        write_json(
            [
                {"name": one.name, "tags": one.tags, "size": one.size, "updated": one.updated}
                for one in found
            ]
        )
        return 0

    return with_stores(settings_of(arguments), details if arguments.format == "json" else names)
