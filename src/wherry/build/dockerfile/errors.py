"""What is wrong with a Dockerfile, and where.

A rule that is broken is told as a `GrammarError`, which knows no line; whoever knows the line makes
a `DockerfileError` of it. The words are those of BuildKit, since clients and people look for them:

    dockerfile parse error on line 2: unknown instruction: RUNN (did you mean RUN?)

    Dockerfile:2
    --------------------
       1 |     FROM alpine
       2 | >>> RUNN make
    --------------------
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from wherry.base.errors import InvalidError
from wherry.build.dockerfile.instructions import Dockerfile, Place

_RULER: Final = "-" * 20
_AROUND: Final = 2
_AROUND_A_SINGLE_LINE: Final = 3
_MOST_LINES: Final = 16
_WIDEST: Final = 160


class GrammarError(InvalidError):
    """A text breaks a rule of the language; the message says which."""


class DockerfileError(InvalidError):
    """A Dockerfile cannot be built. `message` alone has neither the line nor the snippet."""

    def __init__(
        self, message: str, place: Place, lines: Sequence[str] = (), name: str = "Dockerfile"
    ) -> None:
        self.message = message
        self.place = place
        self.name = name
        self.snippet = snippet(lines, place, name)
        text = f"dockerfile parse error on line {place.first}: {message}"
        super().__init__(f"{text}\n\n{self.snippet}" if self.snippet else text)

    @classmethod
    def at(cls, file: Dockerfile, place: Place, message: str) -> DockerfileError:
        """Return an error about these lines of a file."""
        return cls(message, place, file.lines, file.name)


def snippet(lines: Sequence[str], place: Place, name: str = "") -> str:
    """Return the lines of a place, marked, with some around; "" if there are no such lines.

    With `name` there is a head that says where it is from. Long lines and long places are cut, and
    characters that a terminal would obey are replaced.
    """
    if not 1 <= place.first <= len(lines):
        return ""
    last = min(max(place.first, place.last), len(lines))
    around = _AROUND_A_SINGLE_LINE if last == place.first else _AROUND
    first, end = max(1, place.first - around), min(len(lines), last + around)
    shown = [_numbered(number, lines, place) for number in range(first, end + 1)]
    if len(shown) > _MOST_LINES:
        half = _MOST_LINES // 2
        shown = [*shown[:half], "     | ...", *shown[-half:]]
    head = [f"{name}:{place.first}"] if name else []
    return "\n".join([*head, _RULER, *shown, _RULER])


def quoted(text: str) -> str:
    """Return a text in double quotes, for a message; a long one is cut."""
    return json.dumps(text if len(text) <= _WIDEST else text[:_WIDEST] + "...", ensure_ascii=False)


def _numbered(number: int, lines: Sequence[str], place: Place) -> str:
    mark = ">>>" if place.first <= number <= max(place.first, place.last) else "   "
    text = lines[number - 1]
    if len(text) > _WIDEST:
        text = text[:_WIDEST] + "..."
    text = "".join(one if one.isprintable() or one == "\t" else "\ufffd" for one in text)
    return f"{number:4} | {mark} {text}".rstrip()
