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
_ABOUT: Final = f"wherry-runtime version {__version__}\nspec: {SPECIFICATION}"


def parse(words: Sequence[str]) -> argparse.Namespace:
    """Parse the words; like argparse, ends the program for --help, --version and bad usage."""
    parser = argparse.ArgumentParser(
        prog="wherry-runtime",
        description="Run containers as the OCI runtime specification says.",
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", "-v", action="version", version=_ABOUT)
    parser.add_argument("--root", default=DEFAULT_ROOT, help="where the state of containers is")
    parser.add_argument("--log", default="", help="a file that errors are appended to")
    parser.add_argument("--log-format", choices=("text", "json"), default="text")
    parser.add_argument("--debug", action="store_true", help="tell more in the log")
    parser.add_argument("--systemd-cgroup", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--rootless", default="", help=argparse.SUPPRESS)
    parser.add_argument("--criu", default="", help=argparse.SUPPRESS)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="COMMAND")
    _add_verbs(verbs)
    return parser.parse_args(words)


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
    verbs.choices["run"].add_argument("--detach", "-d", action="store_true")
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
    parser.add_argument("--bundle", "-b", default=".", help="the directory with config.json")
    parser.add_argument("--no-pivot", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--no-new-keyring", action="store_true", help=argparse.SUPPRESS)
    _add_process(parser)


def _add_exec(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--process", "-p", default="", help="a file with an OCI process as JSON")
    parser.add_argument("--detach", "-d", action="store_true")
    parser.add_argument("--tty", "-t", action="store_true", help="give it a terminal")
    _add_process(parser)
    parser.add_argument("command", nargs=argparse.REMAINDER, help="what to run, if no --process")


def _add_process(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--pid-file", default="", help="a file to write the process's pid to")
    parser.add_argument("--console-socket", default="", help="a socket that gets the terminal")
    parser.add_argument("--preserve-fds", type=int, default=0, metavar="N", help="from 3 on")


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
