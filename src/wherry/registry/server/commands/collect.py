"""`collect`: one run of garbage collection, beside a registry that serves, or without one."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from datetime import UTC, datetime

from wherry.registry.server.collect.collector import Collector
from wherry.registry.server.collect.report import Drop
from wherry.registry.server.commands.common import (
    add_settings,
    settings_of,
    with_stores,
    write,
    write_json,
)
from wherry.registry.server.commands.parser import Parser
from wherry.registry.server.stores import Stores

_EXAMPLES = """
  wherry registry collect               free what nobody needs, while the registry serves
  wherry registry collect --dry-run     name the tags that the rules of retention would drop
"""


def declare(parser: Parser) -> None:
    """Add its flags."""
    parser.explain(
        (
            "Drop tags as the rules of retention say, then delete what nothing names any more.\n"
            "Clients may push and pull meanwhile."
        ),
        _EXAMPLES,
    )
    add = parser.add_argument
    add("--dry-run", action="store_true", help="change nothing; name the tags that would go")
    add("--format", choices=("text", "json"), default="text", help="text or json")
    add_settings(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Collect, or say which tags would go."""
    settings = settings_of(arguments)

    async def work(stores: Stores) -> int:
        collector = Collector(
            stores.catalog, stores.driver, settings.collection, rules=settings.access.rules
        )
        if arguments.dry_run:
            _write_plan(await collector.plan(), arguments.format)
            return 0
        report = await collector.run()
        if arguments.format == "json":
            write_json(report.as_dict())
        else:
            write(report.words())
        return 0

    return with_stores(settings, work)


def _write_plan(drops: list[Drop], form: str) -> None:
    if form == "json":
        write_json([asdict(drop) for drop in drops])
        return
    for drop in drops:
        pushed = datetime.fromtimestamp(drop.pushed, UTC).strftime("%Y-%m-%d %H:%M")
        write(f"{drop.repository}:{drop.tag}  {drop.digest}  pushed {pushed}")
    write(f"{len(drops)} tag{'' if len(drops) == 1 else 's'} would be dropped")
