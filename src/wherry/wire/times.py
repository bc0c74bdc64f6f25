"""Times on the wire: RFC 3339 with nanoseconds as Go writes it, and seconds with a fraction."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime

from wherry.base.errors import InvalidError

NEVER = "0001-01-01T00:00:00Z"
SECOND = 1_000_000_000
_SECONDS = re.compile(r"(-?\d{1,12})(?:\.(\d{1,9})\d*)?")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|h|m|s)")
_UNITS = {"h": 3600 * SECOND, "m": 60 * SECOND, "s": SECOND, "ms": 10**6, "us": 1000, "µs": 1000}


def rfc3339_nano(nanoseconds: int) -> str:
    """Write a time since the epoch as Go's RFC3339Nano does: no trailing zeros; 0 is never."""
    if nanoseconds == 0:
        return NEVER
    seconds, fraction = divmod(nanoseconds, SECOND)
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{text}.{fraction:09d}".rstrip("0").rstrip(".") + "Z"


def rfc3339_fixed(nanoseconds: int) -> str:
    """Write a time with all nine digits, as `docker logs -t` shows it."""
    seconds, fraction = divmod(nanoseconds, SECOND)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{fraction:09d}Z"


def parse_time(text: str, now: int) -> int:
    """Read what clients send as a time: seconds with a fraction, RFC 3339, or a duration ago."""
    if match := _SECONDS.fullmatch(text):
        whole, fraction = match.groups()
        return int(whole) * SECOND + int((fraction or "").ljust(9, "0"))
    if (ago := parse_duration(text)) is not None:
        return now - ago
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidError(f"invalid time {text!r}: not seconds, RFC 3339 or a duration") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp()) * SECOND + moment.microsecond * 1000


def parse_duration(text: str) -> int | None:
    """Read Go's `1h30m` as nanoseconds; None when it is no duration."""
    total, end = 0.0, 0
    for match in _DURATION.finditer(text):
        if match.start() != end:
            return None
        total += float(match[1]) * _UNITS.get(match[2], 1)
        end = match.end()
    return int(total) if end and end == len(text) else None
