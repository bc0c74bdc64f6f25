"""Token requests, replies, and the cache."""

from __future__ import annotations

from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from wherry.base.errors import InvalidError, UnavailableError
from wherry.registry.auth.credentials import ANONYMOUS, Credentials
from wherry.registry.auth.token import (
    Token,
    TokenCache,
    TokenKey,
    read_token,
    token_key,
    token_request,
)

REALM = {"realm": "https://auth.example/token?kind=x", "service": "registry.example"}
ANN = Credentials("ann", "secret")


def test_an_anonymous_request() -> None:
    key = token_key(REALM, ("repository:a:pull", "repository:b:pull"), ANONYMOUS)
    request = token_request(key)
    parts = urlsplit(request.url)
    assert parts._replace(query="").geturl() == "https://auth.example/token"
    assert parse_qs(parts.query) == {
        "kind": ["x"],
        "service": ["registry.example"],
        "scope": ["repository:a:pull", "repository:b:pull"],
    }
    assert (request.headers, request.form) == ({}, None)


def test_a_request_with_a_password() -> None:
    request = token_request(token_key(REALM, (), ANN), offline=True)
    query = dict(parse_qsl(urlsplit(request.url).query))
    assert query["account"] == "ann"
    assert (query["offline_token"], query["client_id"]) == ("true", "docker")
    assert request.headers == {"Authorization": ANN.basic()}


def test_a_request_with_an_identity_token() -> None:
    key = token_key(REALM, ("repository:a:pull",), Credentials(identity_token="it"))
    request = token_request(key)
    assert request.url == REALM["realm"]
    assert request.form is not None
    assert dict(parse_qsl(request.form.decode())) == {
        "grant_type": "refresh_token",
        "refresh_token": "it",
        "service": "registry.example",
        "scope": "repository:a:pull",
        "client_id": "docker",
    }


@pytest.mark.parametrize(
    "realm",
    ["", "file:///etc/passwd", "ftp://x/", "/token", "https://", "https://u:p@x/", "http://[::1"],
)
def test_realms_that_are_none(realm: str) -> None:
    with pytest.raises(InvalidError, match="realm"):
        token_key({"realm": realm}, (), ANN)


@pytest.mark.parametrize(
    ("body", "value", "lifetime"),
    [
        (b'{"token": "t"}', "t", 60),
        (b'{"token": "t", "access_token": "a", "expires_in": 300}', "a", 300),
        (b'{"token": "t", "expires_in": 5}', "t", 60),
        (b'{"token": "t", "expires_in": -7}', "t", 60),
        (b'{"token": "t", "expires_in": 1e300}', "t", 86400),
    ],
)
def test_a_reply(body: bytes, value: str, lifetime: int) -> None:
    assert read_token(body, 1000.0) == Token(value, 1000.0 + lifetime - 10)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"token": ""}', b'{"token": "a\\r\\nX: y"}', b'{"token": 7}']
)
def test_replies_that_are_none(body: bytes) -> None:
    with pytest.raises(UnavailableError):
        read_token(body, 0)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_tokens_are_kept_until_they_end() -> None:
    clock = Clock()
    cache = TokenCache(clock)
    key = token_key(REALM, ("a",), ANN)
    cache.put(key, Token("t", 50))
    assert cache.get(key) == Token("t", 50)
    assert cache.get(token_key(REALM, ("a",), Credentials("ben", "secret"))) is None
    assert cache.get(token_key(REALM, ("b",), ANN)) is None
    clock.now = 50
    assert cache.get(key) is None


def test_a_refused_token_is_dropped_unless_it_was_replaced() -> None:
    cache = TokenCache(Clock())
    key = token_key(REALM, (), ANN)
    cache.put(key, Token("new", 50))
    cache.drop(key, "old")
    assert cache.get(key) is not None
    cache.drop(key, "new")
    assert cache.get(key) is None


def test_the_cache_is_bounded() -> None:
    cache = TokenCache(Clock())
    keys = [TokenKey("https://r/", "", (str(i),), ANONYMOUS) for i in range(1100)]
    for key in keys:
        cache.put(key, Token("t", 50))
    assert sum(cache.get(key) is not None for key in keys) == 1000
    assert cache.get(keys[-1]) is not None
