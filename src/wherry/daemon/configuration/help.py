"""What `wherryd --help` shows: every flag that does something, by section."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable
from typing import Final

from wherry.daemon.configuration.setting import Setting
from wherry.daemon.configuration.table import PROGRAM, TABLE
from wherry.daemon.configuration.table.programs import ProgramFlag

_WIDTH: Final = 80
_COLUMN: Final = 30
_HEAD: Final = """\
Usage: wherryd [OPTIONS]

The wherry engine: serves the Docker Engine API.

Every option but those of the program is a key of /etc/wherry/daemon.json, too;
an option goes before the file. wherryd(8) and wherry-daemon.json(5) say more.
"""
_EXAMPLES: Final = """\
examples:
  wherryd                     an engine on /run/wherry/wherry.sock
  wherryd --validate          what is wrong with /etc/wherry/daemon.json?
  wherryd -H unix:///tmp/w.sock --data-root /tmp/w/data --exec-root /tmp/w/run
                              a second engine beside the first
  docker -H unix:///run/wherry/wherry.sock ps
                              the stock client works against it
  wherryd --registry :5001    other machines pull this one's images:
                              docker pull thismachine:5001/app
"""


def help_text() -> str:
    """Return the whole of it."""
    parts = [_HEAD, _section("Program", map(_program, PROGRAM))]
    for name in dict.fromkeys(setting.section for setting in TABLE if setting.acts):
        shown = [one for one in TABLE if one.section == name and one.acts and one.flags]
        if shown:
            parts.append(_section(name, map(_setting, shown)))
    return "\n".join([*parts, _others(), _EXAMPLES])


def _section(name: str, lines: Iterable[str]) -> str:
    return f"{name}:\n" + "".join(lines)


def _program(flag: ProgramFlag) -> str:
    return _lines(flag.flags, flag.metavar, flag.help)


def _setting(setting: Setting) -> str:
    sentence = setting.help.split(". ")[0].split("; unset")[0].removesuffix(".")
    if setting.default not in ("", [], {}, 0, "0"):
        default = setting.default[0] if isinstance(setting.default, list) else setting.default
        sentence += f" (default {default if isinstance(default, str) else json.dumps(default)})"
    if setting.form.several:
        sentence += "; repeatable"
    return _lines(setting.flags, setting.form.metavar, sentence)


def _lines(flags: tuple[str, ...], metavar: str, sentence: str) -> str:
    names = ", ".join(flags) if len(flags) > 1 else f"    {flags[0]}"
    left = f"  {names} {metavar}".rstrip()
    lines = textwrap.wrap(sentence, _WIDTH - _COLUMN, break_on_hyphens=False)
    if len(left) >= _COLUMN - 1:
        return "\n".join([left, *(" " * _COLUMN + line for line in lines)]) + "\n"
    first, *rest = lines
    return "\n".join([left.ljust(_COLUMN) + first, *(" " * _COLUMN + r for r in rest)]) + "\n"


def _others() -> str:
    """Name dockerd's flags that are understood and do nothing."""
    flags = " ".join(one.flags[-1] for one in TABLE if not one.acts and one.flags)
    return _section(
        "Understood for the sake of Docker's scripts, where they ask for nothing else than is so",
        [textwrap.fill(flags, _WIDTH, initial_indent="  ", subsequent_indent="  ",
                       break_on_hyphens=False), "\n"],
    )  # fmt: skip
