"""The site of the pages: finds the page, and turns what goes wrong into pages with a way back.

A visitor who has not logged in is led to the login by every page that he may not see, whether what
it would show exists or not. Programs that send credentials get the protocol's answers instead.
Nothing is kept between requests, so any process answers any of them.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from wherry.base.errors import (
    ConflictError,
    DeadlineError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    UnauthorisedError,
    UnavailableError,
    UnsupportedError,
    WherryError,
)
from wherry.registry.server.access.guard import DeniedError, Guard, TooManyRequestsError
from wherry.registry.server.backend import Backend
from wherry.registry.server.http.exchange import Exchange
from wherry.registry.server.pages import deletion, details, login, repositories, repository
from wherry.registry.server.pages.render import Renderer, lead_to, secured
from wherry.registry.server.pages.routes import HOME, Page, check_target, login_path, read_path
from wherry.registry.server.pages.sessions import Signer
from wherry.registry.server.pages.visit import Shop, Visit

_View = Callable[[Visit], Awaitable[web.Response]]
_NAMED = frozenset({Page.REPOSITORY, Page.IMAGE, Page.RAW})
# The first category that an error belongs to decides.
_STATUSES: tuple[tuple[type[WherryError], int, str], ...] = (
    (TooManyRequestsError, 429, "Too many requests"),
    (DeniedError, 403, "Not for you"),
    (NotFoundError, 404, "Not found"),
    (ForbiddenError, 403, "Refused"),
    (InvalidError, 400, "That makes no sense"),
    (ConflictError, 409, "Not now"),
    (UnsupportedError, 405, "Not possible here"),
    (DeadlineError, 408, "Too slow"),
    (UnavailableError, 503, "Not available now"),
    (WherryError, 500, "Something went wrong"),
)
_DENIED = "There is no such page, or it is not for you."


async def _static(visit: Visit) -> web.Response:
    """Return a file that pages are made with; raises StaticUnknownError."""
    path = visit.exchange.request.path
    return visit.shop.renderer.static(path, visit.target.reference)


_VIEWS: Mapping[Page, Mapping[str, _View]] = {
    Page.REPOSITORIES: {"GET": repositories.show},
    Page.REPOSITORY: {"GET": repository.show},
    Page.IMAGE: {"GET": details.show},
    Page.RAW: {"GET": details.raw},
    Page.DELETE: {"GET": deletion.ask, "POST": deletion.perform},
    Page.LOGIN: {"GET": login.show, "POST": login.enter},
    Page.LOGOUT: {"POST": login.leave},
    Page.STATIC: {"GET": _static},
}


class PagesSite:
    """Answers `/`, `/r/...`, `/login`, `/logout`, `/delete` and `/static/...`.

    secret: what sessions are signed with; the same for all processes of a registry. now: seconds
    since the epoch.
    """

    def __init__(
        self,
        backend: Backend,
        guard: Guard,
        secret: bytes,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._shop = Shop(backend, guard, Signer(secret), Renderer(), now)

    async def answer(self, exchange: Exchange) -> web.StreamResponse | None:
        """Answer with a page; raises only what programs with credentials are told."""
        target = read_path(exchange.request.path)
        if target is None:
            return None
        exchange.route = "page"
        visit = Visit(self._shop, exchange, target)
        try:
            response = await _respond(visit)
        except UnauthorisedError:
            if "authorization" in exchange.request.headers:
                raise
            response = lead_to(login_path(_back(exchange.request)))
        except WherryError as error:
            response = _failed(visit, error)
        visit.add_cookies(response)
        return secured(response, private=visit.private)


async def _respond(visit: Visit) -> web.Response:
    target, method = visit.target, visit.exchange.request.method
    views = _VIEWS[target.page]
    view = views.get("GET" if method == "HEAD" else method)
    if view is None:
        allowed = ", ".join(("HEAD", *views) if "GET" in views else views)
        return web.Response(status=405, headers={"Allow": allowed})
    if target.page is not Page.STATIC:
        await visit.arrive()
    if target.page in _NAMED:
        check_target(target)
    return await view(visit)


def _back(request: web.BaseRequest) -> str:
    """Return where to go after the login: where the visitor wanted to go, if that was to look."""
    return request.path_qs if request.method in ("GET", "HEAD") else HOME


def _failed(visit: Visit, error: WherryError) -> web.Response:
    status, title = next(
        (status, title) for kind, status, title in _STATUSES if isinstance(error, kind)
    )
    words = _DENIED if isinstance(error, DeniedError) else str(error)
    visit.exchange.detail = str(error)
    response = visit.page("error.html", status, title=title, words=words)
    if isinstance(error, TooManyRequestsError):
        response.headers["Retry-After"] = str(max(1, round(error.retry_after)))
    return response
