"""Reading a form: small, in time, and sent by one of our own pages.

A browser says where a request comes from: `Sec-Fetch-Site` where it trusts the connection, `Origin`
everywhere. One of them has to say that it was us. Tokens of forms are checked as well, elsewhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from urllib.parse import parse_qsl

from wherry.base.errors import DeadlineError, ForbiddenError, InvalidError
from wherry.registry.server.access.guard import Peer
from wherry.registry.server.http.exchange import Exchange
from wherry.registry.server.http.receive import read_body

_MAX_BYTES = 16 << 10
_MAX_FIELDS = 20
_SECONDS = 30.0
_TYPE = "application/x-www-form-urlencoded"


class FormInvalidError(InvalidError):
    """Not what a form of ours sends."""


class FormStalledError(DeadlineError):
    """The form did not arrive."""

    def __init__(self) -> None:
        super().__init__(f"the form did not arrive within {_SECONDS:.0f} seconds: send it again")


class ForeignFormError(ForbiddenError):
    """The form was not sent by one of our pages, or its page is too old."""

    def __init__(self) -> None:
        super().__init__("this form was not sent by a page of this registry: load the page again")


def check_origin(peer: Peer) -> None:
    """Raise ForeignFormError unless the browser says that a page of ours sent this."""
    headers = peer.headers
    site = headers.get("sec-fetch-site")
    if site is not None:
        if site != "same-origin":
            raise ForeignFormError
        return
    scheme, _, host = headers.get("origin", "").partition("://")
    ours = {peer.base_url.partition("://")[2], headers.get("host", "")}
    if scheme not in ("http", "https") or not host or host not in ours:
        raise ForeignFormError


async def read_form(exchange: Exchange) -> Mapping[str, str]:
    """Return the fields of a form; raises FormInvalidError, FormStalledError, TooLargeError, and
    what breaks off a body."""
    if exchange.request.content_type != _TYPE:
        raise FormInvalidError(f"the body has to be {_TYPE}")
    try:
        async with asyncio.timeout(_SECONDS):
            body = await read_body(exchange, _SECONDS, _MAX_BYTES)
    except TimeoutError:
        raise FormStalledError from None
    try:
        text = body.decode("ascii")
        return dict(parse_qsl(text, True, errors="strict", max_num_fields=_MAX_FIELDS))
    except ValueError:
        raise FormInvalidError("the form cannot be read") from None
