"""In which order containers are started when the engine starts: who needs whom. Pure.

A container is started after those that it lives in (`--network container:`, `--ipc`, `--pid`), that
it is linked to or has volumes from, and that compose says it depends on. The others are
started at once. Where containers need each other in a circle, one of them has to go first: the edge
that closes the circle is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from wherry.base.values import dataclass
from wherry.engine.containers.record import Container

_PROJECT: Final = "com.docker.compose.project"
_SERVICE: Final = "com.docker.compose.service"
_DEPENDS_ON: Final = "com.docker.compose.depends_on"
_ONE_OFF: Final = "com.docker.compose.oneoff"

Find = Callable[[str], Container | None]


@dataclass(frozen=True, slots=True)
class Order:
    """`needs` has the ids that each id waits for; `left_out` the edges (who, whom) of circles."""

    needs: Mapping[str, frozenset[str]]
    left_out: Sequence[tuple[str, str]]


def boot_order(records: Sequence[Container], find: Find) -> Order:
    """Return the order of these containers; `find` resolves names, ids and prefixes of ids."""
    ids = {record.id for record in records}
    services = _by_service(records)
    needs: dict[str, set[str]] = {
        record.id: {
            wanted
            for wanted in (*_lived_in(record, find), *_depended_on(record, services))
            if wanted in ids and wanted != record.id
        }
        for record in records
    }
    return _without_circles(needs)


def _lived_in(record: Container, find: Find) -> Iterator[str]:
    host = record.host_config
    references = [
        mode.removeprefix("container:")
        for mode in (host.network_mode, host.ipc_mode, host.pid_mode)
        if mode.startswith("container:")
    ]
    references += [one.split(":")[0] for one in host.volumes_from or ()]
    references += _linked(host.links or ())
    for endpoint in record.networks.values():
        references += _linked(endpoint.links or ())
    for reference in references:
        if (found := find(reference)) is not None:
            yield found.id


def _linked(links: Iterable[str]) -> list[str]:
    """Return the names of `name:alias`."""
    return [link.split(":")[0].removeprefix("/") for link in links]


def _by_service(records: Iterable[Container]) -> dict[tuple[str, str], list[str]]:
    """Return the ids of the containers of each compose project's services."""
    found: dict[tuple[str, str], list[str]] = {}
    for record in records:
        labels = record.config.labels or {}
        if _SERVICE in labels and labels.get(_ONE_OFF, "").lower() != "true":
            key = (labels.get(_PROJECT, ""), labels[_SERVICE])
            found.setdefault(key, []).append(record.id)
    return found


def _depended_on(
    record: Container, services: Mapping[tuple[str, str], Sequence[str]]
) -> Iterator[str]:
    """Read compose's label: `service:condition:restart`, separated by commas."""
    labels = record.config.labels or {}
    for entry in labels.get(_DEPENDS_ON, "").split(","):
        yield from services.get((labels.get(_PROJECT, ""), entry.split(":")[0].strip()), ())


def _without_circles(needs: Mapping[str, set[str]]) -> Order:
    """Leave out every edge that leads back to a node on the way to it, depth first."""
    kept: dict[str, set[str]] = {one: set() for one in needs}
    left_out: list[tuple[str, str]] = []
    finished: set[str] = set()
    for first in needs:
        if first in finished:
            continue
        # Not recursive: a chain may be as long as there are containers.
        way: dict[str, Iterator[str]] = {first: iter(sorted(needs[first]))}
        while way:
            at = next(reversed(way))
            following = next(way[at], None)
            if following is None:
                finished.add(at)
                del way[at]
            elif following in way:
                left_out.append((at, following))
            else:
                kept[at].add(following)
                if following not in finished:
                    way[following] = iter(sorted(needs[following]))
    return Order({one: frozenset(wanted) for one, wanted in kept.items()}, left_out)
