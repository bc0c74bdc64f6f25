"""Durations in the words that `docker ps` shows (docker/go-units HumanDuration)."""

from __future__ import annotations

_STEPS = ((48, 1, "hours"), (336, 24, "days"), (1440, 168, "weeks"), (17520, 720, "months"))


def human_duration(nanoseconds: int) -> str:
    """Say how long something has been, roughly."""
    seconds = max(nanoseconds, 0) // 1_000_000_000
    if seconds < 1:
        return "Less than a second"
    if seconds < 60:
        return "1 second" if seconds == 1 else f"{seconds} seconds"
    minutes = seconds // 60
    if minutes < 60:
        return "About a minute" if minutes == 1 else f"{minutes} minutes"
    hours = (seconds + 1800) // 3600
    if hours == 1:
        return "About an hour"
    for limit, size, unit in _STEPS:
        if hours < limit:
            return f"{hours // size} {unit}"
    return f"{hours // 8760} years"
