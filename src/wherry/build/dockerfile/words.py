"""Puts variables into the texts of instructions, and takes quotes away.

    $name ${name}                  the value, nothing if it is not set
    ${name-w} ${name:-w}           w if it is not set (with the colon: or empty)
    ${name+w} ${name:+w}           w if it is set (with the colon: and not empty)
    ${name?w} ${name:?w}           an error that says w if it is not set (or empty)
    ${name#p} ${name##p}           without the shortest, longest beginning that matches p
    ${name%p} ${name%%p}           without the shortest, longest end that matches p
    ${name/p/w} ${name//p/w}       the first, every match of p replaced
    'text'                         as it stands
    "text"                         with variables; the escape takes the meaning from " $ and itself
    \\x                            x, with the escape character of the file

A word w may hold all of this again. `$1`, `$@` and their like are variables that nobody has set.
The rules are BuildKit's; where it says "raw", a `Mode` here says what is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from wherry.base.values import dataclass, field
from wherry.build.dockerfile.blanks import BLANKS
from wherry.build.dockerfile.errors import GrammarError, quoted
from wherry.build.dockerfile.patterns import read_pattern

Lookup = Callable[[str], str | None]

_SPECIAL: Final = "@*#?-$!0"
# Deeper words are no work of people; the limit keeps us clear of the interpreter's own.
_DEEPEST: Final = 50
_CHOICES: Final = frozenset("-+?")
_MISSING_BRACE: Final = "syntax error: missing '}'"


class ExpansionError(GrammarError):
    """A text cannot be expanded, or a variable that it requires has no value."""


@dataclass(frozen=True, slots=True)
class Mode:
    """What stays as it was written.

    `raw_quotes` keeps quotes that have done their work, `plain_quotes` gives them no work;
    `raw_escapes` keeps escape characters, `keep_unset` variables that are not set.
    """

    raw_quotes: bool = False
    plain_quotes: bool = False
    raw_escapes: bool = False
    keep_unset: bool = False


@dataclass(frozen=True, slots=True)
class Expanded:
    """A text with its variables put in; `used` and `unset` are the names asked for, in order."""

    text: str
    used: tuple[str, ...] = ()
    unset: tuple[str, ...] = ()


_PLAIN: Final = Mode()
_DOCUMENT: Final = Mode(plain_quotes=True)


def expand(text: str, lookup: Lookup, escape: str = "\\", mode: Mode = _PLAIN) -> Expanded:
    """Expand a text that stays one word, blanks and all. Raises `ExpansionError`."""
    reader = _Reader(text, lookup, escape, mode)
    return Expanded(reader.whole().text, tuple(reader.used), tuple(reader.unset))


def expand_words(
    text: str, lookup: Lookup, escape: str = "\\", mode: Mode = _PLAIN
) -> tuple[str, ...]:
    """Expand a text, then split it at blanks that no quote or escape protects."""
    return tuple(_Reader(text, lookup, escape, mode).whole().words())


def expand_document(text: str, lookup: Lookup, escape: str = "\\") -> Expanded:
    """Expand the content of a heredoc: quotes are text, escapes are not."""
    return expand(text, lookup, escape, _DOCUMENT)


@dataclass(slots=True)
class _Result:
    """Text as pieces; a piece that is not `loose` keeps its blanks when words are made."""

    pieces: list[tuple[str, bool]] = field(default_factory=list)

    def add(self, text: str, *, loose: bool = False) -> None:
        self.pieces.append((text, loose))

    @property
    def text(self) -> str:
        return "".join(text for text, _ in self.pieces)

    def words(self) -> Iterator[str]:
        word: list[str] = []
        for text, loose in self.pieces:
            for one in text if loose else (text,):
                if not loose or one not in BLANKS:
                    word.append(one)
                elif joined := "".join(word):
                    yield joined
                    word = []
        if joined := "".join(word):
            yield joined


class _Reader:
    """One pass over a text. `_at` is where reading goes on."""

    def __init__(self, text: str, lookup: Lookup, escape: str, mode: Mode) -> None:
        self.used: dict[str, None] = {}
        self.unset: dict[str, None] = {}
        self._text = text
        self._lookup = lookup
        self._escape = escape
        self._mode = mode
        self._at = 0
        self._depth = 0

    def whole(self) -> _Result:
        """Read all of the text."""
        try:
            return self._until("", raw=self._mode.raw_escapes)
        except GrammarError as error:
            shown = quoted(self._text)
            raise ExpansionError(f"failed to process {shown}: {error}") from None

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _next(self) -> str:
        one = self._peek()
        self._at += 1
        return one

    def _until(self, stop: str, *, raw: bool) -> _Result:
        """Read up to a character, which is taken; with "" up to the end of the text."""
        result = _Result()
        while one := self._peek():
            if one == stop:
                self._at += 1
                return result
            if one == "$":
                result.add(self._dollar(), loose=True)
            elif one == "<":
                result.add(self._less())
            elif one == "'" and not self._mode.plain_quotes:
                result.add(self._single())
            elif one == '"' and not self._mode.plain_quotes:
                result.add(self._double(raw=raw))
            else:
                self._character(result, raw=raw)
        if stop:
            raise ExpansionError(f"unexpected end of statement while looking for matching {stop}")
        return result

    def _character(self, result: _Result, *, raw: bool) -> None:
        one = self._next()
        if one != self._escape:
            result.add(one, loose=True)
            return
        if raw:
            result.add(one)
        # At the very end there is nothing to escape, and the escape goes.
        if escaped := self._next():
            result.add(escaped)

    def _less(self) -> str:
        """Keep `<< NAME` one word: blanks may stand before the name of a heredoc."""
        begin = self._at
        self._at += 1
        if self._peek() == "<":
            self._at += 1
            while self._peek() and self._peek() in "\t\r ":
                self._at += 1
        return self._text[begin : self._at]

    def _single(self) -> str:
        begin = self._at
        end = self._text.find("'", begin + 1)
        if end < 0:
            raise ExpansionError(
                "unexpected end of statement while looking for matching single-quote"
            )
        self._at = end + 1
        return self._text[begin : end + 1] if self._mode.raw_quotes else self._text[begin + 1 : end]

    def _double(self, *, raw: bool) -> str:
        self._at += 1
        quote = '"' if self._mode.raw_quotes else ""
        pieces = [quote]
        while one := self._peek():
            if one == '"':
                self._at += 1
                return "".join((*pieces, quote))
            if one == "$":
                pieces.append(self._dollar())
                continue
            self._at += 1
            if one == self._escape:
                protected = self._peek() and self._peek() in ('"', "$", self._escape)
                if raw or not protected:
                    pieces.append(one)
                one = self._next() if protected else ""
            pieces.append(one)
        raise ExpansionError("unexpected end of statement while looking for matching double-quote")

    def _dollar(self) -> str:
        begin = self._at
        self._at += 1
        if self._peek() != "{":
            name = self._name()
            return self._kept(self._value(name), begin) if name else "$"
        self._at += 1
        if not self._peek():
            raise ExpansionError(_MISSING_BRACE)
        if self._peek() in "{}:":
            raise ExpansionError("syntax error: bad substitution")
        if self._depth == _DEEPEST:
            raise ExpansionError(f"syntax error: more than {_DEEPEST} substitutions in each other")
        self._depth += 1
        value = self._braces()
        self._depth -= 1
        return self._kept(value, begin)

    def _kept(self, value: str | None, begin: int) -> str:
        """Return a value; where there is none, nothing or what was written."""
        if value is None:
            return self._text[begin : self._at] if self._mode.keep_unset else ""
        return value

    def _name(self) -> str:
        begin = self._at
        if self._peek().isdecimal():
            while self._peek().isdecimal():
                self._at += 1
        elif self._peek() and self._peek() in _SPECIAL:
            self._at += 1
        else:
            while self._peek().isalpha() or self._peek().isdecimal() or self._peek() == "_":
                self._at += 1
        return self._text[begin : self._at]

    def _value(self, name: str) -> str | None:
        value = self._lookup(name)
        (self.unset if value is None else self.used).setdefault(name)
        return value

    def _word(self, stop: str, *, raw: bool, missing: str = _MISSING_BRACE) -> str:
        try:
            return self._until(stop, raw=raw).text
        except ExpansionError:
            if self._peek():
                raise
            raise ExpansionError(missing) from None

    def _braces(self) -> str | None:
        """Read what follows `${`; None if the variable is not set and nothing stands for it."""
        name = self._name()
        modifier = self._next()
        if modifier == "}":
            return self._value(name)
        if modifier == "/":
            return self._replaced(name)
        if modifier == ":":
            modifier += self._next()
        if modifier in ("#", "%"):
            return self._trimmed(name, modifier)
        word = self._word("}", raw=False)
        if modifier.lstrip(":") not in _CHOICES:
            if self._mode.keep_unset:
                return None
            raise ExpansionError(f"unsupported modifier ({modifier}) in substitution")
        return self._chosen(name, modifier, word)

    def _chosen(self, name: str, modifier: str, word: str) -> str | None:
        """Decide between a variable's value and a word."""
        value = self._value(name)
        if value is None and self._mode.keep_unset:
            return None
        missing = value is None or (value == "" and modifier[0] == ":")
        kind = modifier[-1]
        if kind == "+":
            return "" if missing else word
        if missing and kind == "?":
            state = "unset" if value is None else "empty"
            raise ExpansionError(f"{name}: {word or f'is not allowed to be {state}'}")
        return word if missing else value

    def _trimmed(self, name: str, side: str) -> str | None:
        word = self._word("}", raw=True)
        longest = word.startswith(side)
        pattern = read_pattern(word[1:] if longest else word)
        value = self._value(name)
        if value is None:
            return None
        if side == "#":
            return pattern.without_prefix(value, longest=longest)
        return pattern.without_suffix(value, longest=longest)

    def _replaced(self, name: str) -> str | None:
        everywhere = self._peek() == "/"
        self._at += everywhere
        pattern = self._word("/", raw=True, missing="syntax error: missing '/' in ${}")
        by = self._word("}", raw=True)
        value = self._value(name)
        found = read_pattern(pattern)
        return None if value is None else found.replaced(value, by, everywhere=everywhere)
