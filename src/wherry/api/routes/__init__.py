"""Routes, one file for each kind of object: read the request, call one verb, render the result.

A file is loaded when somebody first asks for a path that begins as some of its routes do: an engine
that starts answers before it has loaded what pulls and builds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Final

from wherry.api.table import Route, first_segment

_SWARM: Final = ("plugins", "swarm", "services", "tasks", "nodes", "secrets", "configs")
# By the first segment of a path. A fixed path comes before a pattern that covers it.
FILES: Final[dict[str, Sequence[str]]] = {
    **dict.fromkeys(("_ping", "version", "info", "system", "auth"), ("system",)),
    "events": ("events",),
    "containers": ("containers", "streams", "execs"),
    "exec": ("execs",),
    "images": ("transfers", "registries", "images"),
    "distribution": ("registries",),
    "commit": ("images",),
    "networks": ("networks",),
    "volumes": ("volumes",),
    "build": ("build",),
    "wherry": ("build", "pack"),
    **dict.fromkeys(_SWARM, ("swarm",)),
}


def routes_below(segment: str) -> Iterator[Route]:
    """Yield the routes of the API whose paths begin with `segment`."""
    for name in FILES.get(segment, ()):
        routes: Sequence[Route] = import_module(f"{__name__}.{name}").ROUTES
        for route in routes:
            if first_segment(route.pattern) == segment:
                yield route
