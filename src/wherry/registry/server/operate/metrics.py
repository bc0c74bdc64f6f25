"""What is counted, as an observer of exchanges and by those who have something to tell.

Counting is a few additions to dictionaries, whose keys are never what a client chose: methods that
the protocol does not have count as one, and routes are those of the server. Belongs to one event
loop, but for `failed`, which storage calls from its threads.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Mapping

from wherry.base.values import dataclass, field
from wherry.registry.server.collect.report import Report
from wherry.registry.server.http.exchange import Exchange
from wherry.registry.server.operate.exposition import Family, Sample

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)
_METHODS = frozenset({"GET", "HEAD", "PUT", "POST", "PATCH", "DELETE"})
_PREFIX = "wherry_registry_"
_COLLECTED = ("tags", "manifests", "uploads", "blobs", "objects", "bytes")


@dataclass(slots=True)
class _Route:
    """Of one route; `buckets` are not cumulative, the last is for all that took longer."""

    seconds: float = 0.0
    sent: int = 0
    received: int = 0
    buckets: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))


class Metrics:
    """Counts since the start of this process."""

    def __init__(self) -> None:
        self._requests: dict[tuple[str, str, int], int] = defaultdict(int)
        self._routes: dict[str, _Route] = defaultdict(_Route)
        self._actions: dict[str, int] = defaultdict(int)
        self._errors: dict[str, int] = defaultdict(int)
        self._failures: dict[str, int] = defaultdict(int)
        self._cached: dict[str, int] = {"hit": 0, "miss": 0}
        self._collected: dict[str, float] = dict.fromkeys(_COLLECTED, 0)
        self._collections = 0
        self._collection_seconds = 0.0
        self._gauges: dict[str, tuple[str, Callable[[], float]]] = {}
        self._lock = threading.Lock()
        self.uploads = 0

    def finished(self, exchange: Exchange) -> None:
        """Count an exchange."""
        method = exchange.request.method
        known = method if method in _METHODS else "other"
        self._requests[exchange.route, known, exchange.status // 100] += 1
        route = self._routes[exchange.route]
        route.seconds += exchange.seconds
        route.sent += exchange.sent
        route.received += exchange.received
        route.buckets[bisect_left(BOUNDS, exchange.seconds)] += 1
        if exchange.action and exchange.status < 400:
            self._actions[exchange.action] += 1
        if exchange.error:
            self._errors[exchange.error] += 1

    def collected(self, report: Report) -> None:
        """Add what a collection took away."""
        self._collections += 1
        self._collection_seconds += report.seconds
        for key in _COLLECTED:
            self._collected[key] += getattr(report, key)

    def failed(self, part: str) -> None:
        """Count that storage, database or webhook did not do what it was asked to."""
        with self._lock:
            self._failures[part] += 1

    def cached(self, *, hit: bool) -> None:
        """Count a blob of a cache that was kept, or had to be fetched."""
        self._cached["hit" if hit else "miss"] += 1

    def gauge(self, name: str, text: str, value: Callable[[], float]) -> None:
        """Have a figure read whenever the metrics are; `name` without the prefix."""
        self._gauges[name] = (text, value)

    def families(self) -> list[Family]:
        """Return all of it."""
        found = [
            _family("requests_total", "counter", "Requests answered.", self._request_samples()),
            _family("request_seconds", "histogram", "Time to answer.", self._time_samples()),
            self._by_route("sent_bytes_total", "Bytes of bodies sent.", lambda one: one.sent),
            self._by_route("received_bytes_total", "Bytes received.", lambda one: one.received),
            _labelled("actions_total", "What was done.", "action", self._actions),
            _labelled("errors_total", "Refusals, by code.", "code", self._errors),
            _labelled("failures_total", "Failures of what it needs.", "part", self._failures),
            _labelled("cache_blobs_total", "Blobs of caches asked for.", "result", self._cached),
            _labelled("collected_total", "Collected things.", "kind", self._collected),
            _one("collections_total", "counter", "Collections.", self._collections),
            _one(
                "collection_seconds_total", "counter", "Time they took.", self._collection_seconds
            ),
            _one("uploads_in_flight", "gauge", "Uploads being received.", self.uploads),
        ]
        found += [_one(name, "gauge", text, read()) for name, (text, read) in self._gauges.items()]
        return found

    def _request_samples(self) -> list[Sample]:
        return [
            Sample(count, {"route": route, "method": method, "status": f"{status}xx"})
            for (route, method, status), count in self._requests.items()
        ]

    def _time_samples(self) -> list[Sample]:
        samples = []
        for name, route in self._routes.items():
            total = 0
            for bound, count in zip((*BOUNDS, None), route.buckets, strict=True):
                total += count
                labels = {"route": name, "le": "+Inf" if bound is None else f"{bound:g}"}
                samples.append(Sample(total, labels, "_bucket"))
            samples.append(Sample(route.seconds, {"route": name}, "_sum"))
            samples.append(Sample(total, {"route": name}, "_count"))
        return samples

    def _by_route(self, name: str, text: str, value: Callable[[_Route], int]) -> Family:
        return _labelled(
            name, text, "route", {route: value(one) for route, one in self._routes.items()}
        )


def _family(name: str, kind: str, text: str, samples: list[Sample]) -> Family:
    return Family(_PREFIX + name, kind, text, samples)


def _labelled(name: str, text: str, label: str, counts: Mapping[str, float]) -> Family:
    samples = [Sample(count, {label: value}) for value, count in counts.items()]
    return _family(name, "counter", text, samples)


def _one(name: str, kind: str, text: str, value: float) -> Family:
    return _family(name, kind, text, [Sample(value)])
