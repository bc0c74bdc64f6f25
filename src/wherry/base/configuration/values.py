"""What a value has to be. A *kind* looks at a value and returns it as the program wants it.

A kind that is not satisfied says so to the `Place` and returns None; reading goes on, so that
everything that is wrong is told at once. Times are `"15m"`, `"1h30m"`, `"30d"` or seconds, sizes
`"4MB"` or bytes (units are powers of 1024, as everywhere in wherry). What a secret is never stands
in a message.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable
from typing import Any, TypeVar

from wherry.base.configuration.document import Document
from wherry.base.configuration.problems import Path
from wherry.base.values import dataclass

T = TypeVar("T")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_TIME_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d|w)")
_SIZE = re.compile(r"([0-9]{1,19})\s*([kmgt]?)(?:i?b)?", re.IGNORECASE)
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_SHOWN = 80


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands."""

    document: Document
    path: Path

    def complain(self, message: str) -> None:
        """Say that the value here is wrong."""
        self.document.complain(self.path, message)

    def below(self, part: str | int) -> Place:
        """Return the place of an element or a key of this value."""
        return Place(self.document, (*self.path, part))


Kind = Callable[[Place, Any], T | None]


def shown(value: Any) -> str:
    """Return a value as the file has it, or nearly so, in one line."""
    if isinstance(value, dict):
        return "a table"
    try:
        words = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        words = str(value)
    return words if len(words) <= _SHOWN else words[:_SHOWN] + "…"


def text(place: Place, value: Any) -> str | None:
    """Text without control characters, also the empty one."""
    if not isinstance(value, str):
        place.complain(f'text in quotes is wanted, such as "…", not {shown(value)}')
        return None
    if not value.isprintable():
        place.complain(f"{shown(value)} has control characters in it")
        return None
    return value


def matching(pattern: str, wanted: str, *, empty: bool = False) -> Kind[str]:
    """Text that is as a whole of some form; `wanted` says in a sentence which."""

    def kind(place: Place, value: Any) -> str | None:
        found = text(place, value)
        if found is None or (empty and not found) or re.fullmatch(pattern, found):
            return found
        place.complain(f"{wanted}, not {shown(value)}")
        return None

    return kind


def one_of(*known: str) -> Kind[str]:
    """One of some words."""

    def kind(place: Place, value: Any) -> str | None:
        if isinstance(value, str) and value in known:
            return value
        listed = ", ".join(f'"{word}"' for word in known)
        place.complain(f"one of {listed} is wanted, not {shown(value)}")
        return None

    return kind


def switch(place: Place, value: Any) -> bool | None:
    """True or false."""
    if isinstance(value, bool):
        return value
    place.complain(f"true or false is wanted, not {shown(value)}")
    return None


def whole(least: int, most: int) -> Kind[int]:
    """A whole number within bounds."""

    def kind(place: Place, value: Any) -> int | None:
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return value
        place.complain(f"a whole number from {least} to {most} is wanted, not {shown(value)}")
        return None

    return kind


def seconds(least: float, most: float = math.inf) -> Kind[float]:
    """A time in seconds, within bounds."""

    def kind(place: Place, value: Any) -> float | None:
        found = parse_time(value)
        if found is None:
            place.complain(f'a time is wanted, such as "15m", "1h" or "30d", not {shown(value)}')
        elif found < least:
            place.complain(f"{shown(value)} is too short: {_time(least)} is the least")
        elif found > most:
            place.complain(f"{shown(value)} is too long: {_time(most)} is the most")
        else:
            return found
        return None

    return kind


def parse_time(value: Any) -> float | None:
    """Return a time in seconds, None for what is none."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) if math.isfinite(value) and value >= 0 else None
    if not isinstance(value, str):
        return None
    words = value.replace(" ", "")
    if words.isascii() and words.isdecimal():
        found = float(words)
    else:
        parts = _TIME_PART.findall(words)
        if not parts or "".join(map("".join, parts)) != words:
            return None
        found = float(sum(float(count) * _SECONDS[unit] for count, unit in parts))
    return found if math.isfinite(found) else None


def _time(value: float) -> str:
    for unit in ("w", "d", "h", "m"):
        if value and value % _SECONDS[unit] == 0:
            return f'"{value / _SECONDS[unit]:g}{unit}"'
    return f'"{value:g}s"'


def size(least: int = 0, most: int = (1 << 63) - 1) -> Kind[int]:
    """A number of bytes, within bounds."""

    def kind(place: Place, value: Any) -> int | None:
        found = parse_size(value)
        if found is None:
            place.complain(f'a size is wanted, such as "4MB" or "10GB", not {shown(value)}')
            return None
        if found < least:
            place.complain(f"{shown(value)} is too small: {least} bytes are the least")
            return None
        if found > most:
            place.complain(f"{shown(value)} is too large: {most} bytes are the most")
            return None
        return found

    return kind


def parse_size(value: Any) -> int | None:
    """Return a size in bytes, None for what is none."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value if value >= 0 else None
    match = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    return int(match[1]) * _UNITS[match[2].lower()] if match else None


def several(kind: Kind[str], example: str) -> Kind[tuple[str, ...]]:
    """A list, each element of a kind."""

    def of_list(place: Place, value: Any) -> tuple[str, ...] | None:
        if not isinstance(value, list):
            hint = f": write [{shown(value)}]" if isinstance(value, str) else ""
            place.complain(f"a list is wanted, such as {example}, not {shown(value)}{hint}")
            return None
        elements = [kind(place.below(index), one) for index, one in enumerate(value)]
        return tuple(element for element in elements if element is not None)

    return of_list


def secret(place: Place, value: Any) -> str | None:
    """Text that nobody should see: itself, `{ file = "/path" }`, or `{ env = "NAME" }`."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and len(value) == 1:
        match value:
            case {"file": str() as path}:
                return _from_file(place.below("file"), path)
            case {"env": str() as name}:
                return _from_environment(place.below("env"), name)
    place.complain('text is wanted, or { file = "/path" }, or { env = "NAME" }')
    return None


def _from_file(place: Place, path: str) -> str | None:
    try:
        with open(path, encoding="utf-8") as source:
            return source.read().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        place.complain(f"{path} cannot be read: {reason(error)}")
        return None


def _from_environment(place: Place, name: str) -> str | None:
    value = os.environ.get(name)
    if value is None:
        place.complain(f"the environment has no variable {name}: set it before the start")
    return value


def reason(error: Exception) -> str:
    """Return why a file could not be used, without its name."""
    if isinstance(error, OSError):
        return (error.strerror or str(error)).lower()
    return "it is not text in UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
