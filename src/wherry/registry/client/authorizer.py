"""The Authorization header of requests to one endpoint.

Bearer goes before Basic where a registry offers both. Credentials go to the endpoint, for Basic, or
to the realm that it named, for Bearer, and never in the clear to the realm of a registry that is
itself reached by verified TLS.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence

from wherry.base.values import dataclass
from wherry.registry.auth.challenge import Challenge
from wherry.registry.auth.credentials import Credentials
from wherry.registry.auth.token import (
    InvalidRealmError,
    Token,
    TokenCache,
    TokenKey,
    read_token,
    token_key,
    token_request,
)
from wherry.registry.client.call import Call, Sender
from wherry.registry.client.endpoints import Endpoint
from wherry.registry.client.errors import NoCredentialsError, request_words
from wherry.registry.client.retry import retrying
from wherry.registry.client.settings import Limits

_MAX_TOKEN_REPLY = 1 << 20


@dataclass(frozen=True, slots=True)
class Line:
    """The way to one endpoint: what sends, and how."""

    sender: Sender
    endpoint: Endpoint
    context: ssl.SSLContext
    limits: Limits


@dataclass(frozen=True, slots=True)
class Grant:
    """The value of an Authorization header; `key` and `token` where it is a token of ours.

    fresh: it was got for this very request, so another one would be no better.
    """

    value: str
    key: TokenKey | None = None
    token: str = ""
    fresh: bool = True


class Authorizer:
    """Answers the challenges of one endpoint with one user's credentials."""

    def __init__(
        self, line: Line, credentials: Credentials, scopes: tuple[str, ...], tokens: TokenCache
    ) -> None:
        self._line = line
        self._credentials = credentials
        self._scopes = scopes
        self._tokens = tokens
        self._challenges: dict[str, Challenge] = {}
        self._lock = asyncio.Lock()  # many blobs at once want the same token: it is got once

    def learn(self, challenges: Sequence[Challenge]) -> None:
        """Take the challenges of a 401 for those of the endpoint."""
        known = {c.scheme: c for c in reversed(challenges) if c.scheme in ("bearer", "basic")}
        self._challenges = known or self._challenges

    async def grant(self, call: Call) -> Grant | None:
        """Return what authorises `call`; None where the endpoint never asked for anything.

        Raises NoCredentialsError, InvalidRealmError, and what the token service's refusal means.
        """
        if bearer := self._challenges.get("bearer"):
            if self._credentials.registry_token:
                return Grant(f"Bearer {self._credentials.registry_token}")
            return await self._bearer(bearer, call)
        if "basic" in self._challenges:
            if not self._credentials.has_password:
                raise NoCredentialsError(call.method, call.url)
            return Grant(self._credentials.basic())
        return None

    def refused(self, grant: Grant | None, challenges: Sequence[Challenge]) -> bool:
        """Learn from a 401; tells whether the request is worth another try."""
        self.learn(challenges)
        if grant is None:
            return bool(self._challenges)
        if grant.key is None or grant.fresh:
            return False
        self._tokens.drop(grant.key, grant.token)
        return True

    async def _bearer(self, challenge: Challenge, call: Call) -> Grant:
        scopes = tuple(dict.fromkeys((*self._scopes, *call.scopes)))
        key = token_key(challenge.parameters, scopes, self._credentials)
        async with self._lock:
            if held := self._tokens.get(key):
                return Grant(f"Bearer {held.value}", key, held.value, fresh=False)
            token = await self.fetch_token(key, call)
            self._tokens.put(key, token)
        return Grant(f"Bearer {token.value}", key, token.value)

    async def fetch_token(self, key: TokenKey, call: Call, *, offline: bool = False) -> Token:
        """Get a token for `call`, whose name goes before what the token service says."""
        self._check_realm(key)
        request = token_request(key, offline=offline)
        asked = Call(
            method="GET" if request.form is None else "POST",
            url=request.url,
            context=self._line.context,
            headers=request.headers,
            body=request.form,
            redirects=request.form is None,  # the form holds a secret
        )
        limits = self._line.limits
        response = await retrying(self._line.sender.send, asked, limits.pauses)
        async with response:
            await response.raise_refusal(request_words(call.method, call.url))
            body = await response.read(_MAX_TOKEN_REPLY)
        return read_token(body, self._tokens.clock())

    def _check_realm(self, key: TokenKey) -> None:
        secret = key.credentials.has_password or key.credentials.identity_token
        if secret and self._line.endpoint.verified and key.realm.startswith("http:"):
            host = self._line.endpoint.host
            raise InvalidRealmError(
                f"{host} wants credentials to be sent in the clear to {key.realm[:200]}"
            )

    async def login(self, call: Call) -> tuple[Grant | None, str]:
        """Return what authorises `call` with newly checked credentials, and an identity token."""
        bearer = self._challenges.get("bearer")
        if bearer is None or self._credentials.registry_token:
            return await self.grant(call), self._credentials.identity_token
        key = token_key(bearer.parameters, (), self._credentials)
        token = await self.fetch_token(key, call, offline=True)
        identity = token.identity_token or self._credentials.identity_token
        return Grant(f"Bearer {token.value}", key, token.value), identity
