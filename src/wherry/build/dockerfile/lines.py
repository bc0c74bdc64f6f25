"""From the text of a file to logical lines: one for each instruction.

    comments          `#` first in a line, also between continued lines; no part of anything
    continuation      the escape character last in a line (blanks may follow, not another escape
                      before); blank lines in between are passed over
    heredocs          the lines after an instruction that announces them, up to the delimiter

Lines end with a line feed, a carriage return before it does not count except in heredocs. A byte
order mark is dropped. Every error says the line.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence
from typing import Final

from wherry.base.values import dataclass
from wherry.build.dockerfile.blanks import BLANKS
from wherry.build.dockerfile.errors import DockerfileError, GrammarError
from wherry.build.dockerfile.heredocs import announced, without_tabs
from wherry.build.dockerfile.instructions import Heredoc, Place

_LONGEST_LINE: Final = 65535
_BYTE_ORDER_MARK: Final = "\ufeff"
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Line:
    """A logical line. `text` is exact; in `shown` continued lines are joined by a single space.

    `comments` are those above it, without `#`, up to the last empty comment.
    """

    text: str
    shown: str
    place: Place
    comments: tuple[str, ...] = ()
    heredocs: tuple[Heredoc, ...] = ()


def read_text(text: str | bytes, name: str) -> list[str]:
    """Return the lines of a file, which must be text and have lines that are not too long."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "surrogateescape")
    lines = text.removeprefix(_BYTE_ORDER_MARK).split("\n")
    if len(lines) > 1 and not lines[-1]:
        del lines[-1]
    for number, line in enumerate(lines, 1):
        if problem := _problem(line):
            shown = [without_return(one) for one in lines]
            raise DockerfileError(problem, Place(number, number), shown, name)
    return lines


def without_return(line: str) -> str:
    """Return a line without what is left of its end."""
    return line.rstrip("\r")


def logical_lines(lines: Sequence[str], begin: int, escape: str, name: str) -> Iterator[Line]:
    """Return the logical lines from an index on. Raises `DockerfileError`."""
    return iter(_Reader(lines, begin, escape, name))


def _problem(line: str) -> str:
    if _SURROGATE.search(line):
        return "invalid UTF-8: a Dockerfile is text, and this line is not; save the file as UTF-8"
    if "\0" in line:
        return "NUL character: a Dockerfile is text, and this line is not; save the file as UTF-8"
    if len(line.encode()) > _LONGEST_LINE:
        return f"dockerfile line greater than max allowed size of {_LONGEST_LINE}"
    return ""


class _Reader:
    def __init__(self, lines: Sequence[str], begin: int, escape: str, name: str) -> None:
        self._lines = lines
        self._at = begin
        self._escape = escape
        self._name = name
        token = re.escape(escape)
        self._continued = re.compile(rf"(?:^|(?<=[^{token}])){token}[ \t]*$")

    def __iter__(self) -> Iterator[Line]:
        comments: list[str] = []
        while self._at < len(self._lines):
            line = self._lines[self._at].strip(BLANKS)
            if line.startswith("#"):
                # An empty comment parts what is above it from what is below.
                comments = [*comments, said] if (said := line[1:].strip(BLANKS)) else []
                self._at += 1
            elif line:
                yield self._instruction(tuple(comments))
                comments = []
            else:
                self._at += 1

    def _instruction(self, comments: tuple[str, ...]) -> Line:
        first = self._at + 1
        pieces = list(self._pieces())
        text = "".join(pieces)
        place = Place(first, self._at)
        try:
            heredocs = tuple(self._document(one) for one in announced(text, self._escape))
        except GrammarError as error:
            lines = [without_return(one) for one in self._lines]
            raise DockerfileError(str(error), place, lines, self._name) from None
        return Line(text, _joined(pieces), Place(first, self._at), comments, heredocs)

    def _pieces(self) -> Iterator[str]:
        """Read physical lines until one is not continued."""
        begun = False
        while self._at < len(self._lines):
            line = without_return(self._lines[self._at])
            self._at += 1
            bare = line.strip(BLANKS)
            if begun and (not bare or bare.startswith("#")):
                continue
            if not begun:
                line = line.lstrip(BLANKS)
            begun = True
            end = self._continued.search(line)
            yield line[: end.start()] if end else line
            if not end:
                return

    def _document(self, heredoc: Heredoc) -> Heredoc:
        content: list[str] = []
        while self._at < len(self._lines):
            line = self._lines[self._at]
            self._at += 1
            end = without_return(line)
            if (end.lstrip("\t") if heredoc.strip_tabs else end) == heredoc.name:
                text = "".join(content)
                text = without_tabs(text) if heredoc.strip_tabs else text
                return dataclasses.replace(heredoc, content=text)
            content.append(line + "\n")
        raise GrammarError(f"unterminated heredoc: no line holds {heredoc.name} and nothing else")


def _joined(pieces: Sequence[str]) -> str:
    """Join continued lines for people: one space where there were blanks."""
    shown: list[str] = []
    apart = False
    for piece in pieces:
        bare = piece.strip(BLANKS)
        if not bare:
            apart = apart or bool(piece)
            continue
        if shown and (apart or piece[0] in BLANKS):
            shown.append(" ")
        shown.append(bare)
        apart = piece[-1] in BLANKS
    return "".join(shown)
