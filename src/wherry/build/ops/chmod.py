"""`--chmod` of COPY and ADD: octal, or in the words of chmod(1); pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from wherry.base.errors import InvalidError
from wherry.base.values import dataclass

_MOST: Final = 0o7777
_OCTAL: Final = re.compile(r"[0-7]+")
_NUMERIC: Final = re.compile(r"[0-9]+")
_CLAUSE: Final = re.compile(r"(?P<who>[ugoa]*)(?P<changes>(?:[-+=](?:[ugo]|[rwxXst]*))+)")
_CHANGE: Final = re.compile(r"(?P<sign>[-+=])(?P<what>[ugo]|[rwxXst]*)")
_SHIFTS: Final = {"u": 6, "g": 3, "o": 0}
_BITS: Final = {"r": 0o4, "w": 0o2, "x": 0o1}
_SPECIAL: Final = {"u": 0o4000, "g": 0o2000, "o": 0}
_STICKY: Final = 0o1000
Chmod = Callable[[int, bool], int]


class ChmodError(InvalidError):
    """The flag's value is no mode; BuildKit's words."""

    def __init__(self, text: str) -> None:
        super().__init__(
            f"invalid chmod parameter: '{text}'. it should be octal string and between 0 and 07777,"
            " or symbolic as in u=rwX,go=rX"
        )


def parse_chmod(text: str) -> Chmod | None:
    """Return what makes a new mode of an old one and of whether it is a directory's.

    None for an empty text: modes stay. Raises ChmodError.
    """
    if not text:
        return None
    if _OCTAL.fullmatch(text) and int(text, 8) <= _MOST:
        fixed = int(text, 8)
        return lambda _mode, _directory: fixed
    if _NUMERIC.fullmatch(text):
        raise ChmodError(text)
    changes = list[_Change]()
    for clause in text.split(","):
        found = _CLAUSE.fullmatch(clause)
        if found is None:
            raise ChmodError(text)
        # Without anybody named it is all: a build has no umask.
        who = found["who"].replace("a", "ugo") or "ugo"
        pairs = _CHANGE.finditer(found["changes"])
        changes += [_Change(who, pair["sign"], pair["what"]) for pair in pairs]

    def symbolic(mode: int, directory: bool) -> int:
        for change in changes:
            mode = change.apply(mode, directory)
        return mode

    return symbolic


@dataclass(frozen=True, slots=True)
class _Change:
    who: str
    sign: str
    what: str

    def apply(self, mode: int, directory: bool) -> int:
        bits = self._bits(mode, directory)
        if self.sign == "+":
            return mode | bits
        if self.sign == "-":
            return mode & ~bits
        return mode & ~self._mask(directory) | bits

    def _bits(self, mode: int, directory: bool) -> int:
        if self.what in _SHIFTS:  # the permissions that somebody has now
            bits = mode >> _SHIFTS[self.what] & 0o7
        else:
            bits = sum(_BITS[letter] for letter in set(self.what) if letter in _BITS)
            if "X" in self.what and (directory or mode & 0o111):
                bits |= 0o1
        found = 0
        for one in set(self.who):
            found |= bits << _SHIFTS[one]
            if "s" in self.what:
                found |= _SPECIAL[one]
        return found | (_STICKY if "t" in self.what else 0)

    def _mask(self, directory: bool) -> int:
        """What `=` takes away first; of directories setuid and setgid stay, as with chmod(1)."""
        found = 0
        for one in set(self.who):
            found |= 0o7 << _SHIFTS[one] | (0 if directory else _SPECIAL[one])
        return found | (_STICKY if set(self.who) >= set("ugo") else 0)
