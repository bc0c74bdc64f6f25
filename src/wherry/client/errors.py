"""What can go wrong between a client and an engine.

Nothing here knows exit codes: `wherry.cli` turns these into words and a status.
"""

from __future__ import annotations

from wherry.base.errors import InvalidError, UnavailableError, WherryError


class ApiError(WherryError):
    """The engine answered with an error; `message` is its own sentence."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class UnreachableError(UnavailableError):
    """No engine answers at the address."""

    def __init__(self, address: str, reason: str, way_out: str = "") -> None:
        super().__init__(f"no engine answers at {address}: {reason}")
        self.address = address
        self.reason = reason
        self.way_out = way_out or "name another engine with -H"


class BrokenReplyError(UnavailableError):
    """The engine went away, or what it sent is not HTTP."""


class AddressError(InvalidError):
    """An address (`-H`, WHERRY_HOST, DOCKER_HOST) cannot be read."""
