"""From an error to what a client is told: the only place where the two meet.

Each class of error has a code of the protocol, and the code has a status (`protocol.ERROR_CODES`)
unless the class needs another one. A class that is not named here is told by its category. What is
our own fault is told without details, which go to the log; so are failures of storage and database,
whose words name paths and hosts.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

from aiohttp import web

from wherry.base import errors
from wherry.base.values import dataclass
from wherry.oci.digest import InvalidDigestError
from wherry.registry import protocol
from wherry.registry.blobdrivers.driver import ObjectNotFoundError, StorageUnavailableError
from wherry.registry.protocol import ERROR_CODES, printable
from wherry.registry.server import backend
from wherry.registry.server.access import guard
from wherry.registry.server.catalog.database import DatabaseUnavailableError
from wherry.registry.server.http.paging import PageSizeError
from wherry.registry.server.http.ranges import BlobRangeError, ChunkRangeError, upload_range
from wherry.registry.server.http.receive import ClientGoneError, LengthError
from wherry.registry.server.http.routing import MethodError, PathUnknownError

GONE = 499  # as other servers log a client that has left
_SOON = 5.0
_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class _As:
    """The code for a class of errors; `status` where it is not the code's, `private` when its
    words are not for clients."""

    code: str
    status: int = 0
    private: bool = False


_TABLE: Mapping[type[Exception], _As] = {
    backend.RepositoryNameError: _As(protocol.NAME_INVALID),
    backend.TagNameError: _As(protocol.TAG_INVALID),
    backend.RepositoryUnknownError: _As(protocol.NAME_UNKNOWN),
    backend.ManifestUnknownError: _As(protocol.MANIFEST_UNKNOWN),
    backend.BlobUnknownError: _As(protocol.BLOB_UNKNOWN),
    backend.UploadUnknownError: _As(protocol.UPLOAD_UNKNOWN),
    backend.UploadRangeError: _As(protocol.UPLOAD_INVALID, 416),
    backend.DigestMismatchError: _As(protocol.DIGEST_INVALID),
    backend.ManifestInvalidError: _As(protocol.MANIFEST_INVALID),
    backend.ManifestBlobUnknownError: _As(protocol.MANIFEST_BLOB_UNKNOWN),
    backend.TooLargeError: _As(protocol.SIZE_INVALID, 413),
    backend.ImmutableError: _As(protocol.DENIED),
    guard.AuthenticationRequiredError: _As(protocol.UNAUTHORIZED),
    guard.DeniedError: _As(protocol.DENIED),
    guard.TooManyRequestsError: _As(protocol.TOO_MANY_REQUESTS),
    InvalidDigestError: _As(protocol.DIGEST_INVALID),
    ObjectNotFoundError: _As(protocol.BLOB_UNKNOWN, private=True),
    StorageUnavailableError: _As(protocol.UNAVAILABLE, private=True),
    DatabaseUnavailableError: _As(protocol.UNAVAILABLE, private=True),
    PageSizeError: _As(protocol.PAGE_INVALID),
    BlobRangeError: _As(protocol.RANGE_INVALID),
    ChunkRangeError: _As(protocol.UPLOAD_INVALID, 400),
    LengthError: _As(protocol.SIZE_INVALID),
    MethodError: _As(protocol.UNSUPPORTED),
    PathUnknownError: _As(protocol.UNSUPPORTED, 404),
    ClientGoneError: _As(protocol.UNAVAILABLE, GONE),
    errors.NotFoundError: _As(protocol.NAME_UNKNOWN),
    errors.InvalidError: _As(protocol.UNSUPPORTED, 400),
    errors.ConflictError: _As(protocol.UNSUPPORTED, 409),
    errors.UnauthorisedError: _As(protocol.UNAUTHORIZED),
    errors.ForbiddenError: _As(protocol.DENIED),
    errors.UnavailableError: _As(protocol.UNAVAILABLE),
    errors.UnsupportedError: _As(protocol.UNSUPPORTED),
    errors.DeadlineError: _As(protocol.UNAVAILABLE, 408),
    errors.CancelledError: _As(protocol.UNAVAILABLE),
}
_OURS = _As(protocol.UNKNOWN, private=True)


@dataclass(frozen=True, slots=True)
class Refusal:
    """What an error is to a client. `detail` is for the log; `logged`: somebody has to look."""

    status: int
    code: str
    response: web.Response
    detail: str
    logged: bool = False


def refusal(error: Exception) -> Refusal:
    """Return what a client is told of an error."""
    known = next((_TABLE[kind] for kind in type(error).__mro__ if kind in _TABLE), _OURS)
    status = known.status or ERROR_CODES[known.code].status
    message = ERROR_CODES[known.code].message if known.private else printable(str(error))
    body = json.dumps({"errors": _entries(error, known.code, message)}).encode() + b"\n"
    response = web.Response(status=status, body=body, headers=_headers(error))
    if status in (408, GONE):
        response.force_close()
    detail = printable(f"{type(error).__name__}: {error}" if known.private else str(error))
    return Refusal(status, known.code, response, detail, logged=known.private and status >= 500)


def _entries(error: Exception, code: str, message: str) -> list[dict[str, object]]:
    """Return the errors that one error is: a manifest can lack several blobs."""
    if isinstance(error, backend.ManifestBlobUnknownError):
        words = ERROR_CODES[code].message
        return [
            {"code": code, "message": words, "detail": {"digest": digest}}
            for digest in error.missing[:100]
        ]
    return [{"code": code, "message": message or ERROR_CODES[code].message}]


def _headers(error: Exception) -> list[tuple[str, str]]:
    headers = [("Content-Type", _JSON)]
    match error:
        case guard.AuthenticationRequiredError():
            headers += [("WWW-Authenticate", challenge) for challenge in error.challenges]
        case guard.TooManyRequestsError():
            headers.append(("Retry-After", str(max(1, math.ceil(error.retry_after)))))
        case backend.UploadRangeError():
            headers.append(("Range", upload_range(error.size)))
        case BlobRangeError():
            headers.append(("Content-Range", f"bytes */{error.size}"))
        case MethodError():
            headers.append(("Allow", ", ".join(error.allowed)))
        case errors.UnavailableError():
            headers.append(("Retry-After", str(math.ceil(_SOON))))
    return headers
