"""The command line, as runc takes it: global flags, a verb, its flags, the container's id."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from importlib import import_module
from typing import Final

from wherry import __version__
from wherry.base.errors import UnsupportedError
from wherry.runtime.command import sealing
from wherry.runtime.version import SPECIFICATION

DEFAULT_ROOT: Final = "/run/wherry-runtime"
_EXAMPLES: Final = """\
examples:
  wherry-runtime run --bundle ./bundle job       run it and wait for its end
  wherry-runtime create --bundle ./bundle job    prepare it; `start job` lets it run
  wherry-runtime exec job sh -c 'ps; id'         another process in it
  wherry-runtime delete --force job              kill it and delete what is left

Run `wherry-runtime COMMAND -h` for the flags of a command.
"""
_ABOUT: Final = f"wherry-runtime version {__version__}\nspec: {SPECIFICATION}"


def parse(words: Sequence[str]) -> argparse.Namespace:
    """Parse the words; like argparse, ends the program for --help, --version and bad usage."""
    return parser().parse_args(words)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = argparse.ArgumentParser(
        prog="wherry-runtime",
        description="Run containers as the OCI runtime specification says.",
        epilog=_EXAMPLES,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = made.add_argument
    add("--version", "-v", action="version", version=_ABOUT, help="print the version and quit")
    add(
        "--root", default=DEFAULT_ROOT, metavar="DIR",
        help=f"where the state of containers is ({DEFAULT_ROOT})",
    )  # fmt: skip
    add("--log", default="", metavar="FILE", help="a file that errors are appended to")
    add("--log-format", choices=("text", "json"), default="text", help="how they are written")
    add("--debug", action="store_true", help="tell more in the log")
    add("--systemd-cgroup", action="store_true", help=argparse.SUPPRESS)
    add("--rootless", default="", help=argparse.SUPPRESS)
    add("--criu", default="", help=argparse.SUPPRESS)
    verbs = made.add_subparsers(dest="verb", required=True, metavar="COMMAND")
    _add_verbs(verbs)
    return made


def _add_verbs(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    def add(name: str, about: str, *, identified: bool = True) -> argparse.ArgumentParser:
        parser = verbs.add_parser(name, help=about, description=about, allow_abbrev=False)
        if identified:
            parser.add_argument("id", help="the container's name")
        return parser

    for name, about in (
        ("create", "Prepare a container, which waits to be started"),
        ("run", "Create and start a container, and wait for its end"),
    ):
        _add_creation(add(name, about))
    verbs.choices["run"].add_argument(
        "--detach", "-d", action="store_true", help="do not wait for its end"
    )
    verbs.choices["run"].add_argument("--keep", action="store_true", help="do not delete it")
    add("start", "Run the program of a created container")
    add("state", "Print the state of a container as JSON")
    kill = add("kill", "Send a signal to a container")
    kill.add_argument("signal", nargs="?", default="SIGTERM", help="a name or number")
    kill.add_argument("--all", "-a", action="store_true", help="to all its processes")
    delete = add("delete", "Delete what is left of a container")
    delete.add_argument("--force", "-f", action="store_true", help="kill it where it runs")
    add("pause", "Stop all processes of a container")
    add("resume", "Let all processes of a container go on")
    _add_exec(add("exec", "Run another process in a container"))
    add("features", "Print what this runtime can do as JSON", identified=False)


def _add_creation(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--bundle", "-b", default=".", metavar="DIR", help="the directory with config.json (.)"
    )
    parser.add_argument("--no-pivot", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--no-new-keyring", action="store_true", help=argparse.SUPPRESS)
    _add_process(parser)


def _add_exec(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--process", "-p", default="", metavar="FILE", help="a file with an OCI process as JSON"
    )
    parser.add_argument("--detach", "-d", action="store_true", help="do not wait for its end")
    parser.add_argument("--tty", "-t", action="store_true", help="give it a terminal")
    _add_process(parser)
    parser.add_argument("command", nargs=argparse.REMAINDER, help="what to run, if no --process")


def _add_process(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--pid-file", default="", metavar="FILE", help="a file to write the process's pid to")
    add("--console-socket", default="", metavar="PATH", help="a socket that gets the terminal")
    add(
        "--preserve-fds", type=int, default=0, metavar="N",
        help="how many more descriptors it gets, from 3 on",
    )  # fmt: skip


def verb(parsed: argparse.Namespace, words: Sequence[str]) -> int:
    """Run the verb and return the exit status; raises what `reporting` tells."""
    if parsed.systemd_cgroup:
        raise UnsupportedError("--systemd-cgroup is not supported: use the cgroupfs manager")
    if getattr(parsed, "no_pivot", False):
        raise UnsupportedError("--no-pivot is not supported: a container's root is always its own")
    if parsed.verb in sealing.STARTING:
        sealing.run_from_sealed_copy(words)
    module = import_module(f"wherry.runtime.command.{_module(parsed.verb)}")
    status: int = getattr(module, "main")(parsed)  # noqa: B009 - all verbs have it
    return status


def _module(name: str) -> str:
    return {"exec": "execute", "pause": "freeze", "resume": "freeze"}.get(name, name)
