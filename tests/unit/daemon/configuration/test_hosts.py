"""Addresses to listen on."""

from __future__ import annotations

import pytest

from wherry.base.configuration.document import Document
from wherry.base.configuration.values import Place
from wherry.daemon.configuration.hosts import canonical, host, name_of


def look(text: str) -> tuple[str | None, list[str]]:
    document = Document("f", {}, {})
    found = host(Place(document, ("hosts", 0)), text)
    return found, [problem.message for problem in document.problems]


@pytest.mark.parametrize(
    ("text", "plain", "tls"),
    [
        ("unix:///x/y", "unix:///x/y", "unix:///x/y"),
        ("unix://", "unix:///run/wherry/wherry.sock", "unix:///run/wherry/wherry.sock"),
        ("fd://", "fd://", "fd://"),
        ("fd://3", "fd://3", "fd://3"),
        ("tcp://", "tcp://127.0.0.1:2375", "tcp://127.0.0.1:2376"),
        ("tcp://:99", "tcp://127.0.0.1:99", "tcp://127.0.0.1:99"),
        (":99", "tcp://127.0.0.1:99", "tcp://127.0.0.1:99"),
        ("0.0.0.0", "tcp://0.0.0.0:2375", "tcp://0.0.0.0:2376"),
        ("tcp://[::1]", "tcp://[::1]:2375", "tcp://[::1]:2376"),
        ("tcp://[::1]:7", "tcp://[::1]:7", "tcp://[::1]:7"),
        ("tcp://h.example:0080/", "tcp://h.example:80", "tcp://h.example:80"),
        (" tcp://h: ", "tcp://h:2375", "tcp://h:2376"),
    ],
)
def test_addresses(text: str, plain: str, tls: str) -> None:
    found, problems = look(text)
    assert problems == []
    assert found is not None
    assert canonical(found, tls=False) == plain
    assert canonical(found, tls=True) == tls


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("npipe:////./pipe/docker_engine", "an address begins with unix://, tcp:// or fd://"),
        ("http://x:1", "an address begins with"),
        ("/x/y", "the path of a socket has its scheme before it: write unix:///x/y"),
        ("unix://x", "the path of a socket begins with /: write unix:///x"),
        ("unix:///" + "x" * 107, "the path of a socket has at most 107 bytes"),
        ("tcp://::1:5", "a host and a port are wanted"),
        ("tcp://h:0", "a host and a port are wanted"),
        ("tcp://h:65536", "a host and a port are wanted"),
        ("tcp://h:1/path", "a host and a port are wanted"),
        ("fd://a b", "fd:// takes the number or the name"),
        ("unix:///a\nb", "has control characters in it"),
    ],
)
def test_what_is_none(text: str, message: str) -> None:
    found, problems = look(text)
    assert found is None
    assert message in problems[0]


def test_the_name_of_an_address() -> None:
    assert name_of("tcp://[::1]:5") == "::1"
    assert name_of("tcp://h:5") == "h"
