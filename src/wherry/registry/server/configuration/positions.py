"""On which line of a TOML text each key stands, which the standard library's parser does not tell.

Pure, and only for a text that `tomllib` has parsed: what is malformed is told there, so here every
bracket has its partner and every string its end. A path is a tuple of keys, with the index of an
element where a list is meant: `("access", "rule", 0, "pull")`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping

from wherry.base.configuration.problems import Path

_BLANK = re.compile(r"(?:[ \t\r\n,]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_KEY = re.compile(r"[A-Za-z0-9_-]+|\"(?:\\.|[^\"\\])*\"|'[^']*'")
_TEXT = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}|'
    r"'''.*?'{3,5}|"
    r'"(?:\\.|[^"\\])*"|'
    r"'[^']*'",
    re.DOTALL,
)
_BARE = re.compile(r"[^,\]}#\n]*")


def locate(text: str) -> Mapping[Path, int]:
    """Return the line, from 1, where each key and each element of a list begins."""
    return _Scanner(text).scan()


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._counted = 0  # newlines are counted once, on the way
        self._line = 1
        self._lines: dict[Path, int] = {}
        self._lengths: dict[Path, int] = {}  # of arrays of tables

    def scan(self) -> Mapping[Path, int]:
        table: Path = ()
        self._skip(_BLANK)
        while self._at < len(self._text):
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)
            self._skip(_BLANK)
        return self._lines

    def _header(self) -> Path:
        line = self._line_here()
        several = self._text.startswith("[[", self._at)
        self._at += 2 if several else 1
        *parents, last = self._keys()
        self._at += 2 if several else 1
        path = (*self._inside(parents), last)
        if several:
            index = self._lengths.get(path, 0)
            self._lengths[path] = index + 1
            self._note(path, line)
            path = (*path, index)
        self._note(path, line)
        return path

    def _inside(self, keys: list[str]) -> Path:
        """Return the path of tables by their names: of an array of them the last is meant."""
        path: Path = ()
        for key in keys:
            path = (*path, key)
            if path in self._lengths:
                path = (*path, self._lengths[path] - 1)
        return path

    def _pair(self, table: Path) -> None:
        line = self._line_here()
        path: Path = table
        for key in self._keys():
            path = (*path, key)
            self._note(path, line)
        self._at += 1  # the equals sign
        self._skip(_SPACE)
        self._value(path)

    def _keys(self) -> list[str]:
        """Read a key with its dots, and the blanks around it."""
        keys: list[str] = []
        while True:
            self._skip(_SPACE)
            keys.append(_plain(self._skip(_KEY)))
            self._skip(_SPACE)
            if not self._text.startswith(".", self._at):
                return keys
            self._at += 1

    def _value(self, path: Path) -> None:
        match self._text[self._at : self._at + 1]:
            case "[":
                self._list(path)
            case "{":
                self._inline(path)
            case '"' | "'":
                self._skip(_TEXT)
            case _:
                self._skip(_BARE)

    def _list(self, path: Path) -> None:
        self._at += 1
        self._skip(_BLANK)
        index = 0
        while self._text[self._at] != "]":
            self._note((*path, index), self._line_here())
            self._value((*path, index))
            self._skip(_BLANK)
            index += 1
        self._at += 1

    def _inline(self, path: Path) -> None:
        self._at += 1
        self._skip(_BLANK)
        while self._text[self._at] != "}":
            self._pair(path)
            self._skip(_BLANK)
        self._at += 1

    def _note(self, path: Path, line: int) -> None:
        self._lines.setdefault(path, line)

    def _skip(self, what: re.Pattern[str]) -> str:
        match = what.match(self._text, self._at)
        assert match is not None, f"this is no TOML at {self._at}"
        self._at = match.end()
        return match[0]

    def _line_here(self) -> int:
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line


def _plain(key: str) -> str:
    if key[0] not in "\"'":
        return key
    return next(iter(tomllib.loads(f"{key} = 0")))
