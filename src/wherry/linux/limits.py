"""How many files may be open: a program that holds many raises its own limit."""

from __future__ import annotations

import resource
from typing import Final

# Some programs go over all that may be open; more than this is of no use to anybody here.
_ENOUGH: Final = 1 << 20


def raise_open_files() -> tuple[int, int]:
    """Raise the soft limit of this process towards the hard one; returns both as they were."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _ENOUGH if hard == resource.RLIM_INFINITY else min(hard, _ENOUGH)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return soft, hard
