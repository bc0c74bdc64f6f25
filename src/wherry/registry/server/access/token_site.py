"""The token service: GET and POST /token, as Docker's clients and those of others ask it.

GET comes with Basic credentials or without any, and gives a token for as much of the scopes as the
caller may do, which can be nothing and is no error: the request that the token is for tells that.
`offline_token=true` gives a refresh token as well. POST is OAuth 2 with a form: the grants
`password` and `refresh_token`; `access_type=offline` gives a refresh token. `service`, `client_id`
and `account` are read by nobody: a token is always for this registry, and the caller is whoever the
credentials say. A bearer token gets no other tokens, or it would be worth more than its scopes.

Refusals have the bodies of the protocol, not those of OAuth 2: that is what clients read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from aiohttp import web

from wherry.base.errors import DeadlineError, InvalidError
from wherry.base.values import dataclass
from wherry.registry.server.access.access_guard import TOKEN_PATH, WRONG, AccessGuard, service_of
from wherry.registry.server.access.credentials import name_and_password
from wherry.registry.server.access.guard import Caller
from wherry.registry.server.access.scopes import read_scopes, scope_words
from wherry.registry.server.access.tokens import Subject, TokenInvalidError
from wherry.registry.server.backend import TooLargeError
from wherry.registry.server.http.exchange import Exchange
from wherry.registry.server.http.forms import (
    FormBounds,
    FormInvalidError,
    FormStalledError,
    read_fields,
)

_MAX_FORM = 64 << 10
_FORM_SECONDS = 30.0
_MOST_FIELDS = 100
_METHODS = "GET, HEAD, POST"


class TokenRequestError(InvalidError):
    """A request to the token service that it does not understand."""


class TokenRequestStalledError(DeadlineError):
    """The form of a request did not arrive."""

    def __init__(self) -> None:
        super().__init__(f"the form did not arrive within {_FORM_SECONDS:.0f} seconds")


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a token is asked for; `refresh` is the refresh token to give with it."""

    subject: Subject
    scopes: list[str]
    refresh: str = ""


class TokenSite:
    """Answers /token."""

    def __init__(self, guard: AccessGuard, now: Callable[[], float]) -> None:
        self._guard = guard
        self._now = now

    async def answer(self, exchange: Exchange) -> web.StreamResponse | None:
        """Answer with a token; raises AuthenticationRequiredError, TooManyRequestsError,
        TokenRequestError, TooManyScopesError, TokenTooLongError, TokenRequestStalledError."""
        if exchange.request.path != TOKEN_PATH:
            return None
        exchange.route = "token"
        match exchange.request.method:
            case "GET" | "HEAD":
                asked = await self._from_query(exchange)
            case "POST":
                asked = await self._from_form(exchange)
            case _:
                return web.Response(status=405, headers={"Allow": _METHODS})
        if asked.subject.name:
            exchange.action = "login"
        return self._response(exchange, asked)

    async def _from_query(self, exchange: Exchange) -> _Asked:
        caller = exchange.caller
        if caller.grants is not None:
            raise self._guard.refusal(exchange.peer, "a token gets no other tokens: log in")
        query = exchange.request.query
        subject = await self._subject(exchange, caller.name)
        offline = query.get("offline_token") == "true"
        refresh = self._refresh_token(exchange, subject) if offline else ""
        return _Asked(subject, query.getall("scope", []), refresh)

    async def _from_form(self, exchange: Exchange) -> _Asked:
        fields = await _read_form(exchange)
        form = dict(fields)
        match form.get("grant_type"):
            case "password":
                given = name_and_password(form.get("username", ""), form.get("password", ""))
                exchange.caller = await self._guard.log_in(exchange.peer, given)
                subject = await self._subject(exchange, given.name)
                offline = form.get("access_type") == "offline"
                refresh = self._refresh_token(exchange, subject) if offline else ""
            case "refresh_token":
                refresh = form.get("refresh_token", "")
                subject = await self._refreshed(exchange, refresh)
                exchange.caller = Caller(subject.name, exchange.peer.address)
            case _:
                raise TokenRequestError("grant_type has to be password or refresh_token")
        return _Asked(subject, [value for name, value in fields if name == "scope"], refresh)

    async def _subject(self, exchange: Exchange, name: str) -> Subject:
        subject = await self._guard.subject(name)
        if subject is None:
            # Removed since the password was found right, a moment ago.
            raise self._guard.refusal(exchange.peer, WRONG)
        return subject

    def _refresh_token(self, exchange: Exchange, subject: Subject) -> str:
        if not subject.name:
            return ""
        return self._guard.tokens.issue_refresh(subject, service_of(exchange.peer))

    async def _refreshed(self, exchange: Exchange, token: str) -> Subject:
        peer = exchange.peer
        try:
            subject = self._guard.tokens.read_refresh(token, service_of(peer))
            await self._guard.check(subject)
        except TokenInvalidError as error:
            raise self._guard.refusal(peer, f"log in again: {error}") from None
        return subject

    def _response(self, exchange: Exchange, asked: _Asked) -> web.Response:
        tokens = self._guard.tokens
        grants = self._guard.grant(asked.subject.name, read_scopes(asked.scopes))
        token = tokens.issue(asked.subject, service_of(exchange.peer), grants)
        reply: dict[str, str | int] = {
            "token": token,
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": int(tokens.seconds),
            "issued_at": datetime.fromtimestamp(int(self._now()), UTC).strftime(
                "%Y-%m-%dT%H:%M:%SZ"
            ),
            "scope": scope_words(grants),
        }
        if asked.refresh:
            reply["refresh_token"] = asked.refresh
        return _json(reply)


def _json(reply: Mapping[str, str | int]) -> web.Response:
    return web.Response(
        body=json.dumps(reply).encode(),
        content_type="application/json",
        headers={"Cache-Control": "no-store", "Pragma": "no-cache"},
    )


async def _read_form(exchange: Exchange) -> list[tuple[str, str]]:
    try:
        return await read_fields(exchange, FormBounds(_MAX_FORM, _MOST_FIELDS, _FORM_SECONDS))
    except TooLargeError:
        raise TokenRequestError(f"the form is longer than {_MAX_FORM} bytes") from None
    except FormInvalidError as error:
        raise TokenRequestError(str(error)) from None
    except FormStalledError:
        raise TokenRequestStalledError from None
