"""Durations as Go writes them: `30s`, `1m30s`, `1.5h`, `0`; in nanoseconds."""

from __future__ import annotations

import re
from typing import Final

from wherry.build.dockerfile.errors import GrammarError, quoted

_UNITS: Final = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_PART: Final = re.compile(r"([0-9]*)(?:\.([0-9]*))?([^0-9.]+)")
_LONGEST: Final = 64
_MOST: Final = 2**63 - 1


def read_duration(text: str) -> int:
    """Read a duration. Raises `GrammarError` in Go's words."""
    sign = -1 if text.startswith("-") else 1
    bare = text[1:] if text[:1] in ("+", "-") else text
    if bare == "0":
        return 0
    total, end = 0, 0
    while len(bare) <= _LONGEST and (match := _PART.match(bare, end)):
        whole, fraction, unit = match[1], match[2] or "", match[3]
        if not whole + fraction:
            break
        if unit not in _UNITS:
            raise GrammarError(
                f"time: unknown unit {quoted(unit)} in duration {quoted(text)}: use one of "
                "ns, us, ms, s, m, h"
            )
        scale = 10 ** len(fraction)
        total += int(whole + fraction) * _UNITS[unit] // scale if whole + fraction else 0
        end = match.end()
    if not bare or end != len(bare) or total > _MOST:
        missing = end < len(bare) and bare[end:].replace(".", "", 1).isdecimal()
        problem = "missing unit in" if missing else "invalid"
        raise GrammarError(f"time: {problem} duration {quoted(text)}")
    return sign * total
