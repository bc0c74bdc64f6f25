"""Sizes and times in docker's words."""

from __future__ import annotations

import time

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


def local_time(seconds: float) -> str:
    """Return a time as `docker ps --format {{.CreatedAt}}` does."""
    local = time.localtime(seconds)
    return time.strftime("%Y-%m-%d %H:%M:%S %z ", local) + local.tm_zone
