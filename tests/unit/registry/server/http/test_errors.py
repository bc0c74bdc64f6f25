"""Errors as clients are told of them."""

from __future__ import annotations

import json

import pytest

from wherry.base import errors
from wherry.oci.digest import Digest, InvalidDigestError
from wherry.registry.blobdrivers.driver import Key, ObjectNotFoundError, StorageUnavailableError
from wherry.registry.protocol import ERROR_CODES
from wherry.registry.server import backend
from wherry.registry.server.access import guard
from wherry.registry.server.catalog.database import DatabaseUnavailableError
from wherry.registry.server.http.errors import refusal
from wherry.registry.server.http.paging import PageSizeError
from wherry.registry.server.http.ranges import BlobRangeError, ChunkRangeError
from wherry.registry.server.http.receive import ClientGoneError, LengthError
from wherry.registry.server.http.routing import MethodError, PathUnknownError

DIGEST = Digest("sha256:" + "a" * 64)
OTHER = Digest("sha256:" + "b" * 64)


class UnforeseenError(Exception):
    pass


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (backend.RepositoryNameError("A"), 400, "NAME_INVALID"),
        (backend.TagNameError("/"), 400, "TAG_INVALID"),
        (backend.RepositoryUnknownError("a"), 404, "NAME_UNKNOWN"),
        (backend.ManifestUnknownError("a", "x"), 404, "MANIFEST_UNKNOWN"),
        (backend.BlobUnknownError(DIGEST), 404, "BLOB_UNKNOWN"),
        (backend.UploadUnknownError("x"), 404, "BLOB_UPLOAD_UNKNOWN"),
        (backend.UploadRangeError(3), 416, "BLOB_UPLOAD_INVALID"),
        (backend.DigestMismatchError(DIGEST, OTHER), 400, "DIGEST_INVALID"),
        (backend.ManifestInvalidError("x"), 400, "MANIFEST_INVALID"),
        (backend.ManifestBlobUnknownError([DIGEST]), 400, "MANIFEST_BLOB_UNKNOWN"),
        (backend.TooLargeError("x"), 413, "SIZE_INVALID"),
        (backend.ImmutableError("x"), 403, "DENIED"),
        (guard.AuthenticationRequiredError("x", []), 401, "UNAUTHORIZED"),
        (guard.DeniedError("x"), 403, "DENIED"),
        (guard.TooManyRequestsError("x", 1.0), 429, "TOOMANYREQUESTS"),
        (InvalidDigestError("x"), 400, "DIGEST_INVALID"),
        (ObjectNotFoundError(Key("k")), 404, "BLOB_UNKNOWN"),
        (StorageUnavailableError("x"), 503, "UNAVAILABLE"),
        (DatabaseUnavailableError("x"), 503, "UNAVAILABLE"),
        (PageSizeError("x"), 400, "PAGINATION_NUMBER_INVALID"),
        (BlobRangeError(10), 416, "RANGE_INVALID"),
        (ChunkRangeError("x"), 400, "BLOB_UPLOAD_INVALID"),
        (LengthError(1, 2), 400, "SIZE_INVALID"),
        (MethodError("X", ["GET"]), 405, "UNSUPPORTED"),
        (PathUnknownError(), 404, "UNSUPPORTED"),
        (ClientGoneError(), 499, "UNAVAILABLE"),
        (errors.NotFoundError("x"), 404, "NAME_UNKNOWN"),
        (errors.InvalidError("x"), 400, "UNSUPPORTED"),
        (errors.ConflictError("x"), 409, "UNSUPPORTED"),
        (errors.UnauthorisedError("x"), 401, "UNAUTHORIZED"),
        (errors.ForbiddenError("x"), 403, "DENIED"),
        (errors.UnavailableError("x"), 503, "UNAVAILABLE"),
        (errors.UnsupportedError("x"), 405, "UNSUPPORTED"),
        (errors.DeadlineError("x"), 408, "UNAVAILABLE"),
        (errors.CancelledError("x"), 503, "UNAVAILABLE"),
        (errors.DataLossError("x"), 500, "UNKNOWN"),
        (errors.InternalError("x"), 500, "UNKNOWN"),
        (UnforeseenError("x"), 500, "UNKNOWN"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_every_error_has_a_status_and_a_code(error: Exception, status: int, code: str) -> None:
    told = refusal(error)
    assert (told.status, told.code) == (status, code)
    assert told.response.status == status
    assert isinstance(told.response.body, bytes)
    entries = json.loads(told.response.body)["errors"]
    assert [entry["code"] for entry in entries] == [code]
    assert code in ERROR_CODES


@pytest.mark.parametrize(
    "error",
    [
        StorageUnavailableError("/secret"),
        DatabaseUnavailableError("/secret"),
        errors.InternalError("/secret"),
        UnforeseenError("/secret"),
    ],
)
def test_what_is_ours_is_for_the_log(error: Exception) -> None:
    told = refusal(error)
    assert isinstance(told.response.body, bytes)
    assert b"secret" not in told.response.body
    assert "/secret" in told.detail
    assert told.logged


@pytest.mark.parametrize(
    ("error", "name", "values"),
    [
        (
            guard.AuthenticationRequiredError("x", ["Bearer a", "Basic b"]),
            "WWW-Authenticate",
            ["Bearer a", "Basic b"],
        ),
        (guard.TooManyRequestsError("x", 2.1), "Retry-After", ["3"]),
        (backend.UploadRangeError(10), "Range", ["0-9"]),
        (BlobRangeError(10), "Content-Range", ["bytes */10"]),
        (MethodError("X", ["GET", "HEAD"]), "Allow", ["GET, HEAD"]),
        (StorageUnavailableError("x"), "Retry-After", ["5"]),
    ],
)
def test_headers(error: Exception, name: str, values: list[str]) -> None:
    assert refusal(error).response.headers.getall(name) == values


def test_each_missing_blob_is_told() -> None:
    told = refusal(backend.ManifestBlobUnknownError([DIGEST, OTHER])).response
    assert isinstance(told.body, bytes)
    found = [entry["detail"]["digest"] for entry in json.loads(told.body)["errors"]]
    assert found == [DIGEST, OTHER]


def test_what_a_client_wrote_is_one_printable_line() -> None:
    told = refusal(errors.InvalidError("a\r\nb\x1b[0m" + "x" * 5000))
    assert isinstance(told.response.body, bytes)
    message = json.loads(told.response.body)["errors"][0]["message"]
    assert message.startswith("a b [0m")
    assert message.isprintable()
    assert len(message) <= 1024
