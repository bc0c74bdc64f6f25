"""What /proc says of a process."""

from __future__ import annotations

_STATE_FIELD = 3
_START_TIME_FIELD = 22
_FIELDS_UP_TO_NAME = 2


def start_ticks(pid: int) -> int | None:
    """Return when the process started, in clock ticks since boot; None when there is none.

    Together with the pid it names a process for good: a pid is used again, this pair is not.
    """
    fields = stat_fields(pid)
    return int(fields[_START_TIME_FIELD - _FIELDS_UP_TO_NAME - 1]) if fields else None


def is_running(pid: int, ticks: int) -> bool:
    """Tell whether the process that started then is still there, and not a zombie."""
    fields = stat_fields(pid)
    if not fields or int(fields[_START_TIME_FIELD - _FIELDS_UP_TO_NAME - 1]) != ticks:
        return False
    return fields[_STATE_FIELD - _FIELDS_UP_TO_NAME - 1] not in (b"Z", b"X")


def stat_fields(pid: int) -> list[bytes]:
    """Return the fields of /proc/<pid>/stat behind the name; none when there is no process."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # The name, in parentheses, may itself hold parentheses and spaces.
            return file.read().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
