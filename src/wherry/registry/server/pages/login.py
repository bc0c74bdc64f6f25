"""Logging in and out: a form, and the cookie of a session.

Whether a password is right is the guard's to say, as for every client, so attempts are counted
together with all others.
"""

from __future__ import annotations

from dataclasses import replace

from aiohttp import web

from wherry.registry.server.access.credentials import basic_header, name_and_password
from wherry.registry.server.access.guard import AuthenticationRequiredError, TooManyRequestsError
from wherry.registry.server.pages.forms import check_origin, read_form
from wherry.registry.server.pages.render import lead_to
from wherry.registry.server.pages.routes import HOME, safe_return, with_query
from wherry.registry.server.pages.visit import KnowsAccounts, Visit

_WRONG = "The name or the password is wrong."


async def show(visit: Visit) -> web.Response:
    """Return the form, or lead on whoever has logged in already."""
    back = safe_return(visit.query("next", 1024))
    if visit.session or not visit.login_offered:
        return lead_to(back)
    return _form(visit, back)


async def enter(visit: Visit) -> web.Response:
    """Check a name and a password; raises ForeignFormError and as `read_form` does."""
    check_origin(visit.peer)
    fields = await read_form(visit.exchange)
    back = safe_return(fields.get("next", ""))
    visit.check_token(fields.get("token", ""), "login")
    name = fields.get("name", "").strip()
    visit.exchange.action = "login"
    try:
        visit.log_in(*await _identified(visit, name, fields.get("password", "")))
    except AuthenticationRequiredError:
        return _form(visit, back, 403, _WRONG, name)
    except TooManyRequestsError as error:
        wait = f"Too many attempts. Try again in {max(1, round(error.retry_after))} seconds."
        refused = _form(visit, back, 429, wait, name)
        refused.headers["Retry-After"] = str(max(1, round(error.retry_after)))
        return refused
    return lead_to(back)


async def _identified(visit: Visit, name: str, password: str) -> tuple[str, str]:
    """Return the account's name and its seal."""
    guard = visit.shop.guard
    header = basic_header(name_and_password(name, password))
    # What access sees is what the exchange has from here on: the audit log tells who tried.
    headers = {name.lower(): value for name, value in visit.peer.headers.items()}
    peer = replace(visit.peer, headers={**headers, "authorization": header})
    visit.exchange.peer = peer
    caller = await guard.identify(peer)
    subject = await guard.subject(caller.name) if isinstance(guard, KnowsAccounts) else None
    if not caller.name or (isinstance(guard, KnowsAccounts) and subject is None):
        raise AuthenticationRequiredError(_WRONG, [])
    visit.exchange.caller = caller
    return caller.name, subject.seal if subject else ""


async def leave(visit: Visit) -> web.Response:
    """End the session; raises ForeignFormError and as `read_form` does."""
    check_origin(visit.peer)
    fields = await read_form(visit.exchange)
    if visit.session:
        visit.check_token(fields.get("token", ""), "logout")
        visit.log_out()
    return lead_to(with_query(HOME, message="logged-out"))


def _form(
    visit: Visit, back: str, status: int = 200, problem: str = "", name: str = ""
) -> web.Response:
    return visit.page(
        "login.html",
        status,
        back=back,
        problem=problem,
        name=name[:256],
        token=visit.form_token("login"),
    )
