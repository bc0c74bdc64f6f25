"""Rates of requests."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from aiohttp import web

from wherry.registry.server.access import rates as module
from wherry.registry.server.access.guard import Caller, TooManyRequestsError
from wherry.registry.server.access.rates import (
    Buckets,
    LimitedSite,
    Limiter,
    Standing,
    address_block,
)
from wherry.registry.server.settings import Access, Rates

ANN = Caller("ann", "192.0.2.1")
MANIFEST = "/v2/team/a/manifests/latest"


@pytest.mark.parametrize(
    ("address", "block"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1:2:3:4", "2001:db8::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.1x", "::ffff:192.0.2.1x"),
        ("", ""),
    ],
)
def test_what_counts_as_one_client(address: str, block: str) -> None:
    assert address_block(address) == block


def test_a_bucket_fills_up_evenly(clock) -> None:
    buckets = Buckets(3, 60, clock)
    assert [buckets.take("a") for _ in range(4)] == [
        Standing(3, 2, 0.0), Standing(3, 1, 0.0), Standing(3, 0, 0.0), Standing(3, 0, 20.0),
    ]  # fmt: skip
    assert buckets.take("b") == Standing(3, 2, 0.0)
    clock.pass_by(10)
    assert buckets.take("a") == Standing(3, 0, 10.0)
    clock.pass_by(10)
    assert buckets.take("a") == Standing(3, 0, 0.0)
    clock.pass_by(1000)
    assert buckets.take("a") == Standing(3, 2, 0.0)


def test_waiting_as_long_as_one_was_told_is_enough(clock) -> None:
    buckets = Buckets(7, 61, clock)
    for _ in range(100):
        standing = buckets.take("a")
        assert standing
        if standing.wait:
            clock.pass_by(standing.wait)
            again = buckets.take("a")
            assert again
            assert not again.wait


def test_memory_is_bounded(clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_BUCKETS", 10)
    buckets = Buckets(3, 60, clock)
    for number in range(50):
        buckets.take(str(number))
    assert len(buckets._filled) == 10


def admitted(limiter: Limiter, caller: Caller, method: str, path: str, times: int) -> int:
    for done in range(times):
        try:
            limiter.admit(caller, method, path)
        except TooManyRequestsError:
            return done
    return times


@pytest.mark.parametrize(
    ("rates", "method", "path", "count"),
    [
        (Rates(pulls=2), "GET", MANIFEST, 2),
        (Rates(pulls=2), "HEAD", MANIFEST, 9),
        (Rates(pulls=2), "GET", "/v2/team/a/blobs/sha256:x", 9),
        (Rates(pulls=2), "GET", "/r/manifests/x", 9),
        (Rates(pulls=2), "PUT", MANIFEST, 9),
        (Rates(pushes=2), "PUT", MANIFEST, 2),
        (Rates(pushes=2), "PUT", "/v2/team/a/blobs/uploads/1", 9),
        (Rates(requests=2), "GET", "/v2/", 2),
        (Rates(requests=2), "HEAD", MANIFEST, 2),
        (Rates(), "GET", MANIFEST, 9),
    ],
)
def test_what_counts(rates: Rates, method: str, path: str, count: int, clock) -> None:
    limiter = Limiter(rates, clock)
    assert admitted(limiter, ANN, method, path, 9) == count


def test_accounts_and_addresses_have_buckets_of_their_own(clock) -> None:
    limiter = Limiter(Rates(pulls=1), clock)
    for caller in (ANN, Caller("", "192.0.2.1"), Caller("", "192.0.2.2"), Caller("bob")):
        assert admitted(limiter, caller, "GET", MANIFEST, 9) == 1
    assert admitted(limiter, Caller("ann", "192.0.2.9"), "GET", MANIFEST, 9) == 0


def test_headers_tell_what_is_left(clock) -> None:
    limiter = Limiter(Rates(pulls=5, seconds=3600), clock)
    assert limiter.admit(ANN, "GET", MANIFEST) == {
        "RateLimit-Limit": "5;w=3600",
        "RateLimit-Remaining": "4;w=3600",
    }
    assert limiter.admit(ANN, "HEAD", MANIFEST) == {}


class Answering:
    """A site that answers below a path."""

    def __init__(self, path: str) -> None:
        self._path = path
        self.asked = 0

    async def answer(self, exchange) -> web.StreamResponse | None:
        self.asked += 1
        found = exchange.request.path.startswith(self._path)
        return web.Response(text=self._path) if found else None


async def test_sites_behind_limits(build: Callable, serve: Callable, clock) -> None:
    first, second = Answering("/v2/"), Answering("/token")
    site = LimitedSite([first, second], Limiter(Rates(pulls=2, requests=4), clock))
    served = await serve(build(Access(htpasswd="x")), site)

    async def ask(path: str) -> tuple[int, str, str | None]:
        async with served.ask("GET", path) as reply:
            return reply.status, await reply.text(), reply.headers.get("RateLimit-Remaining")

    assert await ask(MANIFEST) == (200, "/v2/", "1;w=60")
    assert await ask("/token") == (200, "/token", None)
    assert await ask(MANIFEST) == (200, "/v2/", "0;w=60")
    assert await ask("/other") == (404, "", None)
    assert (await ask("/token"))[0] == 429
    assert (first.asked, second.asked) == (4, 2)
    clock.pass_by(60)
    assert (await ask(MANIFEST))[0] == 200
