"""What commands share: flags that name the settings, stores that are opened, what is printed."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

from wherry.registry.server.configuration.load import DEFAULT_FILE, Flags, from_flags
from wherry.registry.server.settings import DEFAULT_ROOT, Settings
from wherry.registry.server.stores import Stores, open_stores


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Add the flags that say where the settings and the data are."""
    add = parser.add_argument
    add("--config", metavar="FILE", help=f"settings in TOML ({DEFAULT_FILE} if it is there)")
    add("--root", metavar="DIR", help=f"where files are kept ({DEFAULT_ROOT})")
    add("--database", metavar="URL", help="PostgreSQL, as postgresql://user@host/name (SQLite)")


def flags_of(arguments: argparse.Namespace) -> Flags:
    """Return what the command line says of settings."""
    return Flags(**{name: getattr(arguments, name, None) for name in Flags.__slots__})


def settings_of(arguments: argparse.Namespace) -> Settings:
    """Return the settings; raises ConfigurationError."""
    return from_flags(flags_of(arguments))


def with_stores(settings: Settings, work: Callable[[Stores], Awaitable[int]]) -> int:
    """Open database and storage, do something with them, close them; returns the exit status."""

    async def run() -> int:
        async with AsyncExitStack() as stack:
            return await work(await open_stores(settings, stack))

    return asyncio.run(run())


def write(line: str) -> None:
    """Print a line of the answer."""
    sys.stdout.write(f"{line}\n")


def write_json(value: object) -> None:
    """Print a value for programs."""
    write(json.dumps(value, indent=2))


def tell(line: str) -> None:
    """Print a line for people, beside the answer."""
    sys.stderr.write(f"{line}\n")
