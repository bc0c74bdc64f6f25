"""What /proc says of a process."""

from __future__ import annotations

_START_TIME_FIELD = 22
_FIELDS_UP_TO_NAME = 2


def start_ticks(pid: int) -> int | None:
    """Return when the process started, in clock ticks since boot; None when there is none.

    Together with the pid it names a process for good: a pid is used again, this pair is not.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # The name, in parentheses, may itself hold parentheses and spaces.
            fields = file.read().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(fields[_START_TIME_FIELD - _FIELDS_UP_TO_NAME - 1])
