"""`--publish` and `--expose`."""

from __future__ import annotations

import pytest

from wherry.cli.errors import UsageError
from wherry.cli.options.ports import exposed, published


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("80", {"80/tcp": [("", "")]}),
        ("8080:80", {"80/tcp": [("", "8080")]}),
        ("127.0.0.1::53/udp", {"53/udp": [("127.0.0.1", "")]}),
        ("[::1]:80:81", {"81/tcp": [("::1", "80")]}),
        ("90-91:80-81", {"80/tcp": [("", "90")], "81/tcp": [("", "91")]}),
        ("7000-7005:70", {"70/tcp": [("", "7000-7005")]}),
        ("target=80,published=8080,protocol=udp", {"80/udp": [("", "8080")]}),
    ],
)
def test_published(text: str, expected: dict[str, list[tuple[str, str]]]) -> None:
    found = {
        port: [(binding["HostIp"], binding["HostPort"]) for binding in bindings]
        for port, bindings in published([text]).items()
    }
    assert found == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("foo", "invalid containerPort: foo"),
        ("99999:80", "invalid hostPort: 99999"),
        ("80-79", "invalid containerPort: 80-79"),
        ("1-3:1-2", "invalid ranges specified for container and host Ports: 1-2 and 1-3"),
        ("1.2.3:80:80", "invalid IP address: 1.2.3"),
        ("80/foo", "invalid proto: foo"),
        ("", "no port specified: <empty>"),
        ("target=80,colour=red", "invalid field key: colour"),
    ],
)
def test_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        published([text])
    assert str(caught.value) == message


def test_exposed() -> None:
    assert exposed(["80", "90-91/udp"]) == ["80/tcp", "90/udp", "91/udp"]
    with pytest.raises(UsageError, match="invalid port format for --expose: 1:2"):
        exposed(["1:2"])
