"""Routes as data, and finding the one that a request means.

A pattern is a path with `{name}` for one segment and `{name:.*}` for what may contain slashes.
Routes are tried in the order of the table, so a fixed path comes before a pattern that covers it.
"""

from __future__ import annotations

import re
from collections import defaultdict
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
    """All routes, ready to be searched."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes: dict[tuple[str, str], list[tuple[re.Pattern[str], Route]]] = defaultdict(list)
        for route in routes:
            key = route.method, first_segment(route.pattern)
            self._routes[key].append((expression(route.pattern), route))

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """Return the route and the parameters of its path."""
        for pattern, route in self._routes.get((method, first_segment(path)), ()):
            if match := pattern.fullmatch(path):
                return route, match.groupdict()
        return None


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
