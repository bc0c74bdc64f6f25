"""Names of images."""

from __future__ import annotations

import pytest

from wherry.cli.errors import UsageError
from wherry.cli.options.references import HUB, familiar_to_full, host_of, split_reference


@pytest.mark.parametrize(
    ("text", "parts", "host", "full"),
    [
        ("busybox", ("busybox", ""), HUB, "docker.io/library/busybox"),
        ("me/app:1", ("me/app", "1"), HUB, "docker.io/me/app"),
        ("docker.io/me/app", ("docker.io/me/app", ""), HUB, "docker.io/me/app"),
        ("localhost/app:1", ("localhost/app", "1"), "localhost", "localhost/app"),
        ("r.io:5000/a/b", ("r.io:5000/a/b", ""), "r.io:5000", "r.io:5000/a/b"),
        ("a@sha256:12", ("a", "sha256:12"), HUB, "docker.io/library/a"),
    ],
)
def test_parts(text: str, parts: tuple[str, str], host: str, full: str) -> None:
    assert split_reference(text) == parts
    assert host_of(parts[0]) == host
    assert familiar_to_full(parts[0]) == full


@pytest.mark.parametrize("text", ["", " a", "Busybox", "me/App:1"])
def test_no_names(text: str) -> None:
    with pytest.raises(UsageError, match="invalid reference format"):
        split_reference(text)
