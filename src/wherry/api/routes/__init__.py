"""Routes, one file for each kind of object: read the request, call one verb, render the result."""

from __future__ import annotations

from collections.abc import Iterator

from wherry.api.routes import (
    build,
    containers,
    events,
    execs,
    images,
    networks,
    pack,
    registries,
    streams,
    swarm,
    system,
    transfers,
    volumes,
)
from wherry.api.table import Route


def all_routes() -> Iterator[Route]:
    """Yield every route of the API."""
    yield from system.ROUTES
    yield from events.ROUTES
    yield from containers.ROUTES
    yield from streams.ROUTES
    yield from execs.ROUTES
    yield from transfers.ROUTES
    yield from registries.ROUTES
    yield from images.ROUTES
    yield from networks.ROUTES
    yield from volumes.ROUTES
    yield from build.ROUTES
    yield from pack.ROUTES
    yield from swarm.ROUTES
