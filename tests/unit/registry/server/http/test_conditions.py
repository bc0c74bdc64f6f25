"""Conditional requests."""

from __future__ import annotations

import pytest
from aiohttp.test_utils import make_mocked_request

from wherry.oci.digest import Digest
from wherry.registry.server.http.conditions import etag, range_counts, unchanged

DIGEST = Digest("sha256:" + "a" * 64)
OTHER = Digest("sha256:" + "b" * 64)


@pytest.mark.parametrize(
    ("header", "same"),
    [
        (None, False),
        (f'"{DIGEST}"', True),
        (DIGEST, True),
        (f'W/"{DIGEST}"', True),
        (f'"x", "{DIGEST}"', True),
        ("*", True),
        (f'"{OTHER}"', False),
        ("", False),
    ],
)
def test_if_none_match(header: str | None, same: bool) -> None:
    headers = {} if header is None else {"If-None-Match": header}
    assert unchanged(make_mocked_request("GET", "/", headers), DIGEST) is same


@pytest.mark.parametrize(
    ("header", "counts"),
    [(None, True), (etag(DIGEST), True), (etag(OTHER), False), (f"W/{etag(DIGEST)}", False)],
)
def test_if_range(header: str | None, counts: bool) -> None:
    headers = {} if header is None else {"If-Range": header}
    assert range_counts(make_mocked_request("GET", "/", headers), DIGEST) is counts
