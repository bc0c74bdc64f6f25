"""A text of settings, parsed, with its lines, and with the flags that go before it.

A flag stands in for a key: its value takes the place of the one in the file, and what is wrong with
it is told by the flag's name.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from wherry.registry.server.configuration.positions import Path, locate
from wherry.registry.server.configuration.problems import ConfigurationError, Problem

_WHERE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag of the command line, the key that it stands for, and its value."""

    name: str
    path: Path
    value: Any


@dataclass(slots=True)
class Document:
    """Settings as they were written; `problems` grows while they are understood."""

    name: str
    data: dict[str, Any]
    lines: Mapping[Path, int]
    flags: dict[Path, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def complain(self, path: Path, message: str) -> None:
        """Note that something is wrong with a key."""
        flag = self.flags.get(path)
        if flag is not None:
            self.problems.append(Problem(flag, "", message))
            return
        line = self._line(path)
        place = f"{self.name}:{line}" if line else self.name
        self.problems.append(Problem(place, written(path), message, line))

    def _line(self, path: Path) -> int:
        """Return the line of a key, or of the innermost table where it should be."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 0)

    def line_of(self, path: Path) -> int:
        """Return the line of a key, 0 when the file does not have it."""
        return self.lines.get(path, 0)


def parse(name: str, text: str, flags: Sequence[Flag] = ()) -> Document:
    """Parse a text; raises ConfigurationError, with the line, when it is not TOML."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError([_malformed(name, text, str(error))]) from None
    document = Document(name, data, locate(text))
    for flag in flags:
        _put(document, flag)
    return document


def _malformed(name: str, text: str, words: str) -> Problem:
    found = _WHERE.search(words)
    line = int(found[1]) if found and found[1] else text.count("\n") + 1
    column = f", column {found[2]}" if found and found[2] else ""
    reason = _WHERE.sub("", words)
    message = f"not TOML{column}: {reason[:1].lower()}{reason[1:]}"
    return Problem(f"{name}:{line}", "", message, line)


def _put(document: Document, flag: Flag) -> None:
    table = document.data
    *parents, last = map(str, flag.path)
    for key in parents:
        below = table.setdefault(key, {})
        if not isinstance(below, dict):
            below = table[key] = {}
        table = below
    table[last] = flag.value
    document.flags[flag.path] = flag.name


def written(path: Path) -> str:
    """Return a path as people write it; elements are counted from 1."""
    words = ""
    for part in path:
        if isinstance(part, int):
            words += f"[{part + 1}]"
        else:
            words += f".{part}" if words else part
    return words
