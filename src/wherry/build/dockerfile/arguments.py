"""The forms that arguments come in: JSON, words, quoted words, names with values, a command."""

from __future__ import annotations

import json
import re
from typing import Any, Final, NoReturn

from wherry.build.dockerfile.blanks import BLANKS, split_all, split_first
from wherry.build.dockerfile.errors import GrammarError, quoted
from wherry.build.dockerfile.instructions import Command

_NOT_STRINGS: Final = "when using JSON array syntax, arrays must be comprised of strings only"
_SURROGATES: Final = re.compile("[\ud800-\udfff]")


def read_json(text: str) -> tuple[str, ...] | None:
    """Return the strings of a JSON array; None if the text is no JSON array at all.

    Raises `GrammarError` for an array that holds anything but strings.
    """
    text = text.lstrip(BLANKS)
    if not text.startswith("["):
        return None
    try:
        # Numbers need not be understood to be refused, and huge ones have limits of their own.
        found = json.loads(
            text, parse_int=_number, parse_float=_number, parse_constant=_no_constant
        )
    except RecursionError:
        raise GrammarError(_NOT_STRINGS) from None
    except ValueError:
        return None
    if not all(isinstance(one, str) for one in found):
        raise GrammarError(_NOT_STRINGS)
    if any("\0" in one for one in found):
        raise GrammarError("no argument can hold a NUL character (\\u0000)")
    return tuple(_SURROGATES.sub("\ufffd", one) for one in found)


def read_command(text: str) -> Command:
    """Read the exec form or the shell form."""
    words = read_json(text)
    if words is None:
        return Command((text,) if text else (), True)
    return Command(words, False)


def read_words(text: str) -> tuple[str, ...]:
    """Read a JSON array or words between blanks."""
    words = read_json(text)
    return tuple(split_all(text)) if words is None else words


def read_quoted(text: str, escape: str) -> list[str]:
    """Return words that may hold blanks in quotes or after an escape; both stay in the words."""
    words: list[str] = []
    word: list[str] = []
    quote = ""
    characters = iter(text)
    for one in characters:
        if one == escape and quote != "'":
            if escaped := next(characters, ""):
                word += (one, escaped)
            continue
        if not quote and one in BLANKS:
            if word:
                words.append("".join(word))
                word = []
            continue
        if one == quote:
            quote = ""
        elif not quote and one in "'\"":
            quote = one
        word.append(one)
    if word:
        words.append("".join(word))
    return words


def read_pairs(text: str, keyword: str, escape: str) -> tuple[tuple[tuple[str, str], ...], bool]:
    """Return names with values, and whether they are in the old form `NAME VALUE`."""
    words = read_quoted(text, escape)
    if not words:
        raise GrammarError(f"{keyword} requires at least one argument")
    if "=" not in words[0]:
        name, value = split_first(text)
        if not value:
            raise GrammarError(f"{keyword} must have two arguments")
        return ((name, value),), True
    pairs = []
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise GrammarError(
                f"Syntax error - can't find = in {quoted(word)}. Must be of the form: name=value"
            )
        if not name:
            raise GrammarError(f"{keyword} names can not be blank")
        pairs.append((name, value))
    return tuple(pairs), False


def _number(_: str) -> Any:
    return None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
