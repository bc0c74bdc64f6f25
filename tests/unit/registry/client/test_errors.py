"""Refusals in Docker's words, by the category that they belong to."""

from __future__ import annotations

import pytest

from wherry.base import errors as base
from wherry.oci.reference import parse_reference
from wherry.registry.client.errors import (
    NoCredentialsError,
    UnexpectedStatusError,
    pull_error,
    refusal,
)
from wherry.registry.protocol import Failure


@pytest.mark.parametrize(
    ("status", "code", "category"),
    [
        (401, "UNAUTHORIZED", base.UnauthorisedError),
        (401, "DENIED", base.ForbiddenError),
        (403, "UNKNOWN", base.ForbiddenError),
        (404, "NAME_UNKNOWN", base.NotFoundError),
        (404, "UNKNOWN", base.NotFoundError),
        (405, "UNSUPPORTED", base.UnsupportedError),
        (429, "TOOMANYREQUESTS", base.UnavailableError),
        (429, "UNKNOWN", base.UnavailableError),
        (400, "MANIFEST_INVALID", base.InvalidError),
    ],
)
def test_categories(status: int, code: str, category: type[base.WherryError]) -> None:
    error = refusal(Failure(status, code, "why"))
    assert isinstance(error, category)
    assert str(error).endswith(": why")


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("debian:9", "MANIFEST_UNKNOWN", "manifest for debian:9 not found: manifest unknown: why"),
        ("r.io/a/b:9", "MANIFEST_UNKNOWN",
         "manifest for r.io/a/b:9 not found: manifest unknown: why"),
        ("ann/app:9", "NAME_UNKNOWN", "repository ann/app not found: name unknown: why"),
        ("ann/app:9", "DENIED",
         ("pull access denied for ann/app, repository does not exist or may require "
          "'docker login': denied: why")),
    ],
)  # fmt: skip
def test_pulls(name: str, code: str, words: str) -> None:
    error = pull_error(refusal(Failure(404, code, "why")), parse_reference(name))
    assert isinstance(error, base.NotFoundError)
    assert str(error) == words


def test_what_a_token_service_refuses_names_its_request() -> None:
    refused = refusal(Failure(403, "DENIED", "why"), 'Get "https://r/v2/"')
    assert pull_error(refused, parse_reference("a")) is refused
    assert str(refused) == 'Get "https://r/v2/": denied: why'


def test_the_rest() -> None:
    assert str(UnexpectedStatusError(502)) == "received unexpected HTTP status: 502 Bad Gateway"
    error = NoCredentialsError("GET", "https://r/v2/")
    assert str(error) == 'Get "https://r/v2/": no basic auth credentials'
