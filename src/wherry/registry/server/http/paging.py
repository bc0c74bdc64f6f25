"""Lists in pages: `n` and `last` of a query, and the Link to the next page (RFC 5988). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from wherry.base.errors import InvalidError
from wherry.base.values import dataclass
from wherry.registry.server.http.query import Query

_MOST_DIGITS = 18


class PageSizeError(InvalidError):
    """PAGINATION_NUMBER_INVALID: `n` is not a number of results."""

    def __init__(self, text: str) -> None:
        super().__init__(f"n is a number of results, 0 or more, not {text[:80]!r}")


@dataclass(frozen=True, slots=True)
class Page:
    """What is asked for: up to `count` entries behind `last`."""

    count: int
    last: str


def read_page(query: Query, limit: int) -> Page:
    """Read `n`, at most and by default `limit` (0 for none), and `last`; raises PageSizeError."""
    text = query.first("n")
    most = limit or 10**_MOST_DIGITS
    count = most
    if text:
        if not (text.isascii() and text.isdecimal()):
            raise PageSizeError(text)
        count = min(int(text), most) if len(text) <= _MOST_DIGITS else most
    # Nothing that is listed has such a character, and databases do not take it.
    return Page(count, query.first("last").partition("\0")[0])


def next_link(path: str, query: Mapping[str, object]) -> str:
    """Return the value of Link that leads to the next page."""
    return f'<{path}?{urlencode(query)}>; rel="next"'
