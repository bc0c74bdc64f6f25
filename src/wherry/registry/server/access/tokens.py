"""Tokens that the registry signs: bearer tokens for requests, refresh tokens for bearer tokens.

Both are JWT with HS256 and no other algorithm, each with a key of its own, so that one is never
taken for the other; the keys come from a secret that all processes of a registry share. Claims are
those of the distribution project's token specification: iss, aud (the service), sub, exp, nbf, iat,
jti, and `access` as [{type, name, actions}].

`seal` binds a token to what the account's password was: a keyed hash of the stored hash, of which a
token's reader learns nothing. An account that is removed or whose password changes ends its tokens,
which whoever accepts one has to look up; nothing about tokens is stored anywhere.

Tokens that were verified are remembered, a bounded number of them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

import jwt

from wherry.base.errors import InvalidError, UnauthorisedError
from wherry.base.values import dataclass, field
from wherry.registry.server.access.scopes import CATALOG, claim_of

SHORTEST_SECONDS = 60.0  # clients take a token to live at least so long
REFRESH_SECONDS = 30 * 24 * 3600.0
_ISSUER = "wherry-registry"
_ALGORITHM = "HS256"
_LEEWAY = 30.0  # by how much the clocks of machines that serve one registry may differ
_MOST_REMEMBERED = 10_000
_LONGEST_TOKEN = 7_000  # a header has 8190 bytes
_CLAIMS = ("iss", "aud", "sub", "exp", "nbf", "iat", "jti")

Grants = Mapping[str, frozenset[str]]


class TokenInvalidError(UnauthorisedError):
    """A token that is not ours, has expired, or is for something else."""


class TokenTooLongError(InvalidError):
    """A token with all the scopes would fit into no header."""

    def __init__(self) -> None:
        super().__init__("the token would be too long for a header: ask for fewer scopes")


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a token was given to: "" for nobody in particular; `seal` binds it to a password."""

    name: str = ""
    seal: str = ""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a bearer token says: the actions granted for each repository, and CATALOG."""

    subject: Subject
    expires: float
    grants: Grants = field(default_factory=dict)


class Tokens:
    """Signs and verifies; `now` in seconds since the epoch, `seconds` a bearer token's life."""

    def __init__(self, secret: bytes, seconds: float, now: Callable[[], float]) -> None:
        self._keys = {kind: _derived(secret, kind) for kind in ("access", "refresh", "seal")}
        self._seconds = max(seconds, SHORTEST_SECONDS)
        self._now = now
        self._verified: OrderedDict[tuple[str, str], Claims] = OrderedDict()

    @property
    def seconds(self) -> float:
        """How long a bearer token lives."""
        return self._seconds

    def seal(self, name: str, stored: str) -> str:
        """Return what binds a token to an account as it is now, by its stored hash."""
        data = name.encode() + b"\0" + stored.encode()
        digest = hashlib.blake2b(data, key=self._keys["seal"], digest_size=16).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    def issue(self, subject: Subject, service: str, grants: Mapping[str, tuple[str, ...]]) -> str:
        """Return a bearer token for `service`; raises TokenTooLongError."""
        token = self._sign("access", subject, service, self._seconds, access=claim_of(grants))
        if len(token) > _LONGEST_TOKEN:
            raise TokenTooLongError
        return token

    def read(self, token: str, service: str) -> Claims:
        """Return what a bearer token of ours says; raises TokenInvalidError."""
        key = (token, service)
        claims = self._verified.get(key)
        if claims is None:
            payload = self._verify("access", token, service)
            claims = Claims(_subject(payload), payload["exp"], _grants(payload.get("access")))
            self._verified[key] = claims
            if len(self._verified) > _MOST_REMEMBERED:
                self._verified.popitem(last=False)
        elif claims.expires + _LEEWAY <= self._now():
            del self._verified[key]
            raise TokenInvalidError("the token has expired")
        return claims

    def issue_refresh(self, subject: Subject, service: str) -> str:
        """Return a refresh token."""
        return self._sign("refresh", subject, service, REFRESH_SECONDS)

    def read_refresh(self, token: str, service: str) -> Subject:
        """Return whose refresh token it is; raises TokenInvalidError."""
        return _subject(self._verify("refresh", token, service))

    def _sign(
        self, kind: str, subject: Subject, service: str, seconds: float, **more: object
    ) -> str:
        now = int(self._now())
        payload: dict[str, Any] = {
            "iss": _ISSUER,
            "aud": service,
            "sub": subject.name,
            "exp": now + int(seconds),
            "nbf": now,
            "iat": now,
            "jti": secrets.token_urlsafe(12),
            "seal": subject.seal,
            **more,
        }
        return jwt.encode(payload, self._keys[kind], algorithm=_ALGORITHM)

    def _verify(self, kind: str, token: str, service: str) -> dict[str, Any]:
        # Times are compared here, since the library knows no clock but the system's.
        options: Any = {"require": _CLAIMS, "verify_exp": False, "verify_nbf": False}
        options["verify_iat"] = False
        try:
            payload: dict[str, Any] = jwt.decode(
                token,
                self._keys[kind],
                algorithms=[_ALGORITHM],
                audience=service,
                issuer=_ISSUER,
                options=options,
            )
        except (jwt.InvalidTokenError, ValueError, RecursionError):
            # The header is JSON of a stranger, nested as deep as he likes.
            raise TokenInvalidError("the token is not one of this registry's") from None
        now = self._now()
        if payload["exp"] + _LEEWAY <= now:
            raise TokenInvalidError("the token has expired")
        if payload["nbf"] - _LEEWAY > now:
            raise TokenInvalidError("the token is not valid yet")
        return payload


def _derived(secret: bytes, kind: str) -> bytes:
    return hmac.digest(secret, kind.encode(), "sha256")


def _subject(payload: Mapping[str, Any]) -> Subject:
    return Subject(payload["sub"], payload["seal"])


def _grants(access: list[dict[str, Any]] | None) -> Grants:
    """Read the claim back; only what this registry has signed comes here."""
    grants: dict[str, frozenset[str]] = {}
    for entry in access or ():
        repository = entry["type"] == "repository"
        grants[entry["name"] if repository else CATALOG] = frozenset(entry["actions"])
    return grants
