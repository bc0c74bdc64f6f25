"""Failures of an object store, in words that say what to do and give nothing away."""

from __future__ import annotations

import pytest

from wherry.registry.blobdrivers.objectfailures import reason, unavailable
from wherry.registry.server.settings import ObjectStorage

DEBUG = '\n\nDebug source:\nGeneric {\n store: "S3",\n source: RetryError(\n'
CASES = [
    (
        "Server returned non-2xx status code: 404 Not Found: <Error><Code>NoSuchBucket</Code>",
        "NoSuchBucket",
    ),
    (
        "Error performing HEAD http://h/b/x - Server returned non-2xx status code: 403 Forbidden: ",
        "403 Forbidden",
    ),
    (
        "Error performing PUT http://h/b/x - HTTP error: error sending request"
        + DEBUG
        + 'Os { code: 111, kind: ConnectionRefused, message: "Connection refused" }',
        "Connection refused",
    ),
    (
        "Error performing PUT http://h/b/x - HTTP error: error sending request"
        + DEBUG
        + 'Custom { kind: Uncategorized, error: "failed to lookup address information: Name" }',
        "failed to lookup address information: Name",
    ),
    (
        "Error performing PUT http://h/b/x - HTTP error: error sending request"
        + DEBUG
        + "HttpError {\n kind: Timeout,\n",
        "Timeout",
    ),
    ("Error performing PUT http://h/b/x - HTTP error: strange", "strange"),
    ("something else\nand more", "something else"),
    ("", "ValueError"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_reasons(text: str, expected: str) -> None:
    assert reason(ValueError(text)) == expected


def test_words() -> None:
    storage = ObjectStorage("blobs", "http://minio:9000", access_key="AK", secret_key="topsecret")
    told = str(unavailable(storage, ValueError("<Code>SignatureDoesNotMatch</Code> topsecret")))
    assert told == (
        "bucket blobs at http://minio:9000: SignatureDoesNotMatch; "
        "check access_key and secret_key, and what they allow"
    )
    told = str(unavailable(ObjectStorage("blobs"), ValueError("<Code>NoSuchBucket</Code>")))
    assert told == (
        "bucket blobs at Amazon S3 in us-east-1: NoSuchBucket; "
        "create it, or name another in the settings"
    )
