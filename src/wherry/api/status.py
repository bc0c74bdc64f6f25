"""Errors to HTTP status codes and bodies: the only place where they meet."""

from __future__ import annotations

import logging

import msgspec

from wherry.api.http.message import Reply
from wherry.base import errors

log = logging.getLogger(__name__)

JSON = "application/json"  # exactly: the docker client compares the whole string
STATUSES: dict[type[errors.WherryError], int] = {
    errors.NotFoundError: 404,
    errors.InvalidError: 400,
    errors.ConflictError: 409,
    errors.NotModifiedError: 304,
    errors.UnauthorisedError: 401,
    errors.ForbiddenError: 403,
    errors.UnavailableError: 503,
    errors.UnsupportedError: 501,
    errors.DeadlineError: 504,
    errors.CancelledError: 499,
    errors.DataLossError: 500,
    errors.InternalError: 500,
}


class PlainTextError(errors.InvalidError):
    """An error for clients that are too old to be told in JSON."""


def status_of(error: Exception) -> int:
    """Return the status of the category that the error belongs to."""
    for kind in type(error).__mro__:
        if status := STATUSES.get(kind):
            return status
    return 500


def words_of(error: Exception) -> str:
    """Return what the user is told; an error that nobody foresaw is logged with its traceback."""
    if not isinstance(error, errors.WherryError | OSError):
        log.error("unforeseen error", exc_info=error)
    return str(error) or type(error).__name__


def failure(error: Exception) -> Reply:
    """Return the response that tells of an error."""
    status = status_of(error)
    if status == 304:
        return Reply(304)
    words = words_of(error)
    if isinstance(error, PlainTextError):
        return Reply(status, words.encode() + b"\n", "text/plain; charset=utf-8")
    return Reply(status, msgspec.json.encode({"message": words}) + b"\n", JSON)
