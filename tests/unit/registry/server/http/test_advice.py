"""Warnings for those who push."""

from __future__ import annotations

import json

import pytest

from wherry.oci.image import DOCKER_MANIFEST, OCI_MANIFEST
from wherry.registry.server.http.advice import advice, warning


def body(media_type: str | None = OCI_MANIFEST) -> bytes:
    fields = {"schemaVersion": 2} | ({"mediaType": media_type} if media_type else {})
    return json.dumps(fields).encode()


@pytest.mark.parametrize(
    ("announced", "sent", "words"),
    [
        (OCI_MANIFEST, body(), []),
        (DOCKER_MANIFEST, body(DOCKER_MANIFEST), []),
        (OCI_MANIFEST, body(None), ["has no mediaType"]),
        ("", body(), ["has no Content-Type"]),
        (f"{OCI_MANIFEST}; charset=utf-8", body(), ["parameters"]),
        ("application/vnd.x+json", body("application/vnd.x+json"), ["no known type"]),
        ("", b"[]", []),
        (OCI_MANIFEST, b"[" * 100_000, []),
    ],
)
def test_what_is_told(announced: str, sent: bytes, words: list[str]) -> None:
    told = advice(announced, sent)
    assert len(told) == len(words)
    assert all(word in line for word, line in zip(words, told, strict=True))


def test_a_warning_is_one_line_of_plain_text() -> None:
    assert warning('a "b"\r\nc\\d\u00e9') == '299 - "a ?b???c?d?"'
    assert len(warning("x" * 5000)) < 500
