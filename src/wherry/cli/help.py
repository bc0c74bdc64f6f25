"""The text of `--help`: grouped, short, with examples. Imported only when somebody asks."""

from __future__ import annotations

import shutil

from wherry.cli.command import Command
from wherry.cli.flags import Flag
from wherry.cli.table_of_commands import COMMON, GROUPS, OTHER, entries

GLOBAL = """Global Options:
  -H, --host string   Engine to talk to (default: $WHERRY_HOST, $DOCKER_HOST,
                      then unix:///run/wherry/wherry.sock)
  -D, --debug         Show where in the program an error comes from
  -v, --version       Print version information and quit"""

EXAMPLES = """Examples:
  wherry run --rm -it debian bash              a shell in a new container
  wherry run -d --name web -p 8080:80 httpd    a server on http://localhost:8080
  wherry image pack tools /usr/bin/python3     an image from programs of this machine

Run 'wherry COMMAND --help' for more information on a command."""


def overview() -> str:
    """Return the help of the program itself."""
    groups = "\n".join(f"  {name:<11} {summary}" for name, (summary, _) in GROUPS.items())
    parts = [
        "Usage:  wherry [OPTIONS] COMMAND",
        "A container engine that starts containers in milliseconds",
        f"Common Commands:\n{_list(COMMON)}",
        f"Management Commands:\n{groups}",
        f"Commands:\n{_list(OTHER)}",
        GLOBAL,
        EXAMPLES,
    ]
    return "\n\n".join(parts)


def of_group(name: str) -> str:
    """Return the help of a group such as `image`."""
    summary, table = GROUPS[name]
    return (
        f"Usage:  wherry {name} COMMAND\n\n{summary}\n\nCommands:\n{_list(table)}\n\n"
        f"Run 'wherry {name} COMMAND --help' for more information on a command."
    )


def of_command(path: str, command: Command) -> str:
    """Return the help of one command."""
    parts = [f"Usage:  wherry {path} {command.usage}".rstrip(), command.summary]
    if command.examples:
        lines = [f"  wherry {path} {line.strip()}" for line in command.examples.strip().split("\n")]
        parts.append("Examples:\n" + "\n".join(lines))
    if command.flags:
        parts.append("Options:\n" + _flags(command))
    return "\n\n".join(parts)


def _list(table: str) -> str:
    return "\n".join(f"  {name:<11} {text}" for name, (_, text) in entries(table).items())


def _flags(command: Command) -> str:
    heads = [_head(flag) for flag in command.flags]
    indent = max(map(len, heads)) + 3
    room = max(shutil.get_terminal_size().columns - indent, 30)
    lines = []
    for head, flag in zip(heads, command.flags, strict=True):
        first, *rest = _wrap(flag.help, room) or [""]
        lines.append(f"{head:<{indent}}{first}".rstrip())
        lines += [" " * indent + line for line in rest]
    return "\n".join(lines)


def _head(flag: Flag) -> str:
    start = f"  -{flag.short}, " if flag.short else "      "
    return f"{start}--{flag.name}" + ("" if flag.kind == "bool" else f" {flag.kind}")


def _wrap(text: str, room: int) -> list[str]:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > room:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines
