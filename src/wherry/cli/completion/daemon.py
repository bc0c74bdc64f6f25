"""Scripts that complete the flags of wherryd. They are static: wherryd answers no questions.

The flags are those of wherryd's own table, which a process of its own reads: the client never
imports the engine. `script` is pure.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence

from wherry.cli.errors import CommandError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NAME = "wherryd"
ASK = """
import json, sys
from wherry.daemon.configuration import reference
rows = [r for r in reference() if r.state == "acts" and r.flags]
json.dump([[r.flags, r.metavar, r.form, r.help, r.repeatable] for r in rows], sys.stdout)
"""


class DaemonFlag:
    """A flag of wherryd: its names, the word for its value (empty for a switch), its help."""

    __slots__ = ("about", "names", "path", "repeatable", "value", "words")

    def __init__(self, row: Sequence[Any]) -> None:
        names, self.value, form, about, self.repeatable = row
        self.names: list[str] = sorted(names, key=len)
        self.about: str = about.split(". ")[0].rstrip(".")
        self.path = "path" in form or self.value == "FILE"
        self.words: list[str] = self.value.split("|") if "|" in self.value else []


def flags() -> list[DaemonFlag]:
    """Return the flags of wherryd that do something; raises CommandError."""
    command = [sys.executable, "-P", "-c", ASK]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CommandError(f"cannot find out about wherryd: {done.stderr.strip()}")
    return [DaemonFlag(row) for row in json.loads(done.stdout)]


def script(shell: str, found: Sequence[DaemonFlag], *, explained: bool) -> str:
    """Return the script of a shell."""
    write = {"bash": _bash, "fish": _fish, "zsh": _zsh}[shell]
    return write(found, explained=explained)


_BASH = """# bash completion for wherryd                               -*- shell-script -*-

_wherryd_complete()
{
    local cur="${COMP_WORDS[COMP_CWORD]}" last="${COMP_WORDS[COMP_CWORD - 1]}"
    if [[ $cur == "=" ]]; then
        cur=""
    elif [[ $last == "=" ]]; then
        last="${COMP_WORDS[COMP_CWORD - 2]}"
    fi
    COMPREPLY=()
    case "$last" in
@CASES@        @VALUED@)
            return 0
            ;;
    esac
    if [[ $cur == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "@FLAGS@" -- "$cur")
    fi
    return 0
}

complete -F _wherryd_complete wherryd
"""


def _bash(found: Sequence[DaemonFlag], *, explained: bool) -> str:  # noqa: ARG001 - one shape
    cases = ""
    paths = [name for flag in found if flag.path for name in flag.names]
    if paths:
        cases += f"        {'|'.join(paths)})\n" + _case("compgen -f")
    for flag in found:
        if flag.words:
            cases += f"        {'|'.join(flag.names)})\n"
            cases += _case(f'compgen -W "{" ".join(flag.words)}"')
    valued = [
        name for flag in found if flag.value and not flag.path and not flag.words
        for name in flag.names
    ]  # fmt: skip
    every = " ".join(name for flag in found for name in flag.names)
    text = _BASH.replace("@CASES@", cases).replace("@VALUED@", "|".join(valued))
    return text.replace("@FLAGS@", every)


def _case(command: str) -> str:
    return (
        f'            mapfile -t COMPREPLY < <({command} -- "$cur")\n'
        "            return 0\n            ;;\n"
    )


def _zsh(found: Sequence[DaemonFlag], *, explained: bool) -> str:
    lines = []
    for flag in found:
        value = f":{flag.value.replace('|', ' ').replace(':', ' ')}:" if flag.value else ""
        if flag.path:
            value += "_files"
        elif flag.words:
            value += f"({' '.join(flag.words)})"
        about = f"[{_safe(flag.about)}]" if explained else ""
        others = "*" if flag.repeatable else f"({' '.join(flag.names)})"
        for name in flag.names:
            equals = "=" if flag.value and name.startswith("--") else ""
            lines.append(f"    {_quoted(f'{others}{name}{equals}{about}{value}')}")
    return "#compdef wherryd\n\n_arguments -s -S \\\n" + " \\\n".join(lines) + "\n"


def _fish(found: Sequence[DaemonFlag], *, explained: bool) -> str:
    lines = ["# fish completion for wherryd", "", "complete -c wherryd -f"]
    for flag in found:
        names = [
            f"-{'l' if name.startswith('--') else 's'} {name.lstrip('-')}" for name in flag.names
        ]
        words = ["complete -c wherryd", *names]
        if flag.path:
            words.append("-r -F")
        elif flag.value:
            words.append(f"-x -a {_quoted(' '.join(flag.words))}" if flag.words else "-x")
        if explained:
            words.append(f"-d {_quoted(flag.about)}")
        lines.append(" ".join(words))
    return "\n".join(lines) + "\n"


def _safe(text: str) -> str:
    """Return text without what means something in a specification of zsh."""
    return text.replace("[", "(").replace("]", ")").replace(":", " ")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
