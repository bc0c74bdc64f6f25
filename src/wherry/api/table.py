"""Routes as data, and finding the one that a request means.

A pattern is a path with `{name}` for one segment and `{name:.*}` for what may contain slashes.
Routes are tried in the order of the table, so a fixed path comes before a pattern that covers it.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable

from wherry.api.call import Call
from wherry.api.http.message import Response
from wherry.base.values import dataclass

Handler = Callable[[Call], Awaitable[Response]]
_PARAMETER = re.compile(r"\{(\w+)(:\.\*)?\}")


@dataclass(frozen=True, slots=True)
class Route:
    """What answers a method and a path; `cancellable`: stop working when the client has gone."""

    method: str
    pattern: str
    handler: Handler
    cancellable: bool = False


class Table:
    """All routes, searched. `below` yields those whose paths begin with a segment."""

    def __init__(self, below: Callable[[str], Iterable[Route]]) -> None:
        self._below = below
        self._known: dict[str, list[tuple[re.Pattern[str], Route]]] = {}

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """Return the route and the parameters of its path."""
        for pattern, route in self._routes(first_segment(path)):
            if route.method == method and (match := pattern.fullmatch(path)):
                return route, match.groupdict()
        return None

    def _routes(self, segment: str) -> list[tuple[re.Pattern[str], Route]]:
        found = self._known.get(segment)
        if found is None:
            found = [(expression(route.pattern), route) for route in self._below(segment)]
            # Of what is not there nothing is kept: anybody can ask for anything.
            if found:
                self._known[segment] = found
        return found


def first_segment(path: str) -> str:
    """Return what stands between the first two slashes."""
    return path.split("/", 2)[1] if path.startswith("/") else ""


def expression(pattern: str) -> re.Pattern[str]:
    """Translate a pattern."""
    parts, end = [], 0
    for match in _PARAMETER.finditer(pattern):
        parts.append(re.escape(pattern[end : match.start()]))
        parts.append(f"(?P<{match[1]}>{'.+' if match[2] else '[^/]+'})")
        end = match.end()
    return re.compile("".join(parts) + re.escape(pattern[end:]))
