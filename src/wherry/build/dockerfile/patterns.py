"""The patterns of `${name#pattern}`, `${name%pattern}` and `${name/pattern/text}`.

`?` is one character, `*` any number of them; a backslash takes the meaning from `*`, `?` and
itself, and stands before `}` and `/` where these would end the pattern. There are no brackets. As
in a shell, a line feed is a character like any other.

A pattern is kept as the parts between its stars. All but the last part may always take the first
place that fits, so nothing is tried twice: the time is that of a search, whatever a Dockerfile asks
for.
"""

from __future__ import annotations

import re
from typing import Final

from wherry.base.values import dataclass
from wherry.build.dockerfile.errors import GrammarError

_ANY_CHARACTER: Final = "(?s:.)"
_SPECIAL: Final = "*?\\"
_ENDING: Final = "}/"


@dataclass(frozen=True, slots=True)
class Pattern:
    """Parts between stars; each is a tuple of regular expressions for one character."""

    parts: tuple[tuple[str, ...], ...]

    def without_prefix(self, text: str, *, longest: bool) -> str:
        """Return a text without its shortest or longest beginning that matches."""
        end = self._end(text, 0, longest=longest)
        return text if end is None else text[end:]

    def without_suffix(self, text: str, *, longest: bool) -> str:
        """Return a text without its shortest or longest end that matches."""
        mirrored = Pattern(tuple(part[::-1] for part in reversed(self.parts)))
        return mirrored.without_prefix(text[::-1], longest=longest)[::-1]

    def replaced(self, text: str, by: str, *, everywhere: bool) -> str:
        """Return a text with the first match, or every one, replaced; stars take all they can.

        An empty match counts, but not where another one has just ended.
        """
        pieces: list[str] = []
        done, start = 0, 0
        while start <= len(text) and (found := self._find(text, start)):
            begin, end = found
            if end > done or begin == 0:
                pieces += (text[done:begin], by)
                done = end
            if not everywhere:
                break
            start = max(end, start + 1) if end > begin else end + 1
        return "".join((*pieces, text[done:]))

    def _find(self, text: str, start: int) -> tuple[int, int] | None:
        first = _compiled(self.parts[0]).search(text, start)
        # If the rest finds no place after the earliest beginning, it finds none after a later one.
        end = self._end(text, first.start(), longest=True) if first else None
        return (first.start(), end) if first and end is not None else None

    def _end(self, text: str, start: int, *, longest: bool) -> int | None:
        first, *middle = self.parts
        found = _compiled(first).match(text, start)
        last = middle.pop() if middle else None
        for part in middle:
            found = found and _compiled(part).search(text, found.end())
        if found is None or last is None:
            return found and found.end()
        if not longest:
            found = _compiled(last).search(text, found.end())
            return found and found.end()
        # The last place is the first one, read backwards.
        backwards = text[found.end() :][::-1]
        found = _compiled(last[::-1]).search(backwards)
        return found and len(text) - found.start()


def read_pattern(text: str) -> Pattern:
    """Read a pattern. Raises `GrammarError` for an escape that means nothing."""
    parts: list[list[str]] = [[]]
    characters = iter(text)
    for one in characters:
        if one == "*":
            parts.append([])
        elif one == "?":
            parts[-1].append(_ANY_CHARACTER)
        elif one == "\\":
            meant = next(characters, "")
            if not meant or meant not in _SPECIAL + _ENDING:
                raise GrammarError(
                    f"invalid pattern ({text}) in substitution: invalid escape '\\{meant}'"
                )
            parts[-1].append(re.escape(meant))
        else:
            parts[-1].append(re.escape(one))
    return Pattern(tuple(map(tuple, parts)))


def _compiled(part: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("".join(part))
