"""A text in JSON, parsed, with the line of every key.

Beside JSON it understands what people write into such files: comments from `//` or `#` to the end
of a line, and a comma after the last element. A key that stands twice is refused, which JSON
leaves open and the standard library's parser answers with the last. Whatever the bytes are, the
answer is a document or a ConfigurationError: size, depth and the length of numbers are bounded.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, Final, NoReturn

from wherry.base.configuration.document import Document
from wherry.base.configuration.problems import ConfigurationError, Path, Problem

MOST_BYTES: Final = 1 << 20
_MOST_LEVELS: Final = 32
_MOST_DIGITS: Final = 40
_SHOWN: Final = 20

_BLANK: Final = re.compile(r"(?:[ \t\r\n]+|(?://|#)[^\n]*)*")
_TEXT: Final = re.compile(r'"[^"\\\x00-\x1f]*(?:\\.[^"\\\x00-\x1f]*)*"')
_OPEN_TEXT: Final = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*')
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?![0-9A-Za-z.])")
_WORD: Final = re.compile(r"[^\s,:{}\[\]\"'/#]+")
_LITERALS: Final = {"true": True, "false": False, "null": None}
# As dockerd does: a text begins with what says how it is encoded, or is UTF-8.
_MARKS: Final = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}


def parse(name: str, data: bytes) -> Document:
    """Parse the bytes of a file; an empty one is an object without keys.

    Raises ConfigurationError, with line and column, when they are not JSON. Keys that stand twice
    are among the document's problems.
    """
    if len(data) > MOST_BYTES:
        raise ConfigurationError([Problem(name, "", f"more than {MOST_BYTES} bytes of settings")])
    return _Reader(name, _decode(name, data)).document()


def _decode(name: str, data: bytes) -> str:
    encoding, length = "utf-8", 0
    for mark, marked in _MARKS.items():
        if data.startswith(mark):
            encoding, length = marked, len(mark)
    try:
        return data[length:].decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start + length) + 1
        message = f"not text in {encoding[:6].upper().rstrip('-')}"
        raise ConfigurationError([Problem(f"{name}:{line}", "", message, line)]) from None


class _Reader:
    def __init__(self, name: str, text: str) -> None:
        self._text = text
        self._at = 0
        self._counted = 0  # newlines are counted once, on the way
        self._line = 1
        self._lines: dict[Path, int] = {}
        self._document = Document(name, {}, self._lines)

    def document(self) -> Document:
        self._blank()
        if self._at < len(self._text):
            if self._next() != "{":
                self._fail("the settings stand in braces, { }")
            self._document.data = self._object(())
            self._blank()
            if self._at < len(self._text):
                self._fail("nothing may follow the last brace")
        return self._document

    def _value(self, path: Path) -> Any:
        if len(path) > _MOST_LEVELS:
            self._fail(f"more than {_MOST_LEVELS} levels of brackets")
        match self._next():
            case "{":
                return self._object(path)
            case "[":
                return self._list(path)
            case '"':
                return self._string()
        return self._bare()

    def _object(self, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        began = self._line_here()
        self._at += 1
        while not self._closes("}", began, more=bool(found)):
            line = self._line_here()
            if self._next() != '"':
                self._fail('a key in double quotes is wanted, such as "debug"')
            key = self._string()
            self._blank()
            if self._next() != ":":
                self._fail(f"a colon is wanted after the key {json.dumps(key)}")
            self._at += 1
            self._blank()
            below = (*path, key)
            if key in found:
                first = self._lines[below]
                self._lines[below] = line
                self._document.complain(below, f"the key stands in line {first} already")
            self._lines[below] = line
            found[key] = self._value(below)
        return found

    def _list(self, path: Path) -> list[Any]:
        found: list[Any] = []
        began = self._line_here()
        self._at += 1
        while not self._closes("]", began, more=bool(found)):
            below = (*path, len(found))
            self._lines[below] = self._line_here()
            found.append(self._value(below))
        return found

    def _closes(self, bracket: str, began: int, *, more: bool) -> bool:
        """Go to the next element, over the comma before it; False where the bracket closes."""
        self._blank()
        comma = more and self._next() == ","
        if comma:
            self._at += 1
            self._blank()
        here = self._next()
        if here == bracket:
            self._at += 1
            return True
        if not here:
            self._fail(f"the text ends before the {bracket} that closes line {began}")
        if more and not comma:
            self._fail(f"a comma or {bracket} is wanted")
        return False

    def _string(self) -> str:
        match = _TEXT.match(self._text, self._at)
        if match is None:
            open_text = _OPEN_TEXT.match(self._text, self._at)
            assert open_text is not None  # it begins with a quote
            self._at = open_text.end()
            self._fail("text ends with a double quote, in the line where it begins")
        try:
            found = str(json.loads(match[0]))
            found.encode()
        except ValueError:  # also what UTF-8 cannot encode: half of a pair of \u
            self._fail("a backslash begins an escape that JSON does not have")
        self._at = match.end()
        return found

    def _bare(self) -> Any:
        if match := _NUMBER.match(self._text, self._at):
            return self._number(match)
        word = _WORD.match(self._text, self._at)
        if self._next() == "'":
            self._fail("text stands in double quotes")
        if word is None:
            self._fail("a value is wanted")
        if word[0] not in _LITERALS:
            shown = word[0][:_SHOWN] + "…" * (len(word[0]) > _SHOWN)
            lower = word[0].lower()
            hint = f"write {lower}" if lower in _LITERALS else "text stands in double quotes"
            self._fail(f"{json.dumps(shown, ensure_ascii=False)} is no value: {hint}")
        self._at = word.end()
        return _LITERALS[word[0]]

    def _number(self, match: re.Match[str]) -> int | float:
        if len(match[0]) > _MOST_DIGITS:
            self._fail("a number with too many digits")
        whole = match[0].removeprefix("-").isdecimal()
        found = int(match[0]) if whole else float(match[0])
        if not math.isfinite(found):
            self._fail("a number that is too large")
        self._at = match.end()
        return found

    def _blank(self) -> None:
        match = _BLANK.match(self._text, self._at)
        assert match is not None  # it matches nothing, too
        self._at = match.end()

    def _next(self) -> str:
        return self._text[self._at : self._at + 1]

    def _line_here(self) -> int:
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line

    def _fail(self, message: str) -> NoReturn:
        line = self._text.count("\n", 0, self._at) + 1
        column = self._at - self._text.rfind("\n", 0, self._at)
        problem = Problem(
            f"{self._document.name}:{line}", "", f"not JSON, column {column}: {message}", line
        )
        raise ConfigurationError([*self._document.problems, problem])
