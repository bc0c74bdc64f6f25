"""Tokens that the registry signs."""

from __future__ import annotations

import base64
import json

import jwt
import pytest

from wherry.registry.server.access import tokens as module
from wherry.registry.server.access.scopes import CATALOG
from wherry.registry.server.access.tokens import (
    REFRESH_SECONDS,
    Subject,
    TokenInvalidError,
    Tokens,
    TokenTooLongError,
)

SERVICE = "registry.test"
SECRET = b"k" * 32
ANN = Subject("ann", "seal")
GRANTS = {"team/a": ("pull", "push"), CATALOG: ("*",)}


@pytest.fixture
def tokens(clock) -> Tokens:
    return Tokens(SECRET, 300, clock)


def test_what_was_granted_comes_back(tokens: Tokens, clock) -> None:
    for _ in range(2):
        claims = tokens.read(tokens.issue(ANN, SERVICE, GRANTS), SERVICE)
        assert claims.subject == ANN
        assert claims.expires == clock() + 300
        assert claims.grants == {"team/a": {"pull", "push"}, CATALOG: {"*"}}
    assert tokens.read(tokens.issue(Subject(), SERVICE, {}), SERVICE).grants == {}


def test_claims_are_those_of_the_specification(tokens: Tokens, clock) -> None:
    token = tokens.issue(ANN, SERVICE, GRANTS)
    claims = jwt.decode(token, options={"verify_signature": False})
    assert jwt.get_unverified_header(token) == {"typ": "JWT", "alg": "HS256"}
    assert claims["aud"] == SERVICE
    assert claims["sub"] == "ann"
    assert claims["exp"] == clock() + 300
    assert claims["nbf"] == claims["iat"] == clock()
    assert claims["access"] == [
        {"type": "repository", "name": "team/a", "actions": ["pull", "push"]},
        {"type": "registry", "name": "catalog", "actions": ["*"]},
    ]
    other = jwt.decode(tokens.issue(ANN, SERVICE, GRANTS), options={"verify_signature": False})
    assert claims["jti"] != other["jti"]


def test_processes_with_one_secret_take_each_others(clock) -> None:
    token = Tokens(SECRET, 300, clock).issue(ANN, SERVICE, GRANTS)
    assert Tokens(SECRET, 60, clock).read(token, SERVICE).subject == ANN
    with pytest.raises(TokenInvalidError):
        Tokens(b"other" * 8, 300, clock).read(token, SERVICE)


def test_a_token_ends(tokens: Tokens, clock) -> None:
    token = tokens.issue(ANN, SERVICE, GRANTS)
    clock.pass_by(329)  # the clock of another machine may be behind
    assert tokens.read(token, SERVICE)
    clock.pass_by(1)
    with pytest.raises(TokenInvalidError, match="expired"):
        tokens.read(token, SERVICE)  # that was remembered
    with pytest.raises(TokenInvalidError, match="expired"):
        tokens.read(token, SERVICE)


def test_a_token_of_a_clock_far_ahead(tokens: Tokens, clock) -> None:
    token = tokens.issue(ANN, SERVICE, GRANTS)
    clock.pass_by(-20)
    assert tokens.read(token, SERVICE)
    clock.pass_by(-20)
    fresh = Tokens(SECRET, 300, clock)
    with pytest.raises(TokenInvalidError, match="not valid yet"):
        fresh.read(token, SERVICE)


def test_no_token_lives_shorter_than_clients_believe(clock) -> None:
    assert Tokens(SECRET, 5, clock).seconds == 60


def test_another_service_does_not_take_it(tokens: Tokens) -> None:
    token = tokens.issue(ANN, SERVICE, GRANTS)
    assert tokens.read(token, SERVICE)
    with pytest.raises(TokenInvalidError):
        tokens.read(token, "other.test")


def test_the_kinds_are_never_taken_for_each_other(tokens: Tokens) -> None:
    with pytest.raises(TokenInvalidError):
        tokens.read(tokens.issue_refresh(ANN, SERVICE), SERVICE)
    with pytest.raises(TokenInvalidError):
        tokens.read_refresh(tokens.issue(ANN, SERVICE, GRANTS), SERVICE)


def test_refresh_tokens(tokens: Tokens, clock) -> None:
    token = tokens.issue_refresh(ANN, SERVICE)
    clock.pass_by(REFRESH_SECONDS - 1)
    assert tokens.read_refresh(token, SERVICE) == ANN
    clock.pass_by(60)
    with pytest.raises(TokenInvalidError):
        tokens.read_refresh(token, SERVICE)


def part(value: object) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def forged(tokens: Tokens) -> list[str]:
    good = tokens.issue(ANN, SERVICE, GRANTS)
    header, payload, signature = good.split(".")
    claims = jwt.decode(good, options={"verify_signature": False})
    key = tokens._keys["access"]
    no_claims = [
        jwt.encode({k: v for k, v in claims.items() if k != name}, key, algorithm="HS256")
        for name in ("iss", "aud", "sub", "exp", "nbf", "iat", "jti")
    ]
    return [
        "", ".", "..", "a.b.c", "é.é.é", "\udcff", good + "x", good[:-4], "." + good,
        f"{part({'alg': 'none', 'typ': 'JWT'})}.{payload}.",
        f"{part({'alg': 'none'})}.{payload}.{signature}",
        f"{part({'alg': 'HS512'})}.{payload}.{signature}",
        f"{part({'alg': 5})}.{payload}.{signature}",
        f"{part([])}.{payload}.{signature}",
        f"{part(b'[' * 5000)}.{payload}.{signature}",
        f"{part(b'{' * 5000)}.{payload}.{signature}",
        f"{header}.{part({**claims, 'sub': 'root'})}.{signature}",
        jwt.encode(claims, "weak" * 8, algorithm="HS256"),
        jwt.encode(claims, key, algorithm="HS512"),
        jwt.encode({**claims, "iss": "other"}, key, algorithm="HS256"),
        *no_claims,
    ]  # fmt: skip


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
def test_what_others_make_is_refused(tokens: Tokens) -> None:
    for token in forged(tokens):
        with pytest.raises(TokenInvalidError):
            tokens.read(token, SERVICE)


def test_a_seal_is_of_one_account_and_one_password(tokens: Tokens, clock) -> None:
    seal = tokens.seal("ann", "$2b$hash")
    assert seal == Tokens(SECRET, 300, clock).seal("ann", "$2b$hash")
    others = {
        tokens.seal("bob", "$2b$hash"),
        tokens.seal("ann", "$2b$other"),
        Tokens(b"x" * 32, 300, clock).seal("ann", "$2b$hash"),
    }
    assert seal not in others
    assert "hash" not in seal


def test_a_token_has_to_fit_into_a_header(tokens: Tokens) -> None:
    names = [f"{number:03}" * 80 for number in range(30)]
    with pytest.raises(TokenTooLongError):
        tokens.issue(ANN, SERVICE, dict.fromkeys(names, ("pull",)))


def test_memory_is_bounded(tokens: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_REMEMBERED", 3)
    for _ in range(9):
        tokens.read(tokens.issue(ANN, SERVICE, {}), SERVICE)
    assert len(tokens._verified) == 3
