"""Sizes and times in docker's words."""

from __future__ import annotations

from datetime import UTC, datetime

from wherry.wire.human import human_duration

_DECIMAL = ("B", "kB", "MB", "GB", "TB", "PB")
_BINARY = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def decimal_size(count: float, digits: int = 4) -> str:
    """Return a size in powers of 1000: `1.98MB` with 3 digits."""
    return _scaled(count, 1000, _DECIMAL, digits)


def binary_size(count: float) -> str:
    """Return a size in powers of 1024: `512MiB`."""
    return _scaled(count, 1024, _BINARY, 4)


def _scaled(count: float, base: int, units: tuple[str, ...], digits: int) -> str:
    n = 0
    while count >= base and n < len(units) - 1:
        count /= base
        n += 1
    return f"{count:.{digits}g}{units[n]}"


def ago(seconds: float, now: float) -> str:
    """Say how long ago a point in time was; nothing for a time that is not known."""
    return f"{human_duration(int((now - seconds) * 1e9))} ago" if seconds > 0 else "N/A"


def epoch(text: str) -> float:
    """Return the seconds since 1970 of an RFC 3339 time with up to nine digits of fraction."""
    if not text:
        return 0.0
    before, dot, after = text.partition(".")
    digits = after[: len(after) - len(after.lstrip("0123456789"))] if dot else ""
    rest = after[len(digits) :]
    whole = datetime.fromisoformat(before + rest)
    return whole.astimezone(UTC).timestamp() + (float(f"0.{digits}") if digits else 0.0)


def local_time(seconds: float) -> str:
    """Return a time as `docker ps --format {{.CreatedAt}}` does."""
    local = datetime.fromtimestamp(seconds).astimezone()
    return local.strftime("%Y-%m-%d %H:%M:%S %z ") + (local.tzname() or "")
