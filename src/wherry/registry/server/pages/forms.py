"""Reading a form: small, in time, and sent by one of our own pages.

A browser says where a request comes from: `Sec-Fetch-Site` where it trusts the connection, `Origin`
everywhere. One of them has to say that it was us. Tokens of forms are checked as well, elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping

from wherry.base.errors import ForbiddenError
from wherry.registry.server.access.guard import Peer
from wherry.registry.server.http.exchange import Exchange
from wherry.registry.server.http.forms import FormBounds, read_fields

_MAX_BYTES = 16 << 10
_MAX_FIELDS = 20
_SECONDS = 30.0


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
    """Return the fields of a form by their names; raises as `read_fields`."""
    return dict(await read_fields(exchange, FormBounds(_MAX_BYTES, _MAX_FIELDS, _SECONDS)))
