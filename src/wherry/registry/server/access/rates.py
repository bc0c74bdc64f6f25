"""How much one account or address may ask for: token buckets, and sites behind them.

A bucket holds `count` and fills up evenly in `seconds`. What counts: every request; a pull is a GET
of a manifest (HEAD is free, so clients can look for news); a push is a PUT of one. Whoever has
logged in has buckets of his own, everybody else those of the address; an IPv6 address counts as its
/64, which is what one customer gets.

In memory, each process for itself: with n processes, up to n times as much gets through. Bounded:
the bucket used longest ago is forgotten first, which gives its owner a full one.
"""

from __future__ import annotations

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence

from aiohttp import web

from wherry.base.values import dataclass
from wherry.registry.server.access.guard import Caller, TooManyRequestsError
from wherry.registry.server.http.exchange import Exchange, Site
from wherry.registry.server.settings import Rates

_MOST_BUCKETS = 65_536
_ROUNDING = 1e-6


def address_block(address: str) -> str:
    """Return what of an address is counted as one client."""
    if ":" not in address:
        return address
    try:
        network = ipaddress.ip_network((address.partition("%")[0], 64), strict=False)
    except ValueError:
        return address
    return str(network)


@dataclass(frozen=True, slots=True)
class Standing:
    """What is left of a bucket; `wait` in seconds until one more fits, 0.0 when one was taken."""

    limit: int
    remaining: int
    wait: float


class Buckets:
    """Buckets of one size, by key; a `count` of 0 limits nothing."""

    def __init__(self, count: int, seconds: float, clock: Callable[[], float]) -> None:
        self._count = count
        self._rate = count / seconds
        self._clock = clock
        self._filled: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str) -> Standing | None:
        """Take one out of a bucket; None where there is no limit."""
        if not self._count:
            return None
        now = self._clock()
        level, then = self._filled.get(key, (float(self._count), now))
        level = min(float(self._count), level + (now - then) * self._rate)
        # Less than one is still one when only the rounding of its parts is missing.
        wait = 0.0 if level > 1 - _ROUNDING else (1 - level) / self._rate
        level = level if wait else max(0.0, level - 1)
        self._filled[key] = (level, now)
        self._filled.move_to_end(key)
        if len(self._filled) > _MOST_BUCKETS:
            self._filled.popitem(last=False)
        return Standing(self._count, math.floor(level + _ROUNDING), wait)


class Limiter:
    """The buckets of a registry."""

    def __init__(self, rates: Rates, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = rates.seconds
        self._requests = Buckets(rates.requests, rates.seconds, clock)
        self._manifests = {
            "GET": ("pulls", Buckets(rates.pulls, rates.seconds, clock)),
            "PUT": ("pushes", Buckets(rates.pushes, rates.seconds, clock)),
        }

    def admit(self, caller: Caller, method: str, path: str) -> Mapping[str, str]:
        """Count a request and return headers that tell what is left.

        Raises TooManyRequestsError.
        """
        key = caller.name or address_block(caller.address)
        _checked("requests", self._requests.take(key))
        counted = self._manifests.get(method)
        if counted is None or "/manifests/" not in path or not path.startswith("/v2/"):
            return {}
        what, buckets = counted
        if (standing := _checked(what, buckets.take(key))) is None:
            return {}
        window = f";w={math.ceil(self._seconds)}"
        return {
            "RateLimit-Limit": f"{standing.limit}{window}",
            "RateLimit-Remaining": f"{standing.remaining}{window}",
        }


def _checked(what: str, standing: Standing | None) -> Standing | None:
    if standing and standing.wait:
        raise TooManyRequestsError(f"too many {what}: wait and try again", standing.wait)
    return standing


class LimitedSite:
    """Several sites as one, asked only by those who have not asked too much."""

    def __init__(self, sites: Sequence[Site], limiter: Limiter) -> None:
        self._sites = tuple(sites)
        self._limiter = limiter

    async def answer(self, exchange: Exchange) -> web.StreamResponse | None:
        """Answer as the first of the sites that does; raises TooManyRequestsError."""
        request = exchange.request
        headers = self._limiter.admit(exchange.caller, request.method, request.path)
        for site in self._sites:
            response = await site.answer(exchange)
            if response is not None:
                if not response.prepared:
                    response.headers.update(headers)
                return response
        return None
