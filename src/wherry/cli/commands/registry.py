"""`registry`: becomes the program of the registry, which the client does not import."""

from __future__ import annotations

import os
import sys

from wherry.cli.command import Command, Context
from wherry.cli.flags import Options

MODULE = "wherry.registry.server"
SUMMARY = """Serve a registry, or look after one

Commands:
  serve         Serve the registry: files or S3, SQLite or PostgreSQL
  account       Add, change, list and remove accounts
  robot         Make, list and remove accounts for programs
  collect       Collect garbage now
  check         Check that everything is there
  repositories  List the repositories

Run 'wherry registry COMMAND --help' for what a command can do, with examples."""


def registry(_context: Context, _options: Options, arguments: list[str]) -> int:
    """Replace this process by that of the registry; does not return."""
    sys.stdout.flush()
    # -P: a directory that somebody happens to be in is no place to import from.
    os.execv(sys.executable, [sys.executable, "-P", "-m", MODULE, *arguments])


REGISTRY = Command(
    "COMMAND [OPTIONS]",
    SUMMARY,
    registry,
    minimum=1,
    interspersed=False,
    examples="""
        serve --root ./images --listen 127.0.0.1:5000
        serve --config /etc/wherry/registry.toml
        account add ann --file ./htpasswd
    """,
)
