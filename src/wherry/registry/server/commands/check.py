"""`check`: compares database and storage, beside a registry that serves, or without one."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict

from wherry.registry.server.cache.routes import Routes
from wherry.registry.server.catalog.catalog import Catalog
from wherry.registry.server.collect.check import Checker
from wherry.registry.server.collect.findings import CheckReport
from wherry.registry.server.commands.common import (
    add_settings,
    settings_of,
    with_stores,
    write,
    write_json,
)
from wherry.registry.server.commands.parser import Parser
from wherry.registry.server.commands.progress import Progress
from wherry.registry.server.stores import Stores

_PAGE = 1000
_EXAMPLES = """
  wherry registry check               is everything there that the database names?
  wherry registry check --read        read every blob, too, and compare its digest
  wherry registry check --repair      delete objects that belong to nothing
"""


def declare(parser: Parser) -> None:
    """Add its flags."""
    parser.explain(
        (
            "Compare what the database says with what the storage has. The status is 1 when\n"
            "something that was pushed cannot be pulled."
        ),
        _EXAMPLES,
    )
    add = parser.add_argument
    add("--read", action="store_true", help="read every blob and compare its digest")
    add("--repair", action="store_true", help="delete objects that belong to nothing")
    add("--format", choices=("text", "json"), default="text", help="text or json")
    add_settings(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Check, and say what was found."""
    settings = settings_of(arguments)
    cached = Routes(settings.caches)

    async def work(stores: Stores) -> int:
        progress = Progress(await _total(stores.catalog), "blobs and objects", sys.stderr)
        checker = Checker(
            stores.catalog, stores.driver, partial=lambda name: cached.find(name) is not None
        )
        counts: dict[str, int] = {}

        def told(what: str, count: int) -> None:
            if what != "manifests":  # nobody knows beforehand how many there are
                counts[what] = count
                progress.show(sum(counts.values()))

        try:
            report = await checker.run(read=arguments.read, repair=arguments.repair, progress=told)
        finally:
            progress.clear()
        if arguments.format == "json":
            write_json(as_dict(report))
        else:
            write(report.words())
        return 0 if report.sound else 1

    return with_stores(settings, work)


async def _total(catalog: Catalog) -> int:
    """Return about how many steps a check has: a look at each blob, and one at its object."""
    count, after = 0, ""
    while rows := await catalog.blobs(after, _PAGE):
        count += len(rows)
        after = rows[-1].digest
    return 2 * count


def as_dict(report: CheckReport) -> dict[str, object]:
    """Return a report for programs."""
    return {"sound": report.sound, **asdict(report)}
