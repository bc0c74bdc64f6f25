"""The program: flags, whose engine is looked at, the answer, and the exit status."""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from wherry.doctor import report
from wherry.doctor.check import Check
from wherry.doctor.finding import Level
from wherry.doctor.machine import Machine, flags_of
from wherry.doctor.run import Result, examine
from wherry.doctor.settings import settings_for

_DESCRIPTION: Final = """\
Looks at this machine and at the engine on it, and says what is wrong, what that causes, and which
commands mend it. Nothing is changed. Without flags it is the engine that runs, else the one that
/etc/wherry/daemon.json describes.

exit status: 0 when there is no problem (notes and warnings may be), 1 otherwise, 2 for wrong flags
"""
_EXAMPLES: Final = """\
examples:
  wherry doctor                                     everything
  sudo wherry doctor --quiet                        only what is wrong, also what only root can see
  wherry doctor overlay disk-space                  two checks
  wherry doctor --format json                       for programs
  wherry doctor --data-root /srv/w --exec-root /run/w -H unix:///run/w.sock
                                                    an engine on other roots
"""
# Flags of wherryd that say which engine is meant.
_ENGINE_FLAGS: Final = ("config-file", "data-root", "exec-root", "pidfile", "host")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program and end the process."""
    try:
        status = run(sys.argv[1:] if arguments is None else arguments, os.environ)
        sys.stdout.flush()
    except KeyboardInterrupt:
        status = 130
    except BrokenPipeError:
        # Nobody reads on; the interpreter is not to try once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        status = 141
    sys.exit(status)


def run(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Look, print, and return the exit status."""
    from wherry.doctor.table import CHECKS  # noqa: PLC0415 - not for --help

    chosen = _parser().parse_args(arguments)
    if chosen.list:
        sys.stdout.write(report.listing(CHECKS) + "\n")
        return 0
    checks = _named(CHECKS, chosen.checks)
    machine = _machine(_flags(chosen), environment)
    lines = report.Lines(_colours(environment), chosen.quiet)
    results: list[Result] = []
    for result in examine(checks, machine):
        results.append(result)
        if chosen.format == "text":
            sys.stdout.writelines(f"{line}\n" for line in lines.of(result))
            sys.stdout.flush()
    if chosen.format == "json":
        sys.stdout.write(report.as_json(results, quiet=chosen.quiet) + "\n")
    elif not chosen.quiet:
        sys.stdout.write(f"\n{report.summary(results)}\n")
    return int(any(report.worst(result) == Level.PROBLEM for result in results))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="wherry doctor",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("checks", nargs="*", metavar="CHECK", help="only these checks")
    add("--format", choices=("text", "json"), default="text", help="how to answer")
    add("-q", "--quiet", action="store_true", help="only warnings and problems")
    add("--list", action="store_true", help="list all checks, in Markdown, and do nothing")
    add("--config-file", metavar="FILE", help="the engine's configuration file")
    add("--data-root", metavar="DIRECTORY", help="the engine's data root")
    add("--exec-root", metavar="DIRECTORY", help="the engine's exec root")
    add("--pidfile", metavar="FILE", help="the engine's pidfile")
    add("-H", "--host", metavar="ADDRESS", help="where the engine listens")
    return parser


def _named(checks: Sequence[Check], names: Sequence[str]) -> list[Check]:
    known = {check.name for check in checks}
    for name in names:
        if name not in known:
            sys.stderr.write(f"wherry doctor: there is no check {name}; --list shows all\n")
            sys.exit(2)
    return [check for check in checks if not names or check.name in names]


def _flags(chosen: argparse.Namespace) -> list[str]:
    """Return the flags of wherryd among those that were given."""
    given = [(name, getattr(chosen, name.replace("-", "_"))) for name in _ENGINE_FLAGS]
    return [word for name, value in given if value for word in (f"--{name}", value)]


def _machine(flags: list[str], environment: Mapping[str, str]) -> Machine:
    """Return this machine, with the settings of the engine that runs if one does."""
    uid, now = os.geteuid(), time.time()
    machine = Machine(settings_for(flags), environment, uid, now)
    engine = machine.engine()
    if engine is not None:
        told = flags_of(engine) or []
    else:
        told = [] if flags else flags_of_service(machine)
    # What was said here, such as an address, stands before what the engine was told.
    own = {flags[at] for at in range(0, len(flags), 2)}
    settings = settings_for([*without(told, own), *flags])
    return Machine(replace(settings, named=bool(flags)), environment, uid, now)


def flags_of_service(machine: Machine) -> list[str]:
    """Return the flags that the service gives the engine."""
    found: list[str] = []
    for path in ("/etc/default/wherry", "/etc/sysconfig/wherry"):
        for line in machine.text_or(path).splitlines():
            name, equals, value = line.strip().partition("=")
            if equals and name == "WHERRYD_OPTIONS":
                with contextlib.suppress(ValueError):  # quotes that do not end
                    found = [word for part in shlex.split(value) for word in shlex.split(part)]
    return found


def without(flags: Sequence[str], names: set[str]) -> list[str]:
    """Return flags of a wherryd without those of these names."""
    same = names | ({"-H"} if "--host" in names else set())
    left, skip = [], False
    for word in flags:
        if skip:
            skip = False
        elif word in same:
            skip = True
        elif word.partition("=")[0] not in same:
            left.append(word)
    return left


def _colours(environment: Mapping[str, str]) -> bool:
    """Whether colours may be used (https://no-color.org)."""
    plain = environment.get("NO_COLOR") or environment.get("TERM") == "dumb"
    return not plain and sys.stdout.isatty()
