"""The text of `--help`: grouped, short, with examples. Imported only when somebody asks."""

from __future__ import annotations

import os
from collections.abc import Iterable

from wherry.cli import plugins, program
from wherry.cli.command import Command, bold, colours
from wherry.cli.flags import Flag
from wherry.cli.lookup import paths
from wherry.cli.output import width
from wherry.cli.table_of_commands import GROUPS, SECTIONS, entries

WIDEST = 100
GLOBAL = """Global Options:
      --config DIR       Credentials and contexts ($DOCKER_CONFIG, ~/.docker)
  -c, --context NAME     Context whose engine to talk to (wherry context ls)
  -D, --debug            Show where in the program an error comes from
  -H, --host ADDRESS     Engine to talk to ($WHERRY_HOST, $DOCKER_HOST,
                         unix:///run/wherry/wherry.sock)
  -l, --log-level LEVEL  Accepted for compatibility; without effect
  -v, --version          Print version information and quit
      --tls, --tlsverify, --tlscacert FILE, --tlscert FILE, --tlskey FILE
                         TLS to an engine on TCP (wherry tls init)"""

EXAMPLES = """Examples:
  wherry run --rm -it debian bash             a shell in a new container
  wherry run -d --name web -p 8080:80 httpd   a server on localhost:8080
  wherry image pack tools /usr/bin/python3    an image of programs of this host
  wherry doctor                               what is wrong with this machine?

Run 'wherry COMMAND --help' for what a command can do, with examples, and
'wherry GROUP' for the commands of a group."""


def overview() -> str:
    """Return the help of the program itself."""
    first, *others = SECTIONS
    more = [_names(title, entries(SECTIONS[title])) for title in others]
    more.append(_names("Groups", GROUPS))
    if found := plugins.names(plugins.directories(os.environ)):
        more.append(_names("Plugins", found))
    parts = [
        "Usage:  wherry [OPTIONS] COMMAND",
        "A container engine that starts containers in milliseconds",
        f"{first}:\n{_list(SECTIONS[first])}",
        "More Commands:\n" + "\n".join(more),
        EXAMPLES,
        GLOBAL,
    ]
    return _titled(_called("\n\n".join(parts)))


def of_group(name: str) -> str:
    """Return the help of a group such as `image`."""
    summary, table = GROUPS[name]
    return _titled(
        _called(
            f"Usage:  wherry {name} COMMAND\n\n{summary}\n\nCommands:\n{_list(table)}\n\n"
            f"Run 'wherry {name} COMMAND --help' for more information on a command."
        )
    )


def of_command(path: str, command: Command) -> str:
    """Return the help of one command."""
    parts = [f"Usage:  wherry {path} {command.usage}".rstrip(), command.summary]
    if len(known := aliases(path)) > 1:
        parts.append("Aliases:\n  " + ", ".join(f"wherry {name}" for name in known))
    if command.examples:
        lines = [f"  wherry {path} {line.strip()}" for line in command.examples.strip().split("\n")]
        parts.append("Examples:\n" + "\n".join(line.rstrip() for line in lines))
    if command.flags:
        parts.append("Options:\n" + _flags(command))
    return _titled(_called("\n\n".join(parts)))


def aliases(path: str) -> list[str]:
    """Return all paths of the command that `path` names, those of groups first."""
    known = paths()
    place = known[path][0] if path in known else ""
    return sorted(
        (name for name, (where, _) in known.items() if where == place),
        key=lambda name: (" " not in name, name),
    )


def _called(text: str) -> str:
    """Put in the name that the user calls the program by, wherever a command line stands."""
    if program.name() == program.OWN:
        return text
    return text.replace("wherry ", f"{program.name()} ")


def _titled(text: str) -> str:
    """Make the titles bold where colours may be used."""
    if not colours():
        return text
    lines = text.split("\n")
    return "\n".join(
        bold(line) if line.endswith(":") and not line.startswith(" ") else line for line in lines
    )


def _list(table: str) -> str:
    return "\n".join(f"  {name:<11} {text}" for name, (_, text) in entries(table).items())


def _names(title: str, names: Iterable[str]) -> str:
    """Return a section in one line or a few: its commands without their summaries."""
    head = f"  {title:<11} "
    lines = _wrap(" ".join(names), 76 - len(head))
    return head + ("\n" + " " * len(head)).join(lines)


def _flags(command: Command) -> str:
    flags = sorted(command.flags, key=lambda flag: flag.name)
    heads = [_head(flag) for flag in flags]
    indent = max(map(len, heads)) + 3
    room = max(min(width.size()[0], WIDEST) - indent, 30)
    lines = []
    for head, flag in zip(heads, flags, strict=True):
        first, *rest = _wrap(flag.help, room)
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
