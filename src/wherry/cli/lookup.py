"""From the words of a command line to the command that they ask for. Loads no command.

A path is the words that name a command, joined by spaces: `ps`, `container ls`.
"""

from __future__ import annotations

import os

from wherry.cli import program
from wherry.cli.errors import CommandError
from wherry.cli.table_of_commands import ALIASES, GROUP_ALIASES, GROUPS, LATER, SECTIONS, entries

HELP = ("--help", "-h", "help")
Found = tuple[str, list[str], str]


def find(words: list[str]) -> Found:
    """Return the path as typed, the words behind it, and where the command is.

    The last is empty where help of a group, or of the program, is asked for. Raises CommandError
    for what is no command.
    """
    name, *rest = words
    if name == "build" and rest[:1] == ["prune"] and not os.path.isdir("prune"):
        name = "builder"  # nobody can mean a directory that is not there
    name = GROUP_ALIASES.get(name, name)
    if name == "help":
        return " ".join(rest), [], ""
    if name not in GROUPS:
        return _find_in(top_level(), [name, *rest], "")
    asking = rest[:1] and rest[0] in HELP
    rest = rest[1:] if asking else rest
    if not rest:
        return name, [], ""
    path, behind, where = _find_in(entries(GROUPS[name][1]), rest, f"{name} ")
    return path, ["--help"] if asking else behind, where


def is_known(name: str) -> bool:
    """Whether a first word is one of ours."""
    return name in GROUPS or name in GROUP_ALIASES or name in top_level() or name == "help"


def top_level() -> dict[str, tuple[str, str]]:
    """Return the commands that need no group: name to (where, summary)."""
    return entries("".join(SECTIONS.values()))


def paths() -> dict[str, tuple[str, str]]:
    """Return every command: path to (where, summary)."""
    found = dict(top_level())
    for group, (_, table) in GROUPS.items():
        found |= {f"{group} {name}": entry for name, entry in entries(table).items()}
    return found


def _find_in(table: dict[str, tuple[str, str]], words: list[str], prefix: str) -> Found:
    name, *rest = words
    entry = table.get(name) or (table.get(ALIASES.get(name, "")) if prefix else None)
    if entry is None:
        raise CommandError(_unknown(name, prefix))
    return f"{prefix}{name}", rest, entry[0]


def _unknown(name: str, prefix: str) -> str:
    from wherry.cli.suggest import meant  # noqa: PLC0415 - only for a mistyped command

    own = program.name()
    if name in LATER:
        return f"{own}: the engine cannot do what 'docker {prefix}{name}' does yet"
    found = [f"'{own} {path}'" for path in meant(name, prefix.strip(), paths(), list(GROUPS))]
    usage = f"Usage:  {own} {prefix}COMMAND\n\n" if prefix else ""
    hint = f"Did you mean {_joined(found)}?\n\n" if found else "\n"
    return (
        f"{own}: unknown command: {own} {prefix}{name}\n{hint}{usage}"
        f"Run '{own} {prefix}--help' for more information"
    )


def _joined(words: list[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last
