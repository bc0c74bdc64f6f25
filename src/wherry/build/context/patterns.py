"""Wildcards in sources of COPY and ADD: Go's `filepath.Match`, one component at a time; pure.

    *       any number of characters      ?         one character
    [a-z]   one of a class, [^a-z] none   \\x        the character x itself

A character is one of UTF-8; what is no UTF-8 counts byte by byte.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from wherry.base.errors import InvalidError

ANY_DEPTH: Final = b"**"
_SPECIAL: Final = re.compile(rb"(?:\\.)|([*?\[])", re.DOTALL)
Match = Callable[[bytes], bool]


class SourcePatternError(InvalidError):
    """A wildcard has no meaning."""

    def __init__(self, pattern: bytes) -> None:
        super().__init__(
            f"{_text(pattern)}: syntax error in pattern: put a backslash before a character that"
            " stands for itself"
        )


def has_wildcard(text: bytes) -> bool:
    """Tell whether a path, or a component of one, is a pattern."""
    return any(found.group(1) for found in _SPECIAL.finditer(text))


def component_matcher(pattern: bytes) -> Match:
    """Return a test of names against one component of a pattern."""
    first, *others = _between_stars(pattern)
    # What stands between two stars may be taken where it is first met: so nothing is tried twice,
    # and a hostile pattern costs no more than others.
    middle = "".join(f"(?>.*?{part})" for part in others[:-1] if part)
    last = f".*{others[-1]}" if others else ""
    expression = re.compile(first + middle + last, re.DOTALL)
    return lambda name: expression.fullmatch(_text(name)) is not None


def _between_stars(pattern: bytes) -> list[str]:
    """Return the expressions before, between and after the stars of a component."""
    text, found, at = _text(pattern), [""], 0
    while at < len(text):
        char = text[at]
        at += 1
        if char == "*":
            found.append("")
        elif char == "?":
            found[-1] += "."
        elif char == "[":
            expression, at = _class(pattern, text, at)
            found[-1] += expression
        else:
            if char == "\\":
                char, at = _escaped(pattern, text, at)
            found[-1] += re.escape(char)
    return found


def _class(pattern: bytes, text: str, at: int) -> tuple[str, int]:
    """Return the expression of a class and where it ends; `at` is behind the bracket."""
    negated = text.startswith("^", at)
    at += negated
    members = list[str]()
    while not (members and text.startswith("]", at)):
        low, at = _member(pattern, text, at)
        high = low
        if text.startswith("-", at):
            high, at = _member(pattern, text, at + 1)
        # A range that is empty matches nothing, which is no mistake.
        if low <= high:
            members.append(f"{re.escape(low)}-{re.escape(high)}")
        else:
            members.append("")
    inside = "".join(members)
    if not inside:
        return ("." if negated else "(?!)"), at + 1
    return f"[{'^' * negated}{inside}]", at + 1


def _member(pattern: bytes, text: str, at: int) -> tuple[str, int]:
    if text[at : at + 1] in ("", "-", "]"):
        raise SourcePatternError(pattern)
    char = text[at]
    at += 1
    if char == "\\":
        char, at = _escaped(pattern, text, at)
    if at == len(text):
        raise SourcePatternError(pattern)
    return char, at


def _escaped(pattern: bytes, text: str, at: int) -> tuple[str, int]:
    if at == len(text):
        raise SourcePatternError(pattern)
    return text[at], at + 1


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
