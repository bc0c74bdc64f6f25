"""Which capabilities a container has: Docker's default set, changed by --cap-add and --cap-drop."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from wherry.base.errors import InvalidError
from wherry.runtime.security.capabilities import NAMES, NUMBERS

DEFAULT: Final = tuple(
    f"CAP_{word}"
    for word in (
        "CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP"
        " NET_BIND_SERVICE SYS_CHROOT KILL AUDIT_WRITE"
    ).split()
)
ALL: Final = "ALL"


def normalise(words: Sequence[str] | None) -> list[str]:
    """Return capabilities in their full upper-case names; `ALL` stays. Raises InvalidError."""
    found = []
    for word in words or ():
        name = word.upper()
        if name != ALL and not name.startswith("CAP_"):
            name = f"CAP_{name}"
        if name not in (ALL, f"CAP_{ALL}") and name not in NUMBERS:
            raise InvalidError(f'invalid capability: "{word}"')
        found.append(ALL if name == f"CAP_{ALL}" else name)
    return found


def effective(
    add: Sequence[str] | None,
    drop: Sequence[str] | None,
    *,
    privileged: bool,
    available: Collection[int],
) -> list[str]:
    """Return what the container has, in the order of their numbers.

    `available` are the numbers of those that the engine itself may give: in a virtual machine or a
    container some can be missing, and even a privileged container does without them, as in Docker.
    """
    known = [name for number, name in enumerate(NAMES) if number in available]
    added, dropped = normalise(add), normalise(drop)
    if privileged:
        return list(known)
    if ALL in added:
        wanted = {name for name in known if name not in dropped}
    elif ALL in dropped:
        wanted = set(added)
    else:
        wanted = (set(DEFAULT) | set(added)) - (set(dropped) - set(added))
    return [name for name in known if name in wanted]
