"""The routes of the OCI distribution-spec 1.1, end-1 to end-14, and of Docker's registry.

A site like others: it answers what is below `/v2`, each subject in a module of its own. `ns=`, by
which clients that go through a mirror say whose repository they mean, leads to the cache of that
registry where there is one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from wherry.registry.protocol import Route, RouteKind
from wherry.registry.server.access.guard import Guard
from wherry.registry.server.backend import Backend, check_name
from wherry.registry.server.http.base import Base
from wherry.registry.server.http.blobs import Blobs
from wherry.registry.server.http.call import Call
from wherry.registry.server.http.catalog import Repositories
from wherry.registry.server.http.exchange import Exchange
from wherry.registry.server.http.manifests import Manifests
from wherry.registry.server.http.query import Query
from wherry.registry.server.http.referrers import Referrers
from wherry.registry.server.http.routing import MethodError, route_of, split_target
from wherry.registry.server.http.tags import Tags
from wherry.registry.server.http.uploads import Uploads
from wherry.registry.server.settings import Limits

Handler = Callable[[Call], Awaitable[web.StreamResponse]]
NameFor = Callable[[str, str], str | None]
_READ = frozenset({"GET", "HEAD"})
_OF_CACHES = frozenset({"manifest", "blob", "tags", "referrers"})


class ProtocolSite:
    """Serves a backend. What it has of `name_for(ns, name)` is used, see `cache/`."""

    def __init__(self, backend: Backend, guard: Guard, limits: Limits) -> None:
        self._name_for: NameFor | None = getattr(backend, "name_for", None)
        self._handlers = _handlers(backend, guard, limits)

    async def answer(self, exchange: Exchange) -> web.StreamResponse | None:
        """Answer, or return None for what is not below `/v2`; raises what there is to refuse."""
        request = exchange.request
        path, query = split_target(request.raw_path)
        if not path.startswith("/v2") or path[3:4] not in ("", "/"):
            return None
        route = route_of(path)
        exchange.route = route.kind
        exchange.repository = route.name
        exchange.reference = route.reference
        handler = self._handlers.get((route.kind, request.method, bool(route.reference)))
        if handler is None:
            raise MethodError(request.method, route.methods)
        call = Call(exchange, route.name, route.reference, Query(query))
        namespace = self._namespace(call, route) if "ns=" in query else ""
        response = await handler(call)
        if namespace and not response.prepared:
            response.headers["OCI-Namespace"] = namespace
        return response

    def _namespace(self, call: Call, route: Route) -> str:
        """Let a call be for the cache of the registry that it names; return the name, if so."""
        name_for = self._name_for
        if name_for is None or route.kind not in _OF_CACHES or call.request.method not in _READ:
            return ""
        namespace = call.query.first("ns")
        name = name_for(namespace, call.name) if namespace else None
        if name is None:
            return ""
        call.name = call.exchange.repository = check_name(name)
        return namespace


def _handlers(
    backend: Backend, guard: Guard, limits: Limits
) -> Mapping[tuple[RouteKind, str, bool], Handler]:
    """Return who answers: by kind of route, method, and whether the path ends with a reference."""
    manifests = Manifests(backend, guard, limits)
    blobs = Blobs(backend, guard, limits)
    uploads = Uploads(backend, guard, limits)
    read: dict[tuple[RouteKind, bool], Handler] = {
        ("base", False): Base(guard).get,
        ("catalog", False): Repositories(backend, guard, limits).get,
        ("tags", False): Tags(backend, guard, limits).get,
        ("referrers", True): Referrers(backend, guard).get,
        ("referrers", False): Referrers(backend, guard).get,
        ("manifest", True): manifests.get,
        ("manifest", False): manifests.get,
        ("blob", True): blobs.get,
        ("blob", False): blobs.get,
        ("upload", True): uploads.status,
    }
    changing: dict[tuple[RouteKind, str, bool], Handler] = {
        ("manifest", "PUT", True): manifests.put,
        ("manifest", "DELETE", True): manifests.delete,
        ("blob", "DELETE", True): blobs.delete,
        ("upload", "POST", False): uploads.start,
        ("upload", "PATCH", True): uploads.add,
        ("upload", "PUT", True): uploads.finish,
        ("upload", "DELETE", True): uploads.cancel,
    }
    reading = {(kind, method, end): do for (kind, end), do in read.items() for method in _READ}
    return {**reading, **changing}
