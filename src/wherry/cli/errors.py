"""Failures of the client program and their exit statuses, which are docker's."""

from __future__ import annotations

from wherry.base.errors import InvalidError, WherryError

FAILED = 1
USAGE = 125


class CommandError(WherryError):
    """A command failed; `status` is the exit status. An empty message prints nothing."""

    def __init__(self, message: str, status: int = FAILED) -> None:
        super().__init__(message)
        self.status = status


class UsageError(InvalidError):
    """Flags or arguments make no sense together, or what they name cannot be used."""


class FlagError(UsageError):
    """A flag is not known, or its value cannot be read; the usage is shown with it."""
