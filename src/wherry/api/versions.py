"""Versions of the Engine API: what is announced, what is understood, and the words of refusal."""

from __future__ import annotations

import re

from wherry.api.status import PlainTextError
from wherry.base.errors import InvalidError

Version = tuple[int, int]

# From 1.52 on, events and inspect lose fields that docker-compose 1.29 and docker-py read.
NEWEST: Version = (1, 51)
OLDEST: Version = (1, 24)
# Not announced: what skopeo before 1.14 asks for without negotiating, and for nothing that differs.
_OLDEST_ANSWERED: Version = (1, 22)
_PREFIX = re.compile(r"/v(\d{1,3})\.(\d{1,4})(?=/)")


def text(version: Version) -> str:
    """Write a version as clients do."""
    return f"{version[0]}.{version[1]}"


def split(path: str) -> tuple[Version, str]:
    """Part a path from its version prefix; without one, the newest version is meant."""
    match = _PREFIX.match(path)
    if match is None:
        return NEWEST, path
    version = (int(match[1]), int(match[2]))
    if version > NEWEST:
        raise InvalidError(
            f"client version {text(version)} is too new. "
            f"Maximum supported API version is {text(NEWEST)}"
        )
    if version < _OLDEST_ANSWERED:
        raise PlainTextError(
            f"client version {text(version)} is too old. Minimum supported API version is "
            f"{text(OLDEST)}, please upgrade your client to a newer version"
        )
    return max(version, OLDEST), path[match.end() :]
