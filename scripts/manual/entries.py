"""What there is to explain: the commands of `wherry`, and programs with a parser of argparse.

All are turned into `Entry` values, so that pages are written in one way.
"""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Iterator
from dataclasses import dataclass

from wherry.cli.command import Command
from wherry.cli.flags import Flag
from wherry.cli.help import aliases
from wherry.cli.lookup import paths
from wherry.cli.table_of_commands import GROUPS

PROGRAM = "wherry"


@dataclass(frozen=True, slots=True)
class Option:
    """A flag: how it is written, what it takes (empty for a switch), and what it does."""

    names: tuple[str, ...]
    value: str
    help: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A command: its name is the words behind the program's, `names` are all its names."""

    program: str
    name: str
    names: tuple[str, ...]
    usage: str
    summary: str
    details: str
    options: tuple[Option, ...]
    examples: tuple[tuple[str, str], ...]

    @property
    def title(self) -> str:
        """The words that run it."""
        return f"{self.program} {self.name}".strip()


def load(place: str) -> Command:
    """Return the command at a place of the table."""
    module, _, attribute = place.partition(":")
    command = getattr(importlib.import_module(f"wherry.cli.commands.{module}"), attribute)
    assert isinstance(command, Command)
    return command


def commands() -> list[Entry]:
    """Return every command of `wherry` once, under its shortest name."""
    found: dict[str, Entry] = {}
    for path, (place, _) in paths().items():
        if place not in found:
            names = sorted(aliases(path), key=lambda name: (" " in name, name))
            found[place] = _of_command(names, load(place))
    return sorted(found.values(), key=lambda entry: entry.name)


def groups() -> dict[str, tuple[str, list[Entry]]]:
    """Return the groups: what each is for, and its commands under their shortest names."""
    known = {name: entry for entry in commands() for name in entry.names}
    return {
        group: (
            summary,
            [entry for name, entry in sorted(known.items()) if name.startswith(f"{group} ")],
        )
        for group, (summary, _) in GROUPS.items()
    }


def option(flag: Flag) -> Option:
    """Return a flag of `wherry`."""
    names = (f"-{flag.short}", f"--{flag.name}") if flag.short else (f"--{flag.name}",)
    return Option(names, "" if flag.kind == "bool" else flag.kind, flag.help)


def _of_command(names: list[str], command: Command) -> Entry:
    summary, _, details = command.summary.partition("\n")
    lines = [line.strip() for line in command.examples.strip().split("\n") if line.strip()]
    examples = tuple(_example(f"{PROGRAM} {names[0]} {line}") for line in lines)
    flags = sorted(command.flags, key=lambda flag: flag.name)
    options = tuple(map(option, flags))
    usage = f"{PROGRAM} {names[0]} {command.usage}".strip()
    return Entry(
        PROGRAM, names[0], tuple(names), usage, summary, details.strip(), options, examples
    )


def _example(line: str) -> tuple[str, str]:
    """Separate a command line from the words about it, which stand behind two spaces or more."""
    head, _, rest = line.partition("   ")
    if not rest:
        head, _, rest = line.rpartition("  ") if "  " in line else (line, "", "")
    return head.strip(), rest.strip()


def of_parser(parser: argparse.ArgumentParser) -> Iterator[Entry]:
    """Yield what a parser of argparse and those below it understand."""
    below = _subparsers(parser)
    program, _, name = parser.prog.partition(" ")
    yield Entry(
        program, name, (name,), _usage(parser), _first(parser.description),
        _behind(parser.description), tuple(_options(parser)), _epilog(parser.epilog),
    )  # fmt: skip
    for sub in below:
        yield from of_parser(sub)


def _subparsers(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    return [
        sub
        for action in parser._actions
        if isinstance(action, argparse._SubParsersAction)
        for sub in action.choices.values()
    ]


def _usage(parser: argparse.ArgumentParser) -> str:
    arguments = [
        str(action.metavar or action.dest).upper()
        for action in parser._actions
        if not action.option_strings and action.help != argparse.SUPPRESS
    ]
    return " ".join([parser.prog, "[OPTIONS]", *arguments])


def _options(parser: argparse.ArgumentParser) -> Iterator[Option]:
    for action in parser._actions:
        if action.option_strings and action.help != argparse.SUPPRESS:
            names = tuple(sorted(action.option_strings, key=len))
            yield Option(names, _value(action), " ".join((action.help or "").split()))


def _value(action: argparse.Action) -> str:
    if action.nargs == 0:
        return ""
    if action.metavar:
        return str(action.metavar)
    return "|".join(map(str, action.choices)) if action.choices else action.dest.upper()


def _first(text: str | None) -> str:
    return " ".join((text or "").strip().split("\n\n")[0].split())


def _behind(text: str | None) -> str:
    return (text or "").strip().partition("\n\n")[2]


def _epilog(text: str | None) -> tuple[tuple[str, str], ...]:
    """Return the command lines of an epilog; what is indented no further is words about them."""
    lines = [line for line in (text or "").split("\n") if line.startswith("  ")]
    return tuple(_example(line.strip()) for line in lines)
