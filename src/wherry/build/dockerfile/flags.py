"""Flags of instructions: `--name=value` words between the keyword and the arguments.

Quotes and escapes in a flag are taken away here; `--` ends the flags. What may be given is said by
a table of names for each instruction.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence

from wherry.base.values import dataclass
from wherry.build.dockerfile.blanks import BLANKS, split_first
from wherry.build.dockerfile.errors import GrammarError
from wherry.build.dockerfile.suggest import with_suggestion


class Kind(enum.Enum):
    """What a flag holds: a text, several of them, or yes and no."""

    TEXT = enum.auto()
    TEXTS = enum.auto()
    SWITCH = enum.auto()


@dataclass(frozen=True, slots=True)
class Split:
    """A logical line in its parts. `keyword` is as written, `rest` has no blanks around it."""

    keyword: str
    flags: tuple[str, ...]
    rest: str


@dataclass(frozen=True, slots=True)
class Flags:
    """The flags that were given, by name."""

    texts: Mapping[str, tuple[str, ...]]

    def text(self, name: str) -> str:
        """Return a flag's text, "" if it was not given."""
        return self.texts.get(name, ("",))[0]

    def all(self, name: str) -> tuple[str, ...]:
        """Return every text of a flag."""
        return self.texts.get(name, ())

    def switch(self, name: str) -> bool | None:
        """Return what a switch says, None if it was not given."""
        return self.text(name) == "true" if name in self.texts else None


def split(line: str, escape: str) -> Split:
    """Part a logical line."""
    keyword, rest = split_first(line.strip(BLANKS))
    flags: list[str] = []
    at = 0
    while (at := _skip_blanks(rest, at)) < len(rest) and rest.startswith("--", at):
        word, at = _word(rest, at, escape)
        if word == "--":
            break
        flags.append(word)
    return Split(keyword, tuple(flags), rest[at:].strip(BLANKS))


def read_flags(words: Sequence[str], known: Mapping[str, Kind]) -> Flags:
    """Check flags against those that an instruction knows."""
    found: dict[str, tuple[str, ...]] = {}
    for word in words:
        shown, equals, text = word.partition("=")
        name = shown.removeprefix("--")
        kind = known.get(name)
        if kind is None:
            raise GrammarError(with_suggestion(f"unknown flag: {shown}", name, known))
        if name in found and kind is not Kind.TEXTS:
            raise GrammarError(f"duplicate flag specified: {shown}")
        if kind is Kind.SWITCH and not equals:
            text = "true"
        elif not equals or (kind is Kind.SWITCH and not text):
            raise GrammarError(f"missing a value on flag: {shown}")
        if kind is Kind.SWITCH and (text := text.lower()) not in ("true", "false"):
            raise GrammarError(f"expecting boolean value for flag {shown}, not: {text}")
        found[name] = (*found.get(name, ()), text)
    return Flags(found)


def _skip_blanks(text: str, at: int) -> int:
    while at < len(text) and text[at] in BLANKS:
        at += 1
    return at


def _word(text: str, at: int, escape: str) -> tuple[str, int]:
    """Read one flag; return it and where it ends."""
    word: list[str] = []
    quote = ""
    while at < len(text):
        one = text[at]
        if one == escape:
            # At the very end there is nothing to escape, and the escape goes.
            word.append(text[at + 1 : at + 2])
            at += 2
            continue
        if one == quote:
            quote = ""
        elif quote or one not in "'\"" + BLANKS:
            word.append(one)
        elif one in BLANKS:
            break
        else:
            quote = one
        at += 1
    return "".join(word), at
