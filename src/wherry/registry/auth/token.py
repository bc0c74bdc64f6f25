"""Tokens: the request that gets one, the reply that brings one, and the cache of those at hand.

A registry that answers `Bearer realm=...` wants a token of the service at the realm. With a
password, or with nothing, it is a GET with basic authentication; with an identity token it is a
POST of the OAuth 2 refresh grant. The realm is the only place where credentials go.

Lifetimes are counted from when the reply arrived, by the local monotonic clock: the clock of the
service may differ from ours.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import msgspec

from wherry.base.errors import InvalidError, UnavailableError
from wherry.base.values import dataclass, field
from wherry.oci.reading import read
from wherry.registry.auth.credentials import Credentials

CLIENT_ID = "docker"
SHORTEST_LIFETIME = 60  # seconds; services that name none mean this
LONGEST_LIFETIME = 24 * 3600
_EARLY = 10  # seconds that a token is given up before its end, for a request takes a while
_MOST_TOKENS = 1000
_TOKEN = re.compile(r"[\x21-\x7e]+")


class InvalidRealmError(InvalidError):
    """The registry's challenge names no place that a token could come from."""


class TokenReplyError(UnavailableError):
    """What the token service answered is not a token."""


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """An HTTP request; `form` is None for a GET, otherwise the encoded body of a POST."""

    url: str
    headers: Mapping[str, str]
    form: bytes | None = None


@dataclass(frozen=True, slots=True)
class Token:
    """A token, the monotonic time until which it serves, and the identity token beside it."""

    value: str
    until: float
    identity_token: str = ""


@dataclass(frozen=True, slots=True)
class TokenKey:
    """What tokens are kept by."""

    realm: str
    service: str
    scopes: tuple[str, ...]
    credentials: Credentials


class _Reply(msgspec.Struct, frozen=True):
    token: str | None = None
    access_token: str | None = None
    refresh_token: str | None = None
    expires_in: int | float | None = None


def token_key(
    parameters: Mapping[str, str], scopes: tuple[str, ...], credentials: Credentials
) -> TokenKey:
    """Return the key of a Bearer challenge; raises InvalidRealmError unless it is http or https."""
    realm = parameters.get("realm", "")
    if not realm:
        raise InvalidRealmError("no realm specified for token auth challenge")
    try:
        parts = urlsplit(realm)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.username
    except ValueError:
        valid = False
    if not valid:
        raise InvalidRealmError(f"invalid token auth challenge realm: {realm[:200]!r}")
    return TokenKey(realm, parameters.get("service", ""), scopes, credentials)


def token_request(key: TokenKey, *, offline: bool = False) -> TokenRequest:
    """Return the request for a token; `offline` asks for an identity token as well."""
    if key.credentials.identity_token:
        return _refresh_request(key)
    parts = urlsplit(key.realm)
    query = parse_qsl(parts.query, keep_blank_values=True)
    query += [("service", key.service)] if key.service else []
    query += [("scope", scope) for scope in key.scopes]
    if offline:
        query += [("offline_token", "true"), ("client_id", CLIENT_ID)]
    headers: dict[str, str] = {}
    if key.credentials.has_password:
        query.append(("account", key.credentials.username))
        headers["Authorization"] = key.credentials.basic()
    return TokenRequest(urlunsplit(parts._replace(query=urlencode(query), fragment="")), headers)


def _refresh_request(key: TokenKey) -> TokenRequest:
    form = {
        "scope": " ".join(key.scopes),
        "service": key.service,
        "client_id": CLIENT_ID,
        "grant_type": "refresh_token",
        "refresh_token": key.credentials.identity_token,
    }
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return TokenRequest(key.realm, headers, urlencode(form).encode())


def read_token(body: bytes, now: float) -> Token:
    """Read a token service's reply that arrived at `now`; raises TokenReplyError."""
    try:
        reply = read(body, _Reply)
    except msgspec.MsgspecError as error:
        raise TokenReplyError(f"unable to decode token response: {error}") from None
    value = reply.access_token or reply.token or ""
    if not value:
        raise TokenReplyError("authorization server did not include a token in the response")
    if not _TOKEN.fullmatch(value):
        raise TokenReplyError("the token of the authorization server does not fit into a header")
    lifetime = min(max(reply.expires_in or 0, SHORTEST_LIFETIME), LONGEST_LIFETIME)
    return Token(value, now + lifetime - _EARLY, reply.refresh_token or "")


@dataclass(slots=True)
class TokenCache:
    """The tokens at hand, by key; `clock` is monotonic, in seconds."""

    clock: Callable[[], float]
    _tokens: dict[TokenKey, Token] = field(default_factory=dict)

    def get(self, key: TokenKey) -> Token | None:
        """Return a token that still serves."""
        token = self._tokens.get(key)
        return token if token and token.until > self.clock() else None

    def put(self, key: TokenKey, token: Token) -> None:
        """Keep a token, and forget those that have ended."""
        now = self.clock()
        self._tokens = {k: v for k, v in self._tokens.items() if v.until > now}
        while len(self._tokens) >= _MOST_TOKENS:
            del self._tokens[next(iter(self._tokens))]
        self._tokens[key] = token

    def drop(self, key: TokenKey, value: str) -> None:
        """Forget a token that a registry refused, unless another has taken its place."""
        held = self._tokens.get(key)
        if held and held.value == value:
            del self._tokens[key]
