"""`python -m wherry.service`: for those who build packages, and for the SysV script."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from wherry.base.errors import WherryError
from wherry.service.files import Prefix, docker_files, files
from wherry.service.place import place
from wherry.service.start import start

_PREFIX = "/opt/wherry"
_START_SECONDS = 120.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program; ends with status 1 and a sentence where something went wrong."""
    given = _parser().parse_args(arguments)
    try:
        given.run(given)
    except (WherryError, OSError) as error:
        sys.exit(f"wherry: {error}")


def _parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m wherry.service", description=__doc__)
    commands = made.add_subparsers(required=True, metavar="COMMAND")
    writer = commands.add_parser("files", help="write what a package installs beside the programs")
    writer.add_argument("--into", metavar="DIR", required=True, help="the root to write below")
    writer.add_argument("--prefix", metavar="DIR", default=_PREFIX, help=f"({_PREFIX})")
    writer.add_argument("--docker", action="store_true", help="only what makes it `docker`")
    writer.set_defaults(run=_files)
    starter = commands.add_parser("start", help="start the engine; returns when its API answers")
    starter.add_argument("--log", metavar="FILE", required=True, help="where its output goes")
    starter.add_argument("--timeout", metavar="SECONDS", type=float, default=_START_SECONDS)
    starter.add_argument("words", nargs="+", metavar="WORD", help="wherryd and its flags")
    starter.set_defaults(run=_start)
    return made


def _files(given: argparse.Namespace) -> None:
    prefix = Prefix(f"{given.prefix.rstrip('/')}/bin")
    wanted = docker_files(prefix) if given.docker else files(prefix)
    place(given.into, wanted, replace=True)


def _start(given: argparse.Namespace) -> None:
    start(given.words, given.log, given.timeout)


if __name__ == "__main__":
    main()
