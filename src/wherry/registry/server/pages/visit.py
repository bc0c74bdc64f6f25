"""One request as the pages see it, and what all pages are made with.

Who asks is told by the session's cookie, unless the request has credentials of its own. The guard
is asked each time whether the session's account is still there, with the password it had.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

from aiohttp import web

from wherry.base.errors import UnauthorisedError
from wherry.base.values import dataclass
from wherry.registry.server.access.guard import (
    Action,
    AuthenticationRequiredError,
    Caller,
    Guard,
    Peer,
)
from wherry.registry.server.access.tokens import Subject
from wherry.registry.server.backend import Backend
from wherry.registry.server.http.exchange import Exchange
from wherry.registry.server.pages.forms import ForeignFormError
from wherry.registry.server.pages.render import Renderer
from wherry.registry.server.pages.routes import Target
from wherry.registry.server.pages.sessions import SESSION_SECONDS, Session, Signer, new_binding

_LOOPBACK = re.compile(r"(localhost|127(\.\d+){3}|\[::1\])(:\d+)?")
_SECURE = "__Host-"


@runtime_checkable
class KnowsAccounts(Protocol):
    """A guard that tells whether an account is still what it was."""

    async def subject(self, name: str) -> Subject | None:
        """Return an account as it is now; None when it is not there."""

    async def check(self, subject: Subject) -> None:
        """Raise an UnauthorisedError unless the account is what it was."""


@dataclass(frozen=True, slots=True)
class Shop:
    """What all pages are made with; `now` in seconds since the epoch."""

    backend: Backend
    guard: Guard
    signer: Signer
    renderer: Renderer
    now: Callable[[], float]


class Visit:
    """One request; made by `arrive`."""

    def __init__(self, shop: Shop, exchange: Exchange, target: Target) -> None:
        self.shop = shop
        self.exchange = exchange
        self.target = target
        self.session: Session | None = None
        self._binding = ""
        self._cookies: dict[str, str | None] = {}

    async def arrive(self) -> None:
        """Find out who asks, from the session unless the request has credentials."""
        if "authorization" in self.peer.headers:
            return
        token = self._cookie("session")
        session = self.shop.signer.read(token, self.shop.now()) if token else None
        if session and await self._still_there(session):
            self.session = session
            self.exchange.caller = Caller(session.name, self.peer.address)

    async def _still_there(self, session: Session) -> bool:
        guard = self.shop.guard
        if isinstance(guard, KnowsAccounts):
            try:
                await guard.check(Subject(session.name, session.seal))
            except UnauthorisedError:
                return False
        return True

    # who asks, and what for

    @property
    def peer(self) -> Peer:
        """The request as access sees it."""
        return self.exchange.peer

    @property
    def caller(self) -> Caller:
        """Who asks."""
        return self.exchange.caller

    @property
    def host(self) -> str:
        """The registry as references name it."""
        return self.peer.base_url.partition("://")[2]

    @property
    def secure(self) -> bool:
        """True when the client reached us by HTTPS."""
        return self.peer.base_url.startswith("https:")

    @property
    def login_offered(self) -> bool:
        """True when there is anything to gain by logging in."""
        try:
            self.shop.guard.require_login(self.peer, Caller(address=self.peer.address))
        except AuthenticationRequiredError:
            return True
        return False

    def query(self, name: str, limit: int = 256) -> str:
        """Return a parameter of the request's query, cut."""
        return self.exchange.request.query.get(name, "")[:limit]

    def require(self, name: str, action: Action) -> None:
        """Let it pass or raise as the guard does; tells the exchange what is meant."""
        self.exchange.repository = name
        self.shop.guard.require(self.peer, self.caller, name, action)

    def may(self, name: str, action: Action) -> bool:
        """Tell the same without raising."""
        return self.shop.guard.may(self.caller, name, action)

    def sees(self, name: str) -> bool:
        """Tell whether the caller may know of a repository."""
        return self.may(name, "pull")

    # forms

    def form_token(self, purpose: str) -> str:
        """Return the token for a form on this page; may set a cookie."""
        if not self._bound():
            self._binding = new_binding()
            self._cookies["form"] = self._binding
        return self.shop.signer.form_token(self._bound(), purpose)

    def check_token(self, token: str, purpose: str) -> None:
        """Raise ForeignFormError unless a form came with the token that we made for it."""
        if not self.shop.signer.is_form_token(token, self._bound(), purpose):
            raise ForeignFormError

    def _bound(self) -> str:
        if self.session:
            return self.session.token
        return self._binding or self._cookie("form")

    # responses

    def page(self, template: str, status: int = 200, **context: Any) -> web.Response:
        """Return a page for whoever asks."""
        common = {
            "host": self.host,
            "caller": self.caller.name,
            "login_offered": self.login_offered,
            "logout_token": self.form_token("logout") if self.session else "",
            "insecure": not self.secure and not _LOOPBACK.fullmatch(self.host),
            "here": self.exchange.request.path_qs,
            "q": "",
            "message": "",
            "bare": False,
        }
        shop = self.shop
        return shop.renderer.page(template, {**common, **context}, shop.now(), status)

    def log_in(self, name: str, seal: str) -> None:
        """Begin a session: the response has its cookie."""
        session = Session(name, seal, self.shop.now() + SESSION_SECONDS)
        self._cookies["session"] = self.shop.signer.sign(session)
        self._cookies["form"] = None

    def log_out(self) -> None:
        """End the session in this browser."""
        self._cookies["session"] = None

    @property
    def private(self) -> bool:
        """True when nobody else is to be shown what this visitor is, not even by his browser."""
        headers = self.peer.headers
        return bool(self.session or self._cookies or "authorization" in headers)

    def add_cookies(self, response: web.Response) -> None:
        """Have the response set the cookies that this visit has changed."""
        for kind, value in self._cookies.items():
            response.set_cookie(
                self._name(kind),
                value or "",
                max_age=None if value else 0,
                path="/",
                secure=self.secure or None,
                httponly=True,
                samesite="Strict",
            )

    def _cookie(self, kind: str) -> str:
        return self.exchange.request.cookies.get(self._name(kind), "")

    def _name(self, kind: str) -> str:
        prefix = _SECURE if self.secure else ""
        return f"{prefix}wherry-{kind}-{self.shop.signer.mark}"
