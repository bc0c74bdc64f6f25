"""The file that a new installation has: every setting explained, none of them set.

Each stands in a line of its own, commented out, with its default: a key is set by taking the two
slashes away. The comma after it may stay.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any, Final

from wherry.daemon.configuration.setting import Setting
from wherry.daemon.configuration.table import TABLE

_WIDTH: Final = 94
_HEAD: Final = """\
// Settings of wherryd, the wherry engine. This is JSON in which comments begin with // or #, and
// a comma may stand after the last element; the keys are those of Docker's daemon.json.
//
// A setting is commented out and shows its default: take the // before it away to set it. Flags of
// wherryd go before this file. Check it with `wherryd --validate`; `systemctl reload wherry`, or
// SIGHUP, applies what is marked [reload], a restart of the engine the rest: containers go on.
//
// More of each: man wherry-daemon.json. Other keys of Docker's are understood, too, as long as they
// ask for nothing that wherry does not do; see docs/reference/settings.md.
{
"""


def default_file() -> str:
    """Return the text of /etc/wherry/daemon.json."""
    lines = [_HEAD]
    for section, settings in _grouped(TABLE, lambda one: one.section):
        lines.append(f"  // --- {section}\n")
        for outer, group in _grouped(settings, lambda one: one.path[0]):
            lines += ["\n", *map(_explained, group), _line(outer, group)]
        lines.append("\n")
    return "".join([*lines[:-1], "}\n"])


def _grouped(settings: Iterable[Setting], name: Any) -> list[tuple[str, list[Setting]]]:
    groups: dict[str, list[Setting]] = {}
    for setting in settings:
        if setting.acts:
            groups.setdefault(name(setting), []).append(setting)
    return list(groups.items())


def _explained(setting: Setting) -> str:
    words = setting.help
    if len(setting.path) > 1:
        words = f"{setting.path[-1]}: {words}"
    if setting.reloads:
        words += " [reload]"
    if setting.example is not None and setting.example != setting.default:
        words += f" Example: {json.dumps(setting.example)}"
    lines = textwrap.wrap(words, _WIDTH, break_on_hyphens=False, break_long_words=False)
    return "".join(f"  // {line}\n" for line in lines)


def _line(outer: str, group: Sequence[Setting]) -> str:
    value: Any = None
    for setting in group:
        if len(setting.path) == 1:
            value = setting.default
        else:
            value = _put(value or {}, setting.path[1:], setting.default)
    return f"  //{json.dumps(outer)}: {json.dumps(value)},\n"


def _put(table: dict[str, Any], path: Sequence[str], value: Any) -> dict[str, Any]:
    name, *rest = path
    table[name] = _put(table.get(name, {}), rest, value) if rest else value
    return table
