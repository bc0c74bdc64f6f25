"""Names and numbers of signals, as users write them: `SIGTERM`, `term`, `15`, `RTMIN+3`."""

from __future__ import annotations

import signal
from typing import Final

from wherry.base.errors import InvalidError

_FIRST_REAL_TIME: Final = 34
_LAST_REAL_TIME: Final = 64
_HIGHEST: Final = 64


def parse_signal(text: str) -> int:
    """Return the number; raises InvalidError with Docker's words."""
    if text.isdecimal():
        number = int(text)
        if 0 < number <= _HIGHEST:
            return number
        raise InvalidError(f"Invalid signal: {text}")
    name = text.upper().removeprefix("SIG")
    if name.startswith(("RTMIN", "RTMAX")):
        return _real_time(text, name)
    found = signal.Signals.__members__.get(f"SIG{name}")
    if found is None:
        raise InvalidError(f"Invalid signal: {text}")
    return int(found)


def _real_time(text: str, name: str) -> int:
    base = _FIRST_REAL_TIME if name.startswith("RTMIN") else _LAST_REAL_TIME
    offset = name[len("RTMIN") :]
    try:
        number = base + (int(offset) if offset else 0)
    except ValueError:
        raise InvalidError(f"Invalid signal: {text}") from None
    if not _FIRST_REAL_TIME <= number <= _LAST_REAL_TIME:
        raise InvalidError(f"Invalid signal: {text}")
    return number
