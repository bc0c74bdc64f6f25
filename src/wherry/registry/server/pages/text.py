"""Sizes, times, and what strangers wrote, as people read them. Pure.

Whoever pushes an image chooses most of what its page says. Templates escape it for HTML; here it is
cut, and characters that would show it as something else than it is (those that turn the direction
of writing, that are invisible, or that steer a terminal) become visible as `\\u202e` and the like.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from wherry.base.values import dataclass

LONGEST = 1000
_UNITS = ("kB", "MB", "GB", "TB", "PB", "EB")
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
# From an age on, in seconds: how long the unit is that it is told in, and its name.
_AGES = (
    (2 * 365 * _DAY, 365 * _DAY, "year"),
    (60 * _DAY, 30 * _DAY, "month"),
    (14 * _DAY, 7 * _DAY, "week"),
    (_DAY, _DAY, "day"),
    (_HOUR, _HOUR, "hour"),
    (_MINUTE, _MINUTE, "minute"),
)
# Builds that are to be the same each time say they were made at the beginning of time.
_BEGINNING = 10 * 365 * _DAY
_SHELL = re.compile(r"(?:RUN )?(?:\|\d+ .*?)?/bin/sh -c (?!#\(nop\))", re.DOTALL)
_NOTHING = re.compile(r"/bin/sh -c #\(nop\)\s*")


@dataclass(frozen=True, slots=True)
class Moment:
    """A time: `words` to read, `exact` to look at closely, `machine` for programs."""

    words: str
    exact: str
    machine: str


def size_words(size: int) -> str:
    """Return a size in bytes as `3.2 MB`, in powers of a thousand as Docker has it."""
    if size < 1000:
        return f"{size} B"
    value, unit = size / 1000, 0
    while value >= 999.5 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.{1 if value < 99.95 else 0}f} {_UNITS[unit]}"


def share_words(share: float) -> str:
    """Return a part of a whole, from 0 to 1, as `12 %`."""
    return "<1 %" if 0 < share < 0.005 else f"{share:.0%}".replace("%", " %")


def count_words(count: int, one: str, several: str = "") -> str:
    """Return `1 tag`, `1,204 tags`."""
    return f"{count:,} {one if count == 1 else several or one + 's'}"


def moment(then: float, now: float) -> Moment | None:
    """Return a time in seconds since the epoch; None when it is none that a calendar has."""
    try:
        date = datetime.fromtimestamp(then, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    exact = date.strftime("%Y-%m-%d %H:%M:%S UTC")
    words = exact[:10] if then < _BEGINNING or then > now + _DAY else _age(now - then)
    return Moment(words, exact, date.strftime("%Y-%m-%dT%H:%M:%SZ"))


def moment_of(text: str, now: float) -> Moment | None:
    """Return a time that is written as in RFC 3339, None when it is not."""
    try:
        date = datetime.fromisoformat(text)
    except ValueError:
        return None
    try:
        return moment((date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp(), now)
    except (ValueError, OverflowError):
        return None


def _age(seconds: float) -> str:
    for beginning, unit, name in _AGES:
        if seconds >= beginning:
            return count_words(int(seconds // unit), name) + " ago"
    return "just now"


def block(text: str, limit: int = LONGEST) -> str:
    """Return what a stranger wrote, cut and with nothing hidden in it; it keeps its lines."""
    cut = text[:limit]
    shown = cut if cut.isprintable() else "".join(map(_visible, cut))
    return shown + "…" if len(text) > limit else shown


def line(text: str, limit: int = LONGEST) -> str:
    """Return the same in one line."""
    return " ".join(block(text, limit).split())


def _visible(character: str) -> str:
    if character.isprintable() or character in "\n\t":
        return character
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def short_digest(digest: str) -> str:
    """Return as much of a digest as tells it apart for people."""
    algorithm, _, encoded = digest.partition(":")
    return f"{algorithm}:{encoded[:12]}"


def instruction(created_by: str) -> str:
    """Return a step of an image's history as a Dockerfile has it, as far as that can be told."""
    words = created_by.removesuffix(" # buildkit").strip()
    if found := _NOTHING.match(words):
        return words[found.end() :]
    if found := _SHELL.match(words):
        return "RUN " + words[found.end() :]
    return words
