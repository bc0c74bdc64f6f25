"""Credentials that are none: they open nothing, and tell nothing."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import jwt
import pytest

from fixtures.hostile_place import (
    NOBODY,
    Place,
)


def _token(claims: Mapping[str, Any], key: str = "k" * 32, algorithm: str = "HS256") -> str:
    return jwt.encode(dict(claims), key, algorithm=algorithm)


def _unsigned(claims: Mapping[str, Any], algorithm: str = "none") -> str:
    parts = ({"alg": algorithm, "typ": "JWT"}, claims)
    coded = [base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=") for one in parts]
    return b".".join([*coded, b""]).decode()


_CLAIMS = {
    "iss": "wherry",
    "sub": "ann",
    "aud": "registry.test",
    "exp": 4_000_000_000,
    "iat": 0,
    "access": [{"type": "repository", "name": "private/plan", "actions": ["pull", "*"]}],
}
CREDENTIALS: Mapping[str, str] = {
    "nothing": "",
    "scheme alone": "Basic",
    "no base64": "Basic !!!",
    "no colon": "Basic " + base64.b64encode(b"ann").decode(),
    "nul": "Basic " + base64.b64encode(b"ann\0:\0").decode(),
    "no utf-8": "Basic " + base64.b64encode(b"\xff:\xfe").decode(),
    "long": "Basic " + base64.b64encode(b"ann:" + b"x" * 20_000).decode(),
    "too long": "Basic " + base64.b64encode(b"ann:" + b"x" * 1_000_000).decode(),
    "long name": "Basic " + base64.b64encode(b"x" * 10_000 + b":").decode(),
    "robot": "Basic " + base64.b64encode(b"robot:x:wry_" + b"a" * 43).decode(),
    "other scheme": "Digest username=ann",
    "negotiate": "Negotiate YII=",
    "bearer alone": "Bearer",
    "empty bearer": "Bearer ",
    "no token": "Bearer a.b.c",
    "dots": "Bearer " + "." * 10_000,
    "unsigned": "Bearer " + _unsigned(_CLAIMS),
    "unsigned in capitals": "Bearer " + _unsigned(_CLAIMS, "NONE"),
    "no algorithm": "Bearer " + _unsigned(_CLAIMS, ""),
    "unsigned, said to be": "Bearer " + _unsigned(_CLAIMS, "HS256"),
    "another key": "Bearer " + _token(_CLAIMS),
    "a weak key": "Bearer " + _token(_CLAIMS, "secret" * 6),
    "another algorithm": "Bearer " + _token(_CLAIMS, "k" * 64, "HS512"),
    "expired": "Bearer " + _token({**_CLAIMS, "exp": 1}),
    "claims of other types": "Bearer " + _token({"sub": "1", "exp": "x", "access": {"a": 1}}),
    "huge claims": "Bearer " + _token({**_CLAIMS, "access": ["x" * 10_000]}),
    "two schemes": "Basic Bearer Basic",
}


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
@pytest.mark.parametrize("kind", CREDENTIALS)
def test_credentials_that_are_none_open_nothing(place: Place, kind: str) -> None:
    targets = ["/v2/", "/v2/private/plan/manifests/1", f"/v2/private/plan/blobs/{NOBODY}"]
    for target in targets:
        reply = place.stranger.try_ask("GET", target, Authorization=CREDENTIALS[kind])
        assert reply is None or reply.status in (400, 401, 431)
        if reply and reply.status == 401:
            assert reply.code == "UNAUTHORIZED"
            assert "www-authenticate" in reply.headers
    page = place.stranger.try_ask("GET", "/r/private/plan", Authorization=CREDENTIALS[kind])
    assert page is None or page.status in (303, 400, 401, 431)
    assert page is None or b"secret" not in page.body


def test_a_token_of_ours_that_was_changed_opens_nothing(place: Place) -> None:
    scope = "repository:private/plan:pull"
    host = place.registry.host
    asked = place.ann.ask("GET", f"/token?service={host}&scope={scope}", Host=host)
    token = asked.json()["token"]
    target = "/v2/private/plan/manifests/1"
    given = place.stranger.ask("GET", target, Authorization=f"Bearer {token}", Host=host)
    assert given.status == 200
    first, claims, signature = token.split(".")
    decoded = json.loads(base64.urlsafe_b64decode(claims + "=="))
    longer = json.dumps({**decoded, "exp": decoded["exp"] + 10**6}).encode()
    changed = base64.urlsafe_b64encode(longer).rstrip(b"=").decode()
    for other in (f"{first}.{changed}.{signature}", f"{first}.{claims}.", f"{token}x", token[1:]):
        reply = place.stranger.ask("GET", target, Authorization=f"Bearer {other}", Host=host)
        assert reply.status == 401
    elsewhere = place.stranger.ask(
        "GET", target, Authorization=f"Bearer {token}", Host="another.example"
    )
    assert elsewhere.status == 401


@pytest.mark.parametrize(
    "query",
    [
        "scope=" + "repository:a:pull%20" * 700,
        "&".join(["scope=repository:a:pull"] * 500),
        "scope=::::::",
        "scope=repository:../../etc:pull",
        "scope=repository:private/plan:*",
        "scope=registry:catalog:*",
        "scope=%00%ff",
        "service=" + "x" * 5000,
        "account=ann",
        "offline_token=true",
        "&" * 10_000,
    ],
)
def test_a_stranger_gets_no_more_than_he_may(place: Place, query: str) -> None:
    reply = place.stranger.ask("GET", f"/token?{query}")
    assert reply.status in (200, 400)
    if reply.status == 200:
        token = f"Bearer {reply.json()['token']}"
        pulled = place.stranger.ask(
            "GET", "/v2/private/plan/manifests/1", Authorization=token, Host="registry.test"
        )
        assert pulled.status == 401


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"grant_type=password",
        b"grant_type=password&username=ann&password=" + b"x" * 60_000,
        b"grant_type=password&username=ann&password=" + b"x" * 10_000_000,
        b"grant_type=refresh_token&refresh_token=" + b"." * 1000,
        b"grant_type=" + b"%00" * 100,
        b"&" * 60_000,
        b"\xff" * 100,
        b'{"grant_type": "password"}',
    ],
)
def test_forms_that_are_none_give_no_token(place: Place, body: bytes) -> None:
    form = "application/x-www-form-urlencoded"
    for target in ("/token", "/login", "/logout", "/delete"):
        for kind in (form, "multipart/form-data; boundary=x", "application/json", ""):
            reply = place.stranger.try_ask("POST", target, body, Content_Type=kind)
            assert reply is None or reply.status in (303, 400, 401, 403, 413), target
            assert reply is None or b'"token"' not in reply.body or target == "/login"
