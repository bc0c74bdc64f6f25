"""Calls: queries, versions, errors, streams of messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from wherry.client import address, engine
from wherry.client.engine import EngineClient, encode, encode_query, error_message
from wherry.client.errors import AddressError, ApiError, BrokenReplyError, UnreachableError

PING = b"HTTP/1.1 200 OK\r\nApi-Version: %s\r\nContent-Length: 0\r\n\r\n"


def client(
    monkeypatch: pytest.MonkeyPatch, scripted: Callable[..., Any], *replies: bytes
) -> tuple[EngineClient, Any]:
    target = scripted(*replies)
    monkeypatch.setattr(engine.address, "parse", lambda text, identity: target)
    return EngineClient("unix:///scripted"), target


@pytest.mark.parametrize(
    ("offered", "used"),
    [(b"1.51", "1.51"), (b"1.99", "1.51"), (b"1.30", "1.30"), (b"x", "1.24"), (b"", "1.24")],
)
def test_the_older_version_is_spoken(
    monkeypatch: pytest.MonkeyPatch, scripted: Callable[..., Any], offered: bytes, used: str
) -> None:
    made, _ = client(monkeypatch, scripted, PING % offered)
    assert made.version == used
    made.close()


def test_a_call_and_its_failures(
    monkeypatch: pytest.MonkeyPatch, scripted: Callable[..., Any]
) -> None:
    found = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"
    missing = b'HTTP/1.1 404 NF\r\nContent-Length: 19\r\n\r\n{"message": "no x"}'
    broken = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n[[["
    made, target = client(monkeypatch, scripted, PING % b"1.51", found, missing, broken)
    assert made.get("/containers/a b?/json", {"all": True}) == []
    assert target.received(1).startswith(b"GET /v1.51/containers/a%20b%3F/json?all=1 HTTP/1.1\r\n")
    with pytest.raises(ApiError) as caught:
        made.get("/x")
    assert caught.value.status == 404
    with pytest.raises(BrokenReplyError, match="not JSON"):
        made.get("/x")
    made.close()


def test_messages_that_are_none(
    monkeypatch: pytest.MonkeyPatch, scripted: Callable[..., Any]
) -> None:
    stream = b'HTTP/1.1 200 OK\r\n\r\n{"status":"a"}\r\n\r\n[]\r\n'
    made, _ = client(monkeypatch, scripted, PING % b"1.51", stream)
    messages = made.events("POST", "/x")
    assert next(messages) == {"status": "a"}
    with pytest.raises(BrokenReplyError, match="no message"):
        next(messages)
    made.close()


def test_queries_and_bodies() -> None:
    query = {"a": True, "b": False, "c": None, "d": 0, "e": "x y&z", "f": {}, "n": ["1", "2"]}
    assert encode_query(query) == "?a=1&d=0&e=x%20y%26z&n=1&n=2"
    assert (
        encode_query({"filters": {"k": ["ü"]}})
        == "?filters=%7B%22k%22%3A%20%5B%22%5Cu00fc%22%5D%7D"
    )
    assert encode_query(None) == ""
    assert encode({"a": "é\udcff"}) == '{"a": "é�"}'.encode()


def test_words_of_errors() -> None:
    assert error_message(500, b'{"message": "why"}') == "why"
    assert error_message(502, b" <html> ") == "<html>"
    assert error_message(500, b"") == "request returned status 500 without a message"
    assert error_message(500, b"[1]") == "[1]"


@pytest.mark.parametrize(
    ("text", "host", "port", "path"),
    [
        ("unix:///run/x.sock", "", 0, "/run/x.sock"), ("/run/x.sock", "", 0, "/run/x.sock"),
        ("tcp://h:1", "h", 1, ""), ("h", "h", 2375, ""), ("tcp://[::1]:5", "::1", 5, ""),
        ("http://h:1/", "h", 1, ""), ("tcp://:1", "127.0.0.1", 1, ""),
    ],
)  # fmt: skip
def test_addresses(text: str, host: str, port: int, path: str) -> None:
    found = address.parse(text)
    assert (found.host, found.port, found.path) == (host, port, path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "unix://",
        "foo://x",
        "tcp://h:x",
        "tcp://h:99999",
        f"/{'x' * 108}",
        "npipe://./x",
        "fd://",
    ],
)
def test_no_addresses(text: str) -> None:
    with pytest.raises(AddressError, match="unable to parse docker host"):
        address.parse(text)


def test_who_is_not_there_is_named_with_a_way_out(tmp_path: Any) -> None:
    with pytest.raises(UnreachableError) as caught:
        address.parse(f"unix://{tmp_path}/x").connect()
    assert (caught.value.reason, caught.value.address) == (
        "No such file or directory",
        f"unix://{tmp_path}/x",
    )
    assert f"wherryd -H unix://{tmp_path}/x" in caught.value.way_out
