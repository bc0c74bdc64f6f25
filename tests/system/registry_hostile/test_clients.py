"""Clients that are slow, go away, or are very many; and requests put together at random."""

from __future__ import annotations

import contextlib
import os
import time

from fixtures.hostile_place import (
    DATA,
    MORE_MEMORY,
    NOBODY,
    STALL,
    Place,
    troubles,
    upload_target,
)
from fixtures.raw_http import Reply, Wire, digest_of, head, wired
from fixtures.registry_fuzz import Fuzzer
from fixtures.waiting import eventually

FUZZ_REQUESTS = int(os.environ.get("WHERRY_FUZZ_REQUESTS", "2000"))
FUZZ_SEED = int(os.environ.get("WHERRY_FUZZ_SEED", "20260101"))

# clients that are slow, or go away


def test_those_who_send_nothing_more_are_left(place: Place) -> None:
    location = place.stranger.begin("app")
    announced = {"Content-Length": 1000}
    with contextlib.ExitStack() as stack:
        wires = [stack.enter_context(wired(place.address)) for _ in range(20)]
        for wire in wires:
            wire.send(head("PATCH", location, announced), b"x")
        assert place.stranger.ask("GET", "/v2/app/tags/list").status == 200
        replies = [wire.reply("PATCH") for wire in wires]
    assert {reply.status for reply in replies if reply} <= {408, 409, 416, 499}
    assert place.stranger.ask("GET", location).status in (204, 404)


def test_those_who_are_slow_are_waited_for(place: Place) -> None:
    digest = digest_of(b"slow")
    target = f"/v2/app/blobs/uploads/?digest={digest}"
    with contextlib.ExitStack() as stack:
        wires = [stack.enter_context(wired(place.address)) for _ in range(20)]
        for wire in wires:
            wire.send(head("POST", target, {"Content-Length": 4}))
        for byte in (b"s", b"l", b"o", b"w"):
            time.sleep(0.5 * STALL)  # to be slow is the test
            for wire in wires:
                wire.send(byte)
            begun = time.monotonic()
            assert place.stranger.ask("GET", "/v2/app/tags/list").status == 200
            assert time.monotonic() - begun < 5
        replies = [wire.reply("POST") for wire in wires]
    assert [reply.status for reply in replies if reply] == [201] * 20


def test_those_who_take_nothing_are_left(place: Place) -> None:
    large = os.urandom(1 << 20) * 24
    place.stranger.push_blob("large", large)
    with wired(place.address) as wire:
        wire.send(head("GET", f"/v2/large/blobs/{digest_of(large)}"))
        before = place.descriptors()
        eventually(lambda: place.descriptors() < before)


def test_uploads_that_are_broken_off_can_be_gone_on_with(place: Place) -> None:
    whole = os.urandom(1 << 20)
    for cut in (0, 2, 1000, 300_000, 1_000_000):  # of 1 byte and of none the same is told
        location = place.stranger.begin("app")
        wire = Wire(place.address)
        wire.send(head("PATCH", location, {"Content-Length": len(whole)}), whole[:cut])
        wire.reset()
        size = settled_size(place, location)
        assert size <= cut
        rest = place.stranger.ask("PATCH", location, whole[size:])
        assert rest.status == 202
        digest = digest_of(whole)
        assert place.stranger.ask("PUT", upload_target(location, digest)).status == 201
        assert place.stranger.ask("DELETE", f"/v2/app/blobs/{digest}").status == 202


def settled_size(place: Place, location: str) -> int:
    """Return how far an upload is once the registry has noticed that its client has gone."""
    sizes: list[int] = []

    def settled() -> bool:
        reply = place.stranger.ask("GET", location)
        assert reply.status == 204
        first, last = reply.headers["range"].split("-")
        sizes.append(int(last) + 1 if int(last) > int(first) else 0)
        return len(sizes) > 3 and len(set(sizes[-3:])) == 1

    eventually(settled)
    return sizes[-1]


def test_many_who_go_away_half_way_leave_nothing_behind(place: Place) -> None:
    for number in range(60):
        wire = Wire(place.address)
        target = f"/v2/app/blobs/uploads/?digest={NOBODY}"
        wire.send(head("POST", target, {"Content-Length": 1 << 30}), b"x" * (number * 5000))
        wire.reset()
    assert place.stranger.ask("GET", f"/v2/app/blobs/{NOBODY}").status == 404


# very many


def test_five_hundred_who_say_nothing_keep_nobody_out(place: Place) -> None:
    with contextlib.ExitStack() as stack:
        for number in range(500):
            wire = stack.enter_context(wired(place.address))
            if number % 2:
                wire.send(b"GET /v2/ HTTP/1.1\r\nHost: a\r\n")
        begun = time.monotonic()
        assert place.stranger.ask("GET", f"/v2/app/blobs/{digest_of(DATA)}").status == 200
        assert time.monotonic() - begun < 5


def test_whatever_is_sent_the_registry_stands(place: Place) -> None:
    outside, before = place.outside(), place.memory()
    fuzzer = Fuzzer(place.address, FUZZ_SEED, place.ann.authorization)
    with contextlib.closing(fuzzer):
        for _ in range(FUZZ_REQUESTS):
            request = fuzzer.request()
            reply = fuzzer.send(request)
            assert reply is None or fine(reply), (FUZZ_SEED, request[:2000], reply)
    assert place.memory() - before < MORE_MEMORY
    assert place.outside() == outside
    assert troubles(place.registry.log.read_text(errors="replace")) == []


def fine(reply: Reply) -> bool:
    """Tell whether a reply is no fault of the registry's own."""
    return reply.status < 500 or reply.status in (501, 505)
