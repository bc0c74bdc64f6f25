"""Where a registry may send its client, and with what."""

from __future__ import annotations

import pytest

from wherry.base.errors import DataLossError
from wherry.registry.client.addresses import joined, keeps_credentials, shown


@pytest.mark.parametrize(
    ("base", "location", "url"),
    [
        ("https://r/v2/a/blobs/uploads/", "/v2/a/blobs/uploads/1?s=%2F", "https://r/v2/a/blobs/uploads/1?s=%2F"),
        ("https://r/v2/a/", "1?x=y", "https://r/v2/a/1?x=y"),
        ("https://r/v2/a/1", "?x=y", "https://r/v2/a/1?x=y"),
        ("https://r/v2/", "https://cdn/x?sig=a%2Bb#f", "https://cdn/x?sig=a%2Bb"),
        ("https://r/v2/", "//cdn/x", "https://cdn/x"),
        ("https://r/v2/", "http://cdn/x", "http://cdn/x"),
        ("https://r:5000/v2/", "http://r/v2/x", "https://r:5000/v2/x"),
        ("https://r:5000/v2/", "http://r:5000/v2/x", "https://r:5000/v2/x"),
        ("http://r/v2/", "http://r/a b\u00e9", "http://r/a%20b%C3%A9"),
    ],
)  # fmt: skip
def test_locations(base: str, location: str, url: str) -> None:
    assert joined(base, location) == url


@pytest.mark.parametrize(
    "location",
    ["", "file:///etc/passwd", "ftp://x/", "javascript:0", "https://u:p@r/",
     "http://[", "http://r:99999/", "http://r:0/", "unix:///run/docker.sock"],
)  # fmt: skip
def test_locations_that_are_refused(location: str) -> None:
    with pytest.raises(DataLossError):
        joined("https://r/v2/", location)


@pytest.mark.parametrize(
    ("origin", "target", "kept"),
    [
        ("https://r/", "https://R:443/x", True),
        ("https://r/", "https://cdn/", False),
        ("https://r/", "https://r.evil/", False),
        ("https://r/", "https://r:444/", False),
        ("https://r/", "http://r/", False),
        ("http://r/", "https://r/", True),
        ("http://r:5000/", "https://r/", False),
    ],
)
def test_where_credentials_may_go(origin: str, target: str, kept: bool) -> None:
    assert keeps_credentials(origin, target) is kept


def test_signatures_are_not_shown() -> None:
    assert shown("https://cdn/x?sig=1", "https://r/x?a=b") == "https://cdn/x"
    assert shown("https://r/x?a=b", "https://r/x?a=b") == "https://r/x?a=b"
