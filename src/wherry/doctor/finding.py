"""What a check says: how bad it is, what it causes, and the commands that mend it."""

from __future__ import annotations

import enum
import shlex

from wherry.base.values import dataclass


class Level(enum.IntEnum):
    """How bad a finding is; the order is that of severity."""

    OK = 0
    NOTE = 1  # worth knowing; nothing fails
    WARNING = 2  # something fails, or will
    PROBLEM = 3  # no container starts, data is lost, or anybody is root


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the answer. `mend` are lines for a root shell, done in this order."""

    level: Level
    text: str
    effect: str = ""
    mend: tuple[str, ...] = ()


def ok(text: str) -> list[Finding]:
    """Return what a check says that found nothing wrong."""
    return [Finding(Level.OK, text)]


def note(text: str, effect: str = "", *mend: str) -> Finding:
    """Return a finding that is worth knowing."""
    return Finding(Level.NOTE, text, effect, mend)


def warning(text: str, effect: str, *mend: str) -> Finding:
    """Return a finding that makes something fail."""
    return Finding(Level.WARNING, text, effect, mend)


def problem(text: str, effect: str, *mend: str) -> Finding:
    """Return a finding that nothing works with."""
    return Finding(Level.PROBLEM, text, effect, mend)


def command(*words: str) -> str:
    """Return words as a line for a shell, whatever is in them."""
    return shlex.join(words)
