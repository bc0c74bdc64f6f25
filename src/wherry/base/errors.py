"""The categories of failure that the whole project shares.

A concrete error class lives next to the code that raises it, derives from one of these, and names
the object, the cause and, where there is one, the way out. Categories become HTTP status codes in
`wherry.api.status`, and exit codes in `wherry.cli`; nowhere else. Never log an error and raise it
as well; a clean-up that fails is added to the error that caused it with `add_note`.
"""

from __future__ import annotations


class WherryError(Exception):
    """Base of every failure that wherry raises on purpose; `str(error)` is fit for users."""


class NotFoundError(WherryError):
    """The named object does not exist."""


class InvalidError(WherryError):
    """What was asked for makes no sense, whatever the state of the engine."""


class ConflictError(WherryError):
    """It makes sense, but not in the present state: a name taken, an object in use."""


class NotModifiedError(WherryError):
    """The object is already in the state that was asked for."""


class UnauthorisedError(WherryError):
    """Who asks is unknown, or gave wrong credentials."""


class ForbiddenError(WherryError):
    """Who asks is known and may not."""


class UnavailableError(WherryError):
    """A part that is needed does not answer now; trying later can help."""


class UnsupportedError(WherryError):
    """Wherry does not implement this, or this machine cannot do it."""


class DeadlineError(WherryError):
    """It took longer than it was allowed to."""


class CancelledError(WherryError):
    """Whoever asked went away before it was done."""


class DataLossError(WherryError):
    """Stored or received bytes are not what they should be."""


class InternalError(WherryError):
    """A fault of wherry's own."""
