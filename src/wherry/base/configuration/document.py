"""Settings as they were written, with their lines, and with the flags that go before them.

A flag stands in for a key: its value takes the place of the one in the file, and what is wrong with
it is told by the flag's name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wherry.base.configuration.problems import Path, Problem, written
from wherry.base.values import dataclass, field


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag of the command line, the key that it stands for, and its value."""

    name: str
    path: Path
    value: Any


@dataclass(slots=True)
class Document:
    """What a file says, as its parser gave it; `problems` grows while it is understood."""

    name: str
    data: dict[str, Any]
    lines: Mapping[Path, int]
    flags: dict[Path, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def complain(self, path: Path, message: str) -> None:
        """Note that something is wrong with a key."""
        self.problems.append(self.problem(path, message))

    def problem(self, path: Path, message: str) -> Problem:
        """Return words about a key, with the flag or the line that it comes from."""
        flag = self.flag_of(path)
        if flag is not None:
            return Problem(flag, "", message)
        line = self._line(path)
        place = f"{self.name}:{line}" if line else self.name
        return Problem(place, written(path), message, line)

    def flag_of(self, path: Path) -> str | None:
        """Return the flag that gave a value, or that of which it is an element."""
        while path:
            if path in self.flags:
                return self.flags[path]
            path = path[:-1]
        return None

    def _line(self, path: Path) -> int:
        """Return the line of a key, or of the innermost table where it should be."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 0)

    def line_of(self, path: Path) -> int:
        """Return the line of a key, 0 when the file does not have it."""
        return self.lines.get(path, 0)

    def put(self, flag: Flag) -> None:
        """Let a flag stand in for its key."""
        table = self.data
        *parents, last = map(str, flag.path)
        for key in parents:
            below = table.setdefault(key, {})
            if not isinstance(below, dict):
                below = table[key] = {}
            table = below
        table[last] = flag.value
        self.flags[flag.path] = flag.name
