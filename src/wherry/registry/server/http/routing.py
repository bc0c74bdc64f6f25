"""From the target of a request to a route of the protocol, decoded once and no more. Pure.

A path that can be taken for another one by whoever stands before us is refused: slashes that are
encoded, and bytes that are no UTF-8. All other tricks (`..`, `//`, NUL) end at the check of names.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import unquote, urlsplit

from wherry.base.errors import NotFoundError, UnsupportedError
from wherry.registry.protocol import Route, find_route
from wherry.registry.server.backend import RepositoryNameError, check_name


class PathUnknownError(NotFoundError):
    """Nothing is served under this path."""

    def __init__(self) -> None:
        super().__init__("nothing is served under this path")


class MethodError(UnsupportedError):
    """405: this cannot be done here; `allowed` are the methods that can."""

    def __init__(self, method: str, allowed: Sequence[str]) -> None:
        super().__init__(f"{method[:20]} is not possible here")
        self.allowed = tuple(allowed)


def split_target(target: str) -> tuple[str, str]:
    """Return path and query of a request's target, still encoded."""
    if not target.startswith("/"):
        # What a client sends to a proxy is the whole URL. Anything else has no path.
        try:
            parts = urlsplit(target)
        except ValueError:
            return "", ""
        return (parts.path or "/", parts.query) if parts.netloc else ("", "")
    path, _, query = target.partition("?")
    return path, query


def route_of(path: str) -> Route:
    """Return the route of a path below `/v2`; raises PathUnknownError, RepositoryNameError."""
    if "%" in path:
        path = _decoded(path)
    route = find_route(path)
    if route is None:
        raise PathUnknownError
    if route.kind not in ("base", "catalog"):
        check_name(route.name)
    return route


def _decoded(path: str) -> str:
    if "%2f" in path.lower():
        raise RepositoryNameError(path)
    try:
        return unquote(path, errors="strict")
    except ValueError:
        raise RepositoryNameError(path) from None
